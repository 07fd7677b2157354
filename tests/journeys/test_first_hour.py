"""From the first start to an acknowledged alarm, as a newcomer does it in the browser."""

import re

from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS

ALARM_MS = 180_000


def test_a_newcomer_sets_up_breaks_a_pump_and_acknowledges_its_alarm(
    whole_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    assert whole_demo.setup_path, "the first start prints a set-up link"
    page.goto(whole_demo.url + whole_demo.setup_path)
    page.get_by_role("button", name="Explore now").click()
    page.wait_for_url("**/plant")

    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login**")
    page.get_by_role("button", name="Olga, operator").click()
    page.wait_for_url("**/production/shift")
    page.goto(f"{whole_demo.url}/plant")
    expect(page.get_by_role("link", name="Cooling water")).to_be_visible()
    moving(page, "Cooling water")

    page.get_by_role("combobox", name="Site").select_option(label="Pune")
    page.get_by_role("link", name="P-501").first.click()
    page.wait_for_url("**/asset/**")
    expect(page.locator(".value[data-state=good]").first).to_be_visible(timeout=FIRST_VALUES_MS)
    page.locator("select[name=key]").select_option("cavitation")
    page.get_by_role("button", name="Inject").click()

    strip = page.locator(".alarm-strip")
    expect(strip).to_contain_text(re.compile("P-501.*suction", re.IGNORECASE), timeout=ALARM_MS)

    page.goto(f"{whole_demo.url}/alarms")
    row = page.get_by_role("row").filter(has_text=re.compile("suction", re.IGNORECASE)).first
    expect(row).to_be_visible()
    expect(page.locator(".connection-dot")).to_have_attribute("data-state", "live")
    expect(row.get_by_role("button", name="Acknowledge")).to_be_visible()  # Before, it is not known who may.
    page.keyboard.press("a")
    expect(row).to_contain_text("olga.operator")

    page.goto(f"{whole_demo.url}/alarms/history")
    acknowledged = page.get_by_role("row").filter(has_text="Acknowledged").filter(has_text="olga.operator")
    expect(acknowledged.first).to_be_visible()
    expect(acknowledged.first).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))

    page.goto(f"{whole_demo.url}/alarms")
    page.reload()
    expect(page.get_by_role("row").filter(has_text="olga.operator").first).to_be_visible()
    assert errors == []


def moving(page: Page, line: str) -> None:
    """Wait until the tile's big number has changed."""
    value = page.locator("section.tile").filter(has_text=line).locator(".value-number").first
    expect(value).to_have_text(re.compile(r"\d"), timeout=FIRST_VALUES_MS)
    before = value.inner_text()
    expect(value).not_to_have_text(before, timeout=FIRST_VALUES_MS)
