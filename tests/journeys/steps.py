"""Steps that several journeys take."""

from playwright.sync_api import Page

from tests.counterparts.product import RunningProduct

FIRST_VALUES_MS = 90_000


def sign_in(page: Page, demo: RunningProduct, name: str) -> None:
    """Enter the demo as one of its people, and go to the plant where their role begins elsewhere."""
    page.goto(f"{demo.url}/login")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(lambda url: "/login" not in url)
    if not page.url.endswith("/plant"):
        page.goto(f"{demo.url}/plant")
