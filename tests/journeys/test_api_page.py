"""The API page as an integrator uses it: find a procedure, read it, try it, listen, take the code along."""

import json
import re

from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in


def test_an_integrator_finds_a_query_tries_it_and_takes_its_code_along(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings")
    page.get_by_role("link", name=re.compile("^API")).click()
    search = page.get_by_role("searchbox")
    expect(search).to_be_visible(timeout=FIRST_VALUES_MS)

    with page.expect_download() as saved:
        page.get_by_role("button", name="Save app-router.d.ts").click()
    assert "export type AppRouter" in saved.value.path().read_text(encoding="utf-8")

    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("signals get")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(search).to_be_focused()
    search.fill("/history")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/api?call=history.envelope")
    expect(page.get_by_role("heading", name="history.envelope")).to_be_visible()
    expect(page.get_by_text("GET /api/v1/history")).to_be_visible()
    expect(page.get_by_text("you have it")).to_be_visible()

    run = page.get_by_role("button", name="Try it", exact=True)
    expect(run).to_be_disabled()
    expect(page.get_by_role("note")).to_contain_text("signals 1, start_at, end_at")
    page.get_by_label("1", exact=True).fill("0")
    page.get_by_label("start_at").fill("1800000000000000")
    page.get_by_label("end_at").fill("1800000060000000")
    run.click()
    outcome = page.locator(".api-outcome")
    expect(outcome).to_contain_text("Refused", timeout=FIRST_VALUES_MS)
    expect(outcome).to_contain_text("400")
    expect(page.locator(".field-error").first).to_contain_text("greater than or equal to 1")  # Beside the field itself.

    page.get_by_label("1", exact=True).fill("1")
    run.click()
    expect(outcome).to_contain_text("Answered", timeout=FIRST_VALUES_MS)
    expect(outcome).to_contain_text(re.compile(r"200\s*[\d.\s]+\sms\s*[\d.]+\sk?B"))
    answer = json.loads(outcome.get_by_label("Answer").inner_text())
    assert [series["signal"] for series in answer["series"]] == [1]

    page.get_by_role("button", name="curl").click()
    expect(page.get_by_label("In code", exact=True)).to_contain_text("/api/v1/history?signals=1&start_at=18")
    page.get_by_role("button", name="JSON").click()
    written = json.loads(page.get_by_label("Input as JSON").input_value())
    assert written == {"signals": [1], "start_at": 1800000000000000, "end_at": 1800000060000000}
    page.get_by_label("Input as JSON").fill('{"signals": [2')
    expect(page.get_by_text("This is no JSON")).to_be_visible()
    assert [
        error for error in errors if "400 (Bad Request)" not in error
    ] == []  # The browser notes the refusal itself.


def test_a_subscription_is_started_and_stopped(standing_demo: RunningProduct, page: Page, errors: list[str]) -> None:
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings/api?call=live.values")
    page.get_by_label("1", exact=True).fill("1", timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Start listening").click()
    events = page.get_by_role("list", name="Events, newest first").get_by_role("listitem")
    expect(events.nth(1)).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(events.first).to_contain_text('"rows":')
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text(re.compile("events came"))).to_be_visible()
    stopped_at = events.first.inner_text()
    page.wait_for_timeout(1_500)  # It would have come each second.
    assert events.first.inner_text() == stopped_at
    assert errors == []


def test_a_change_is_asked_for_twice_and_one_without_the_right_not_at_all(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings/api?call=connections.pause")
    page.get_by_label("connection_id").fill("no-such-connection", timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Run…").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Run connections.pause?")
    sheet.get_by_role("button", name="Cancel").click()
    expect(page.locator(".api-outcome")).to_have_count(0)
    page.get_by_role("button", name="Run…").click()
    sheet.get_by_role("button", name="Run it").click()
    expect(page.locator(".api-outcome")).to_contain_text("404", timeout=FIRST_VALUES_MS)
    expect(page.locator(".api-outcome")).to_contain_text("There is no connection 'no-such-connection'")

    page.context.set_offline(True)
    page.get_by_role("button", name="Run…").click()
    sheet.get_by_role("button", name="Run it").click()
    expect(page.get_by_text("It may have made the change")).to_be_visible(timeout=FIRST_VALUES_MS)
    page.context.set_offline(False)

    page.goto("about:blank")  # It is back on the network and would ask, in vain, with the cookies that are taken away.
    page.context.clear_cookies()
    sign_in(page, standing_demo, "Max, manager")
    page.goto(f"{standing_demo.url}/settings/api?call=connections.pause")
    expect(page.get_by_role("button", name="Run…")).to_be_disabled(timeout=FIRST_VALUES_MS)
    expect(page.get_by_role("note")).to_contain_text("Your role lacks connections.configure")
    page.get_by_role("checkbox", name="Only what I may call").check()
    expect(page.locator("[data-path='connections.list']")).to_be_visible()
    expect(page.locator("[data-path='connections.pause']")).to_have_count(0)
    page.goto(
        f"{standing_demo.url}/settings/users"
    )  # In the lists of those who may, and no secret to those who may not.
    expect(page.get_by_text("It needs the permission users.configure")).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(page.locator(".settings-list").get_by_role("link", name="Users")).to_have_count(0)
    page.goto(f"{standing_demo.url}/settings/api?call=no.such")
    expect(page.get_by_text("There is no procedure no.such")).to_be_visible(timeout=FIRST_VALUES_MS)
    expected = ("404 (Not Found)", "ERR_INTERNET_DISCONNECTED")
    assert [error for error in errors if not any(words in error for words in expected)] == []
