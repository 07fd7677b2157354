"""Somebody adds a protected connection, tries it, trusts what it meets, and takes it away again."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.counterparts.device_certificates import made
from tests.counterparts.mosquitto import Mosquitto, Tls, find_mosquitto
from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in


def test_a_new_connection_waits_for_trust_and_says_what_protects_it(
    standing_demo: RunningProduct, page: Page, tmp_path: Path, need: Callable[[str, object], None]
) -> None:
    need("mosquitto", find_mosquitto())
    shown = made("gateway-north")
    broker = Mosquitto(tmp_path, tls=Tls(shown))
    broker.start()
    try:
        sign_in(page, standing_demo, "Ada, admin")
        page.goto(f"{standing_demo.url}/connections")
        page.get_by_role("button", name="Add a connection").click(timeout=FIRST_VALUES_MS)
        sheet = page.get_by_role("dialog")
        sheet.get_by_label("Connection", exact=True).fill("North gateway")
        sheet.get_by_label("Protocol").select_option("mqtt")
        sheet.get_by_label("Endpoint").fill(f"http://127.0.0.1:{broker.port}")
        sheet.get_by_role("button", name="Try it now").click()
        expect(sheet).to_contain_text("is not one of mqtt", timeout=FIRST_VALUES_MS)
        sheet.get_by_label("Endpoint").fill(f"mqtts://127.0.0.1:{broker.port}")
        sheet.get_by_role("button", name="Try it now").click()
        expect(sheet).to_contain_text(shown.fingerprint, timeout=FIRST_VALUES_MS)
        sheet.get_by_role("button", name="Save").click()
        expect(sheet).to_have_count(0, timeout=FIRST_VALUES_MS)

        row = page.locator(".connection", has_text="North gateway")
        row.get_by_role("link", name="Look at its certificate").click(timeout=FIRST_VALUES_MS)
        sheet = page.get_by_role("dialog")
        expect(sheet).to_contain_text(shown.fingerprint, timeout=FIRST_VALUES_MS)
        sheet.get_by_label("Reason, for the audit trail").fill("as its display says")
        sheet.get_by_role("button", name="Trust", exact=True).click()
        expect(page.get_by_role("row", name="gateway-north")).to_contain_text("Trusted", timeout=FIRST_VALUES_MS)

        page.goto(f"{standing_demo.url}/connections")
        expect(row).to_contain_text("encrypted (TLSv1.", timeout=FIRST_VALUES_MS)
        row.get_by_role("button", name="North gateway").click()
        sheet = page.get_by_role("dialog")
        sheet.get_by_role("button", name="Delete").click(timeout=FIRST_VALUES_MS)
        sheet.get_by_role("button", name="Delete all the same").click()
        expect(row).to_have_count(0, timeout=FIRST_VALUES_MS)

        page.goto(f"{standing_demo.url}/settings/trust")
        page.get_by_role("button", name="gateway-north").click(timeout=FIRST_VALUES_MS)
        page.get_by_role("button", name="Take off the list").click()
        expect(page.get_by_text("Nothing is trusted yet")).to_be_visible(timeout=FIRST_VALUES_MS)
    finally:
        broker.stop()
