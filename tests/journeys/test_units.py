"""Somebody prefers US units: every value reads so, on each screen where they sign in, and goes back as it went."""

from playwright.sync_api import Browser, Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

WHO = "Erin, engineer"


def choose(page: Page, standing_demo: RunningProduct, units: str) -> None:
    page.goto(f"{standing_demo.url}/settings/profile")
    with page.expect_navigation(timeout=FIRST_VALUES_MS):  # The page loads anew in the other units.
        page.get_by_label("Units").select_option(units)
    expected = "us" if units == "us" else None
    page.wait_for_function("expected => localStorage.getItem('pdm.units') === expected", arg=expected)


def bearing(page: Page, standing_demo: RunningProduct, unit: str) -> float:
    """Open the pump and read its bearing's temperature once it stands there in ``unit``."""
    page.goto(f"{standing_demo.url}/asset/p-101a")
    card = page.locator(".key-value").filter(has_text="Bearing temperature")
    expect(card.locator(".value-unit")).to_have_text(unit, timeout=FIRST_VALUES_MS)
    return float(card.locator(".value-number").inner_text())


def test_values_read_in_us_units_on_every_screen_of_whoever_prefers_them(
    standing_demo: RunningProduct, page: Page, browser: Browser, errors: list[str]
) -> None:
    sign_in(page, standing_demo, WHO)
    celsius = bearing(page, standing_demo, "°C")
    choose(page, standing_demo, "us")
    fahrenheit = bearing(page, standing_demo, "°F")
    assert abs((fahrenheit - 32) / 1.8 - celsius) < 15  # It went on living in between; °C read as °F would be 40 off.
    expect(page.locator(".trend-head .caption")).to_contain_text("in/s")
    elsewhere = browser.new_context()
    screen = elsewhere.new_page()
    sign_in(screen, standing_demo, WHO)
    bearing(screen, standing_demo, "°F")
    elsewhere.close()
    choose(page, standing_demo, "si")
    bearing(page, standing_demo, "°C")
    assert errors == []
