"""An engineer makes a rule of a value; its alarm is shelved, comes back, is acknowledged, and its mail is there."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import sign_in

pytestmark = pytest.mark.journey
SLOW_MS = 60_000
NAME = "Vibration above nothing"


def row_of(page: Page) -> Locator:
    return page.locator(".alarm").filter(has_text=NAME)


def test_the_whole_way_from_a_click_on_a_value_to_an_acknowledged_alarm_with_its_mail_in_the_inbox(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/asset/p-101a")
    value = page.locator(".key-value").filter(has_text="Vibration, drive end")
    expect(value.locator(".value[data-state=good]")).to_be_visible(timeout=SLOW_MS)
    expect(value.get_by_role("button", name="Make an alarm rule for Vibration, drive end")).to_be_attached()
    value.click(button="right")
    page.get_by_role("menuitem", name="Alarm me about this").click()

    form = page.get_by_role("dialog", name="Add an alarm rule")
    limit = form.get_by_label("Limit", exact=True)
    line = form.get_by_role("slider", name="Limit of the rule")
    expect(line).to_be_visible(timeout=SLOW_MS)
    limit.fill("0.5")
    expect(line).to_have_attribute("aria-valuenow", "0.5")
    line.press("Shift+ArrowUp")
    expect(limit).to_have_value("0.51")
    expect(form.get_by_text(re.compile("called .*in the last 24 hours"))).to_be_visible(timeout=SLOW_MS)
    form.get_by_label("Name").fill(NAME)
    form.get_by_label("Alarm delay, seconds").fill("0")
    form.get_by_label("Priority").select_option("1")
    form.get_by_label("What happens if nothing is done").fill("The bearing seizes")
    form.get_by_label("What to do").fill("Look at the bearing")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden(timeout=SLOW_MS)

    page.goto(f"{standing_demo.url}/alarms/rules")
    rule = page.get_by_role("row").filter(has_text=NAME)
    expect(rule).to_contain_text("not approved", timeout=SLOW_MS)
    rule.get_by_role("button", name=f"Approve the alarm rule {NAME}").click()
    expect(rule).to_contain_text("erin.engineer", timeout=SLOW_MS)

    page.goto(f"{standing_demo.url}/alarms")
    row = row_of(page)
    expect(row).to_have_attribute("data-state", "unacked", timeout=SLOW_MS)
    expect(row.get_by_role("button", name="Acknowledge").first).to_be_visible(timeout=SLOW_MS)
    row.focus()
    page.keyboard.press("s")
    row.get_by_label("Reason").fill("The sensor is being moved")
    row.locator("form").get_by_role("button", name="Shelve").click()
    expect(row).to_have_count(0, timeout=SLOW_MS)

    page.goto(f"{standing_demo.url}/alarms/shelf")
    shelved = page.get_by_role("row").filter(has_text=NAME)
    expect(shelved).to_contain_text("The sensor is being moved", timeout=SLOW_MS)
    shelved.get_by_role("button", name=f"Let {NAME} speak again").click()
    expect(shelved).to_have_count(0, timeout=SLOW_MS)

    page.goto(f"{standing_demo.url}/alarms")
    expect(row).to_have_attribute("data-state", "unacked", timeout=SLOW_MS)
    expect(row.get_by_role("button", name="Acknowledge").first).to_be_visible(timeout=SLOW_MS)
    row.focus()
    page.keyboard.press("a")
    expect(row).to_have_attribute("data-state", "acked", timeout=SLOW_MS)

    page.goto(f"{standing_demo.url}/settings/inbox")
    page.get_by_label("Search").fill(NAME)
    mail = page.get_by_role("button", name=NAME)
    expect(mail.first).to_be_visible(timeout=SLOW_MS)
    mail.last.click()  # The first of them: it was sent when the alarm was raised.
    message = page.get_by_role("dialog")
    expect(message).to_contain_text("olga.operator@northfield.example")
    expect(message).to_contain_text("Look at the bearing")
    page.keyboard.press("Escape")

    page.goto(f"{standing_demo.url}/asset/p-101a?tab=alarms")
    page.get_by_role("button", name=f"Delete the alarm rule {NAME}").click()
    expect(page.get_by_text(f"The alarm rule {NAME} was deleted.")).to_be_visible(timeout=SLOW_MS)
    assert errors == []
