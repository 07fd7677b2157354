"""Every page, as wide as a desk and as phones, in both themes: it says what it is, fits, and complains of nothing."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

PAGES = {
    "/": "Plant overview",
    "/plant": "Plant overview",
    "/plant/graz-cooling-water": "Cooling water",
    "/asset/p-101a": "P-101A",
    "/asset/p-101a?tab=live": "P-101A",
    "/asset/p-101a?tab=trends": "P-101A",
    "/asset/p-101a?tab=alarms": "P-101A",
    "/asset/p-101a?tab=health": "P-101A",
    "/alarms": "Active alarms",
    "/alarms/history": "Alarm journal",
    "/alarms/shelf": "Silent alarms",
    "/alarms/rules": "Alarm rules",
    "/alarms/kpi": "Alarm figures",
    "/trends": "Trends",
    "/trends?s=1&s=2&s=%3DVibration_mm_s*2": "Trends",
    "/signals": "Signals",
    "/signals?show=derived": "Signals",
    "/storage/rules": "Storage rules",
    "/batches": "Batches and events",
    "/reports": "Reports",
    "/production": "Production",
    "/production/setup": "How production is rated",
    "/production/shift": "Shift",
    "/production/plan": "Orders and planned time",
    "/production/wall": "Wallboard",
    "/operations": "Operations",
    "/fleet": "Health of machines",
    "/models/train": "Train a model",
    "/cases": "Maintenance events and cases",
    "/connections": "Connections",
    "/devices": "Devices",
    "/devices/groups": "Device groups",
    "/firmware": "Firmware",
    "/firmware/campaigns": "Campaigns",
    "/settings": "Settings",
    "/settings/api": "API",
    "/settings/api?call=alarms.journal": "API",
    "/settings/about": "About this system",
    "/settings/permissions": "Permissions",
    "/settings/audit": "Audit trail",
    "/settings/certificates": "Certificates",
    "/settings/profile": "Your profile",
    "/settings/trust": "Trusted certificates",
    "/settings/notices": "Notices",
    "/settings/shifts": "Shifts and on call",
    "/settings/inbox": "Inbox of the demo",
    "/settings/import": "Import of history",
    "/settings/storage": "Storage",
    "/settings/sinks": "Sinks",
    "/settings/sign-in": "Company sign-in",
    "/settings/users": "Users",
    "/settings/general": "General settings",
}
SIZES = {"desk": (1440, 900), "small phone": (360, 740)}
NARROWED_TO = {"desk": (390,), "small phone": ()}
"""Widths to which the window is drawn afterwards: a page must also fit a phone that is turned."""
VIEWS = (("desk", "light"), ("small phone", "dark"))
WIDTH_JS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize(("size", "theme"), VIEWS)
def test_every_page_fits_and_complains_of_nothing(
    standing_demo: RunningProduct, browser: Browser, size: str, theme: Literal["light", "dark"]
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, standing_demo, "Ada, admin")
    for path, title in PAGES.items():
        page.goto(standing_demo.url + path)
        expect(page.get_by_role("heading", level=1)).to_contain_text(title, timeout=FIRST_VALUES_MS)
        expect(page.locator(".connection-dot")).to_have_attribute("data-state", "live", timeout=FIRST_VALUES_MS)
        for wide in (width, *NARROWED_TO[size]):
            page.set_viewport_size({"width": wide, "height": height})
            page.wait_for_timeout(300)  # Widgets measure themselves in their first frames.
            overflow = page.evaluate(WIDTH_JS)
            assert overflow <= 0, f"{path} is {overflow} px too wide at {wide} px"
        page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    context.close()
    assert complaints == []


def test_an_address_that_leads_nowhere_says_so_and_leads_home(standing_demo: RunningProduct, page: Page) -> None:
    page.goto(f"{standing_demo.url}/nothing-is-here")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page", timeout=FIRST_VALUES_MS)
    page.get_by_role("link", name="To the plant").click()
    page.wait_for_url(lambda url: "nothing-is-here" not in url)
