"""An alarm is told in the inbox of the demo and in the pages of whoever is told; the link of a message leads to it."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import sign_in

pytestmark = pytest.mark.journey
NAME = "Told of nothing"
SLOW_MS = 60_000


def asked(page: Page, demo: RunningProduct, path: str, **given: Any) -> Any:
    """What a procedure answers to who is signed in on the page."""
    answer = page.request.get(f"{demo.url}/trpc/{path}", params={"input": json.dumps(given)})
    assert answer.ok, answer.text()
    return answer.json()["result"]["data"]


def done(page: Page, demo: RunningProduct, path: str, **given: Any) -> Any:
    answer = page.request.post(f"{demo.url}/trpc/{path}", data=given, headers={"origin": demo.url})
    assert answer.ok, answer.text()
    return answer.json()["result"]["data"]


def test_an_alarm_arrives_in_the_inbox_and_is_acknowledged_from_its_link(
    standing_demo: RunningProduct, page: Page, browser: Browser
) -> None:
    demo = standing_demo
    sign_in(page, demo, "Ada, admin")
    signal = next(each for each in asked(page, demo, "signals.list") if each["name"] == "Vibration_mm_s")
    condition = {"kind": "high", "limit": -1.0, "deadband": 0.0}
    rule = done(page, demo, "alarm_rules.create", signal_id=signal["id"], name=NAME, condition=condition, priority=1)

    page.goto(f"{demo.url}/settings/inbox")
    page.get_by_label("Search").fill(NAME.upper())
    page.get_by_role("button", name=NAME).first.click()
    message = page.get_by_role("dialog")
    expect(message).to_contain_text("olga.operator@northfield.example")
    link = message.get_by_role("link").get_attribute("href")
    assert link is not None

    visit = browser.new_context(viewport={"width": 390, "height": 844})
    hers = visit.new_page()
    hers.goto(link)  # Nobody is signed in there.
    hers.get_by_role("button", name="Olga, operator").click()
    popped = hers.locator(".toast").filter(has_text=NAME)
    expect(popped).to_be_visible(timeout=SLOW_MS)  # It stays until it is put away: the alarm is critical.
    popped.get_by_role("button", name="Dismiss").click()
    hers.get_by_role("button", name=re.compile("^Messages, [0-9]+ unread")).click()
    listed = hers.get_by_role("region", name="Messages to you")
    expect(listed.get_by_role("listitem").filter(has_text=NAME).first).to_be_visible()
    listed.get_by_role("button", name="Mark all as read").click()
    expect(listed.locator("li[data-read=true]").filter(has_text=NAME).first).to_be_visible()
    hers.keyboard.press("Escape")
    alarm = hers.locator(".notice-alarm")
    expect(alarm).to_contain_text(NAME)
    alarm.get_by_role("button", name="Acknowledge").click()
    expect(alarm.get_by_role("status")).to_contain_text("Acknowledged by olga.operator")
    hers.goto(f"{demo.url}/notice/cut-short")
    expect(hers.get_by_text("This link leads nowhere")).to_be_visible()
    visit.close()

    page.goto(f"{demo.url}/settings/notices")
    row = page.get_by_role("row").filter(has_text=NAME).filter(has_text="olga.operator").filter(has_text="Handed over")
    expect(row.filter(has_not_text="@").first).to_be_visible(timeout=SLOW_MS)  # In the pages, shown by her browser.

    done(page, demo, "alarm_rules.delete", rule_id=rule["id"])

    page.goto(f"{demo.url}/settings/notices")
    page.get_by_role("button", name="Urgent alarms").click()
    route = page.get_by_role("dialog")
    route.get_by_text("Only some of them").click()
    expect(route.get_by_role("group", name="Areas").get_by_role("checkbox").first).to_be_visible()
    expect(route.get_by_label("On call: Maintenance on call").nth(1)).to_be_checked()
