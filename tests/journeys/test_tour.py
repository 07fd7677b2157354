"""The guided tour of the demo, followed at both widths; left, resumed, and led by keys; the list that ticks itself."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import sign_in

STOPS = (
    ("plant", "/plant"),
    ("alarm", "/alarms"),
    ("asset", "/asset/p-101a"),
    ("model", "/fleet"),
    ("loss", "/production"),
    ("firmware", "/firmware/campaigns"),
    ("report", "/reports"),
    ("break", "/asset/p-501"),
)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_tour_leads_to_every_stop_and_points_at_what_it_speaks_of(
    browser: Browser, standing_demo: RunningProduct, width: int, height: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(60_000)
    page = context.new_page()
    sign_in(page, standing_demo, "Erin, engineer")
    page.get_by_role("button", name="Start the tour").click()
    for number, (stop, path) in enumerate(STOPS):
        page.wait_for_url(f"**{path}**")
        strip = page.locator(f".tour[data-stop={stop}]")
        expect(strip).to_contain_text(f"{number + 1} of {len(STOPS)}")
        expect(page.locator("[data-pointed]")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the screen"
        page.get_by_role("button", name="End of the tour" if stop == STOPS[-1][0] else "Next stop").click()
    expect(page.locator(".tour[data-stop=done]")).to_be_visible()
    page.reload()
    expect(page.locator(".tour[data-stop=done]")).to_be_visible()
    context.close()


def test_the_tour_may_be_left_and_goes_on_where_it_was_and_keys_lead_it(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Erin, engineer")
    page.get_by_role("button", name="Not today").click()
    expect(page.get_by_text("The tour waits at stop 1 of 8.")).to_be_visible()
    page.get_by_role("button", name="Continue the tour").click()
    expect(page.locator(".tour[data-stop=plant]")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/alarms")
    page.get_by_role("button", name="Next stop").press("Escape")
    expect(page.locator(".tour")).to_have_count(0)
    page.goto(f"{standing_demo.url}/plant")
    expect(page.get_by_text("The tour waits at stop 2 of 8.")).to_be_visible()
    page.get_by_role("button", name="Continue the tour").click()
    page.wait_for_url("**/alarms")
    expect(page.locator(".tour[data-stop=alarm]")).to_be_visible()
    assert errors == []


def test_what_was_really_done_is_ticked_and_a_reset_repairs_it(standing_demo: RunningProduct, page: Page) -> None:
    sign_in(page, standing_demo, "Ada, admin")
    page.evaluate("localStorage.setItem('pdm.tour', JSON.stringify({state: 'on', at: 7}))")
    page.goto(f"{standing_demo.url}/asset/p-501")
    broken = page.locator(".tour-deeds li").filter(has_text="Break a machine")
    expect(broken).to_have_attribute("data-done", re.compile("true|false"))
    page.locator("select[name=key]").select_option("sensor_stuck")
    page.get_by_role("button", name="Inject").click()
    expect(broken).to_have_attribute("data-done", "true")
    expect(page.locator(".faults li")).not_to_have_count(0)
    page.get_by_role("button", name="End of the tour").click()
    page.get_by_text("The tour is done").click()
    page.get_by_role("button", name="Repair everything and begin anew").click()
    page.get_by_role("button", name="Yes, repair everything").click()
    expect(page.get_by_text("Everything is repaired")).to_be_visible()
