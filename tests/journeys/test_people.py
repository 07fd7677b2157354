"""An admin invites somebody, who sets a password, enrols an authenticator app, signs out and in again with a code."""

import time

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

PASSWORD = "copper lantern drifts"
STEP_S = 30


def code_of(seed: str, used: str = "") -> str:
    """The code that the app shows; where it is used up already, the one of the next step, which is taken early."""
    totp = pyotp.TOTP(seed.replace(" ", ""))
    now = totp.generate_otp(int(time.time()) // STEP_S)
    return now if now != used else totp.generate_otp(int(time.time()) // STEP_S + 1)


def invite(page: Page, demo: RunningProduct) -> str:
    """Invite Nina as the demo's admin and return the link."""
    sign_in(page, demo, "Ada, admin")
    page.goto(f"{demo.url}/settings/users")
    page.get_by_role("button", name="Invite somebody").click()
    page.get_by_label("Name", exact=True).fill("Nina Newcomer")
    page.get_by_label("Username").fill("nina.new")
    page.get_by_role("combobox", name="Role").select_option("engineer")
    page.get_by_label("Graz").check()
    page.get_by_role("button", name="Invite", exact=True).click()
    link = page.locator(".shown-once output").inner_text()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row").filter(has_text="nina.new")).to_contain_text("Invited")
    return link


def log_out(page: Page) -> None:
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login**")


def type_sign_in(page: Page, username: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_an_invited_person_sets_a_password_enrols_an_app_and_signs_in_with_its_code(
    demo: RunningProduct, page: Page, browser: Browser, errors: list[str]
) -> None:
    link = invite(page, demo)
    assert link.startswith(f"{demo.url}/accept#")

    theirs = browser.new_context(viewport={"width": 390, "height": 844})
    phone = theirs.new_page()
    phone.goto(link)
    expect(phone.get_by_role("heading", name="Welcome, Nina Newcomer")).to_be_visible(timeout=FIRST_VALUES_MS)
    assert "#" not in phone.url, "the token is out of the address bar"
    phone.get_by_label("Password").fill("nina.new12")
    expect(phone.get_by_text("contains the username")).to_be_visible()
    phone.get_by_label("Password").fill(PASSWORD)
    expect(phone.get_by_text("Very strong")).to_be_visible()
    phone.get_by_role("button", name="Set the password and enter").click()
    phone.wait_for_url(lambda url: "/login" not in url and "/accept" not in url)
    expect(phone.locator(".avatar")).to_have_text("NN")

    phone.goto(f"{demo.url}/settings/profile")
    enrolment = phone.locator(".card.mfa")
    enrolment.get_by_label("Your password of now").fill(PASSWORD)
    enrolment.get_by_role("button", name="Set up an app").click()
    expect(enrolment.get_by_role("img", name="QR code")).to_be_visible()
    seed = enrolment.locator("[data-seed]").inner_text()
    first = code_of(seed)
    enrolment.get_by_label("Code that the app shows").fill(first)
    enrolment.get_by_role("button", name="Confirm").click()
    expect(enrolment.locator(".recovery-codes li")).to_have_count(10)
    codes = enrolment.locator(".recovery-codes li").all_inner_texts()
    enrolment.get_by_role("button", name="I have kept them").click()
    expect(enrolment).to_contain_text("on since")

    log_out(phone)
    type_sign_in(phone, "nina.new")
    phone.get_by_label("Code of the app, or a recovery code").fill("000000")
    phone.get_by_role("button", name="Go on").click()
    expect(phone.get_by_role("alert")).to_contain_text("wrong, or it was used already")
    phone.get_by_label("Code of the app, or a recovery code").fill(code_of(seed, used=first))
    phone.get_by_role("button", name="Go on").click()
    phone.wait_for_url(lambda url: "/login" not in url and "/accept" not in url)

    log_out(phone)
    type_sign_in(phone, "nina.new")
    phone.get_by_label("Code of the app, or a recovery code").fill(codes[0])
    phone.get_by_role("button", name="Go on").click()
    phone.wait_for_url(lambda url: "/login" not in url and "/accept" not in url)
    theirs.close()
    assert errors == []


def test_a_link_that_is_no_longer_good_says_so(demo: RunningProduct, page: Page) -> None:
    page.goto(f"{demo.url}/accept")
    expect(page.get_by_role("heading", name="This link is no longer good")).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(page.get_by_role("alert")).to_contain_text("Ask an admin for another one")
    page.get_by_role("link", name="To sign-in").click()
    page.wait_for_url("**/login**")


@pytest.mark.parametrize("width", [1440, 390])
def test_an_admin_changes_deactivates_and_deletes_somebody(demo: RunningProduct, browser: Browser, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    sign_in(page, demo, "Ada, admin")
    page.goto(f"{demo.url}/settings/users")
    username = f"gone.{width}"
    page.get_by_role("button", name="Invite somebody").click()
    page.get_by_label("Name", exact=True).fill(f"Gone {width}")
    page.get_by_label("Username").fill("olga.operator")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The username olga.operator is taken")
    page.get_by_label("Username").fill(username)
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_role("button", name="Done").click()
    row = page.get_by_role("row").filter(has_text=username)
    row.get_by_role("button").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("combobox", name="Role", exact=True).select_option("viewer")
    sheet.locator("button.button-primary", has_text="Save").click()
    expect(sheet.get_by_text("Saved")).to_be_visible()
    sheet.get_by_role("button", name="Deactivate").click()
    expect(row).to_contain_text("Deactivated")
    sheet.get_by_role("button", name="Delete…").click()
    end = sheet.get_by_role("button", name="Delete for good")
    expect(end).to_be_disabled()
    sheet.get_by_label(f"Type {username} to delete the account").fill(username)
    end.click()
    expect(row).to_have_count(0)
    page.get_by_label("Deleted ones too").check()
    expect(row).to_contain_text("Deleted")
    context.close()
