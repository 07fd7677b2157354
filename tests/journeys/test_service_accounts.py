"""An admin gives a program a key, replaces it while the program runs, and ends the old one."""

import httpx
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in


def test_a_program_gets_a_key_that_is_rotated_without_a_gap_and_the_old_one_is_revoked(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    def answer(key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.get(f"{standing_demo.url}/api/v1/assets", headers=headers, timeout=90).status_code

    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings/users")
    page.get_by_role("button", name="Add an account").click(timeout=FIRST_VALUES_MS)
    form = page.get_by_role("dialog", name="Add an account")
    form.get_by_label("What the program is").fill("Order system")
    form.get_by_label("Username").fill("order.system")
    form.get_by_label("Graz").check()
    form.get_by_label("assets.read", exact=True).check()
    form.get_by_role("button", name="Add an account").click()

    sheet = page.get_by_role("dialog", name="Order system")
    sheet.get_by_label("What the key is for").fill("production")
    sheet.get_by_role("button", name="Create a key").click(timeout=FIRST_VALUES_MS)
    shown = sheet.locator(".shown-once output")
    expect(shown).to_be_visible(timeout=FIRST_VALUES_MS)
    first = shown.inner_text()
    assert answer(first) == 200
    sheet.get_by_role("button", name="Done").click()

    sheet.get_by_role("button", name="Rotate").click()
    expect(shown).to_be_visible(timeout=FIRST_VALUES_MS)
    second = shown.inner_text()
    assert second != first
    assert (answer(first), answer(second)) == (200, 200), "the program has time to take the new one"
    keys = sheet.get_by_role("listitem")
    expect(keys).to_have_count(2)
    old = keys.filter(has_text=first[:8]).first
    old.get_by_role("button", name="Revoke").click()
    expect(sheet.get_by_text("Revoked")).to_be_visible(timeout=FIRST_VALUES_MS)
    assert (answer(first), answer(second)) == (401, 200)
    assert errors == []
