"""An admin makes a group and a role, shares a machine, signs for it, and ends the share again; also on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in


@pytest.fixture
def narrow(page: Page) -> Page:
    """A phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    return page


def test_a_group_and_a_copied_role_are_made_and_a_changed_role_is_looked_over_first(
    demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, demo, "Ada, admin")
    page.goto(f"{demo.url}/settings/users")
    page.get_by_role("button", name="Add a group").click(timeout=FIRST_VALUES_MS)
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name", exact=True).fill("Night shift")
    sheet.get_by_label("Find people").fill("olga")
    sheet.get_by_label("olga.operator").check()
    sheet.get_by_label("alarms.configure").check()
    sheet.get_by_role("button", name="Save").click()
    row = page.locator("#groups").get_by_role("row").filter(has_text="Night shift")
    expect(row).to_contain_text("alarms.configure", timeout=FIRST_VALUES_MS)
    expect(row).to_contain_text("1 person")

    page.goto(f"{demo.url}/settings/permissions")
    page.get_by_role("button", name="Copy a role").click(timeout=FIRST_VALUES_MS)
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Shift lead")
    page.get_by_role("dialog").get_by_role("button", name="Copy a role").click()
    expect(page.get_by_role("columnheader", name="Shift lead")).to_be_visible(timeout=FIRST_VALUES_MS)
    page.get_by_label("Find a right").fill("alarms.configure")
    page.get_by_label("Shift lead: Make and change alarm rules").check()
    page.get_by_role("button", name="Review 1 changed role").click()
    review = page.get_by_role("dialog")
    expect(review.get_by_text("+ Make and change alarm rules")).to_be_visible()
    review.get_by_label("Reason").fill("they set limits at night")
    review.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Review 1 changed role")).to_have_count(0, timeout=FIRST_VALUES_MS)
    expect(page.get_by_label("Shift lead: Make and change alarm rules")).to_be_checked()
    assert errors == []


def test_a_machine_is_shared_signed_for_and_the_share_revoked_on_a_phone(
    demo: RunningProduct, narrow: Page, errors: list[str]
) -> None:
    page = narrow
    sign_in(page, demo, "Ada, admin")
    page.goto(f"{demo.url}/asset/p-101a?tab=access")
    page.get_by_role("button", name="Share", exact=True).click(timeout=FIRST_VALUES_MS)
    form = page.get_by_role("dialog")
    form.get_by_label("Username").fill("nobody.here")
    form.get_by_role("button", name="Share", exact=True).click()
    expect(form.get_by_text("names nobody")).to_be_visible(timeout=FIRST_VALUES_MS)
    form.get_by_label("Username").fill("olga.operator")
    form.get_by_role("button", name="Share", exact=True).click()
    share = page.get_by_role("listitem").filter(has_text="olga.operator")
    expect(share).to_contain_text("in force", timeout=FIRST_VALUES_MS)
    share.get_by_role("button", name="Revoke").click()
    expect(share).to_contain_text("revoked", timeout=FIRST_VALUES_MS)

    page.get_by_role("button", name="Sign", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("binds you", timeout=FIRST_VALUES_MS)
    dialog.get_by_label("Password").fill("not it")
    dialog.get_by_role("button", name="Sign", exact=True).click()
    expect(dialog.get_by_text("is wrong")).to_be_visible(timeout=FIRST_VALUES_MS)
    assert errors == [] or all("400" in error for error in errors)
