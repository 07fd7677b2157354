"""Steps that several journeys take."""

from playwright.sync_api import Page

from tests.counterparts.product import RunningProduct

FIRST_VALUES_MS = 90_000


def sign_in(page: Page, demo: RunningProduct, name: str) -> None:
    """Enter the demo as one of its people and land on the plant."""
    page.goto(f"{demo.url}/login")
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/plant")
