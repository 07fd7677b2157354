"""An engineer trains a model step by step, replays it, puts it in force, and takes it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey
HISTORY_DAYS = 2
DETECTOR = "rolling_z"  # The quickest of them: what is walked here is the way, not the detector.


@pytest.fixture(scope="module")
def plant_with_a_past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    product = RunningProduct(Path(tmp_path_factory.mktemp("past")), history_days=HISTORY_DAYS)
    product.start()
    yield product
    product.kill()


def trained(page: Page, product: RunningProduct, version: int) -> None:
    """Walk from the choice of a machine to a version in force."""
    page.goto(f"{product.url}/models/train")
    page.get_by_label("Machine", exact=True).select_option("p-101a", timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Look at its data").click()
    page.get_by_role("button", name="Last day").click()
    page.get_by_label("Between two rows").select_option("60")
    begin = page.get_by_role("slider", name="Begin of the normal period")
    before = begin.get_attribute("aria-valuenow", timeout=FIRST_VALUES_MS)
    begin.focus()
    page.keyboard.press("ArrowRight")
    expect(begin).not_to_have_attribute("aria-valuenow", before or "")
    page.get_by_role("checkbox").last.uncheck()
    page.get_by_role("button", name="Train on this").click()
    page.get_by_label("Name of the model").fill("Pump watch")
    page.get_by_label("Detector").select_option(DETECTOR)
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_role("heading", name="What it learned")).to_be_visible(timeout=FIRST_VALUES_MS)
    assert "version=" in page.url
    expect(page.get_by_role("img", name="held-out rows are above the threshold")).to_be_visible()

    page.reload()  # What was done is found again.
    expect(page.get_by_role("heading", name="What it learned")).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(page.get_by_text(f"Pump watch {version}")).to_be_visible()
    page.get_by_role("button", name="Decide about it").click()
    page.get_by_role("button", name="Run as a shadow").click()
    expect(page.get_by_role("status").filter(has_text="Shadow")).to_be_visible()
    expect(page.get_by_role("button", name="Put in force")).to_be_disabled()

    page.get_by_role("list", name="Steps of the training").get_by_role("button", name="Replay").click()
    page.get_by_label("Replay over").select_option("1")
    page.get_by_role("button", name="Replay the past").click()
    slider = page.get_by_label("What another threshold would have done")
    expect(slider).to_be_visible(timeout=FIRST_VALUES_MS)
    alarms = int(page.locator("dt:text-is('Alarms') + dd").inner_text())
    slider.focus()
    page.keyboard.press("End")
    expect(page.get_by_text("+348 % of the threshold")).to_be_visible()
    assert int(page.locator("dt:text-is('Alarms') + dd").inner_text()) <= alarms
    page.get_by_role("button", name="Decide about it").click()
    page.get_by_label("Reason").fill("few false alarms")
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("status").filter(has_text="In force")).to_be_visible()


def test_a_model_is_trained_replayed_put_in_force_and_taken_back(
    plant_with_a_past: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, plant_with_a_past, "Engineer")
    trained(page, plant_with_a_past, 1)
    expect(page.get_by_role("button", name="Roll back")).not_to_be_visible()  # Nothing was in force before it.
    trained(page, plant_with_a_past, 2)
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("status").filter(has_text="Retired")).to_be_visible()
    page.get_by_role("link", name="Its page").click()
    page.wait_for_url("**/models/*")
    first = page.get_by_role("row").filter(has_text="Version 1")
    expect(first).to_contain_text("In force", timeout=FIRST_VALUES_MS)
    expect(page.get_by_role("row").filter(has_text="Version 2")).to_contain_text("Retired")
    assert errors == []
