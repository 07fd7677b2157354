"""An operator takes away what the trend shows, as a file that other programs open."""

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey


def test_what_is_drawn_is_taken_away_as_a_file_and_the_file_is_removed(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/trends?s=1&span=900")
    sheet = page.locator("dialog")
    for _ in range(
        60
    ):  # A span is counted as it is when the sheet is opened; a plant that begins has nothing in it yet.
        page.get_by_role("button", name="Export…").click(timeout=FIRST_VALUES_MS)
        estimate = sheet.get_by_text(re.compile(r"rows, about .* made at once"))
        expect(estimate).to_be_visible(timeout=FIRST_VALUES_MS)
        if not estimate.inner_text().startswith("0 rows"):
            break
        page.keyboard.press("Escape")
        page.wait_for_timeout(500)
    sheet.get_by_label("Numbers and fields").select_option(label="1234,5 and semicolons")
    with page.expect_download() as download:
        sheet.get_by_role("button", name="Export", exact=True).click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file, delimiter=";")
    assert head[:3] == ["Time", "Signal", "Value"]
    assert rows
    assert all("." not in row[2] for row in rows)
    kept = sheet.get_by_role("listitem")
    expect(kept).to_have_count(1, timeout=FIRST_VALUES_MS)
    expect(kept).to_contain_text(f"{len(rows)} rows")
    kept.get_by_role("button", name="Remove").click()
    expect(kept).to_have_count(0, timeout=FIRST_VALUES_MS)
    assert errors == []
