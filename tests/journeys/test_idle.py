"""A page that nobody touches warns, and then nobody is signed in at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import sign_in

END_MS = 120_000


@pytest.fixture(scope="module")
def impatient_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """A demo whose pages may be left alone for a quarter of a minute, and warn all the time therefore."""
    folder = Path(tmp_path_factory.mktemp("idle"))
    product = RunningProduct(folder, environment={"PDM_AUTH__IDLE_MINUTES": "0.25"})
    product.start()
    yield product
    product.kill()


def test_a_page_left_alone_warns_and_signs_out_and_comes_back_to_where_it_was(
    impatient_demo: RunningProduct, page: Page
) -> None:
    sign_in(page, impatient_demo, "Olga, operator")
    page.goto(f"{impatient_demo.url}/alarms")
    warning = page.get_by_role("alertdialog", name="Still there?")
    expect(warning).to_contain_text("signs out in", timeout=END_MS)
    warning.get_by_role("button", name="Stay signed in").click()
    page.wait_for_url("**/login?next=%2Falarms", timeout=END_MS)
    page.goto(f"{impatient_demo.url}/alarms")
    page.wait_for_url("**/login**")
