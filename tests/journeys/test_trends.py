"""An engineer lays signals and an expression side by side, marks two moments, and hands the view on by its address."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey


def test_a_view_of_several_series_is_put_together_marked_and_found_again_by_its_address(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/trends")
    expect(page.get_by_text("Nothing chosen yet")).to_be_visible(timeout=FIRST_VALUES_MS)
    search = page.get_by_label("Signal or expression")
    for words in ("Motor_Power_kW", "Bearing_Temperature_C"):
        search.fill(words)
        page.locator(".workspace-found button", has_text="P-101A").click(timeout=FIRST_VALUES_MS)
    search.fill("Motor_Power_kW * 2")
    page.get_by_role("button", name="Add as an expression").click()
    expect(page.locator(".workspace-series > li")).to_have_count(3)
    expect(page.locator(".workspace-lane")).to_have_count(2, timeout=FIRST_VALUES_MS)  # kW and °C.
    page.get_by_role("button", name="15 min").click()
    figures = page.locator(".workspace-figures tbody tr")
    expect(figures).to_have_count(3, timeout=FIRST_VALUES_MS)

    box = page.locator(".workspace-lane .u-over").first.bounding_box()
    assert box is not None
    for share in (0.4, 0.9):
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + 20)
    expect(page.get_by_text(re.compile("between A, .* and B, "))).to_be_visible(timeout=FIRST_VALUES_MS)
    page.wait_for_url(re.compile(r"[?&]a=.*&b="), timeout=FIRST_VALUES_MS)

    page.goto(page.url)
    expect(page.locator(".workspace-series > li")).to_have_count(3, timeout=FIRST_VALUES_MS)
    expect(page.locator(".workspace-flag")).to_have_count(2, timeout=FIRST_VALUES_MS)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click(timeout=FIRST_VALUES_MS)
    head = download.value.path().read_text(encoding="utf-8").splitlines()[0]
    assert head == "time,P-101A Motor power,P-101A Bearing temperature,Motor_Power_kW * 2"
    page.get_by_role("button", name="Remove P-101A Bearing temperature").click()
    expect(page.locator(".workspace-lane")).to_have_count(1)
    assert errors == []
