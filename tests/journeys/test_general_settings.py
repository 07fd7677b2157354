"""An admin finds a setting, changes it with a reason, sees it hold at once, compares and goes back; then by a file."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

KEY = "url_bytes_max"
LONG = "/api/live-data?" + "x" * 4_000


@pytest.fixture
def settings(page: Page, standing_demo: RunningProduct) -> Page:
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings/general")
    expect(page.get_by_label(KEY)).to_have_value("32768", timeout=FIRST_VALUES_MS)
    return page


def review(page: Page, reason: str) -> None:
    """Look at what will change, give the reason and save."""
    page.get_by_role("button", name="Review").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("row").filter(has_text="http.url_bytes_max")).to_contain_text("2048")
    sheet.get_by_label("Why").fill(reason)
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_be_hidden(timeout=FIRST_VALUES_MS)


def test_a_setting_is_found_changed_held_at_once_and_brought_back(
    settings: Page, standing_demo: RunningProduct, errors: list[str]
) -> None:
    page = settings
    page.get_by_label("Search settings").fill("path query")
    field = page.get_by_label(KEY)
    expect(page.locator(".setting")).to_have_count(1)
    field.fill("12")
    expect(page.get_by_text("must be 1 024 to 1 048 576")).to_be_visible()
    expect(page.get_by_role("button", name="Review")).to_be_disabled()
    assert httpx.get(standing_demo.url + LONG, timeout=90).status_code != 414
    field.fill("2048")
    review(page, "strangers send long addresses")
    expect(page.locator(".setting .chip")).to_have_text("Set here", timeout=FIRST_VALUES_MS)
    assert httpx.get(standing_demo.url + LONG, timeout=90).status_code == 414

    page.get_by_role("button", name="History").click()
    row = page.get_by_role("row").filter(has_text="strangers send long addresses")
    expect(row).to_contain_text("http.url_bytes_max", timeout=FIRST_VALUES_MS)
    row.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog")).to_contain_text("32768 (default)")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Reset everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to it").click()
    expect(page.get_by_role("row").filter(has_text="back to revision 0")).to_be_visible(timeout=FIRST_VALUES_MS)
    assert httpx.get(standing_demo.url + LONG, timeout=90).status_code != 414
    assert errors == []


def test_a_file_is_looked_at_before_it_is_brought_in_and_what_waits_is_said_on_every_page(
    settings: Page, standing_demo: RunningProduct, errors: list[str]
) -> None:
    page = settings
    page.get_by_role("button", name="File").click()
    text = page.get_by_label("Or its text")
    text.fill('[log]\nformat = "txt"\n')
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_text("line 2")).to_be_visible(timeout=FIRST_VALUES_MS)
    text.fill('[log]\nformat = "text"\n')
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("row").filter(has_text="log.format")).to_contain_text("At the next start")
    page.get_by_role("button", name="Bring in a file").click()
    banner = page.get_by_text("The setting log.format takes effect at the next start")
    expect(banner).to_be_visible(timeout=FIRST_VALUES_MS)
    page.goto(f"{standing_demo.url}/devices")
    expect(banner).to_be_visible(timeout=FIRST_VALUES_MS)
    page.goto(f"{standing_demo.url}/settings/general")
    page.get_by_role("button", name="History").click()
    page.get_by_role("button", name="Reset everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to it").click()
    expect(banner).to_be_hidden(timeout=FIRST_VALUES_MS)
    assert [error for error in errors if "400" not in error] == []  # The file that was refused.
