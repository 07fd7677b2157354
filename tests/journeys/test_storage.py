"""An admin looks at what history takes, and says how long it is kept after seeing what would go."""

from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in


def test_a_rule_is_looked_at_before_it_is_saved_and_can_be_removed(standing_demo: RunningProduct, page: Page) -> None:
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings/storage")
    expect(page.locator(".storage-figures")).to_contain_text("SQLite", timeout=FIRST_VALUES_MS)
    expect(page.get_by_role("row", name="Rollups of 1 h")).to_be_visible()

    page.get_by_role("button", name="Add a rule").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name of the rule").fill("Samples of pumps")
    sheet.get_by_label("Signals by name").fill("P-*.*")
    sheet.get_by_label("Samples", exact=True).fill("90")
    sheet.get_by_label("Rollups of 1 h").fill("30")
    sheet.get_by_role("button", name="See what would go").click()
    expect(sheet).to_contain_text("at least as long", timeout=FIRST_VALUES_MS)
    sheet.get_by_label("Rollups of 1 h").fill("")
    sheet.get_by_role("button", name="See what would go").click()
    expect(sheet.get_by_role("status")).to_contain_text("Nothing would be deleted now", timeout=FIRST_VALUES_MS)
    sheet.get_by_role("button", name="Save the rule").click()
    expect(sheet).to_have_count(0, timeout=FIRST_VALUES_MS)

    row = page.get_by_role("row", name="Samples of pumps")
    expect(row).to_contain_text("90 days", timeout=FIRST_VALUES_MS)
    expect(page.get_by_text("Next run in")).to_be_visible(timeout=FIRST_VALUES_MS)
    row.get_by_role("button", name="Samples of pumps").press("Enter")
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Remove").click()
    sheet.get_by_role("button", name="Remove it all the same").click()
    expect(row).to_have_count(0, timeout=FIRST_VALUES_MS)
