"""An engineer brings the history of another program in, looks at it, and takes it back."""

import datetime as dt
import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey

ROWS = 60


def logger_file() -> bytes:
    """As a logger of a German office writes it: two signals a minute, last year."""
    begin = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=300)
    lines = ["Zeit;P-101A Motor_Current_A;P-101A Flow_Rate_m3_h;Bemerkung"]
    for row in range(ROWS):
        at = begin + dt.timedelta(minutes=row)
        lines.append(f"{at:%d.%m.%Y %H:%M:%S};{row % 7},5;{100 + row},25;ok")
    return "\r\n".join([*lines, "kaputt;1;2;", ""]).encode("cp1252")


def test_a_file_is_tried_imported_seen_in_the_trend_and_taken_back(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/settings/import")
    expect(page.get_by_text("Nothing was imported yet")).to_be_visible(timeout=FIRST_VALUES_MS)
    page.get_by_label("Choose a file").last.set_input_files(
        {"name": "logger.csv", "mimeType": "text/csv", "buffer": logger_file()}
    )
    expect(page.get_by_role("heading", name="logger.csv")).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(page.get_by_label("Decimal mark")).to_have_value(",", timeout=FIRST_VALUES_MS)
    expect(page.get_by_label("Times are written")).to_have_value("dmy")
    chosen = page.get_by_label("Signal for P-101A Motor_Current_A")
    expect(chosen).to_have_value("P-101A Motor_Current_A", timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Try it").click()

    start = page.get_by_role("button", name=re.compile("Import .* samples"))
    expect(start).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(page.get_by_text("1 row was refused")).to_be_visible()
    start.click()
    see = page.get_by_role("link", name="Look at it in the trend")
    expect(see).to_be_visible(timeout=FIRST_VALUES_MS)
    see.click()
    page.wait_for_url("**/trends?**")
    expect(page.get_by_text(f"raw, {2 * ROWS} → {2 * ROWS} points")).to_be_visible(timeout=FIRST_VALUES_MS)
    page.goto(f"{standing_demo.url}/settings/import")
    page.get_by_role("button", name="Take back", exact=True).click(timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Take back now").click()
    expect(page.get_by_text("Taken back", exact=True)).to_be_visible(timeout=FIRST_VALUES_MS)
    assert errors == []
