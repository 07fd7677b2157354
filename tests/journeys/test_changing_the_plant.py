"""An engineer changes the plant where it is looked at: adds, renames, deletes by mistake and takes it back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import sign_in

pytestmark = pytest.mark.journey
SLOW_MS = 90_000


def test_a_machine_is_added_renamed_deleted_and_taken_back(demo: RunningProduct, page: Page, errors: list[str]) -> None:
    sign_in(page, demo, "Engineer")
    page.goto(f"{demo.url}/plant/graz-cooling-water")
    page.get_by_role("button", name="Add a machine").click()
    form = page.get_by_role("dialog", name="Add a machine")
    form.get_by_label("Code").fill("P-101A")
    form.get_by_label("Name").fill("Spare pump")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Another asset here has the code 'P-101A' already")).to_be_visible(timeout=SLOW_MS)
    expect(form.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Code").fill("P-109")
    form.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/asset/[0-9a-f-]{36}"), timeout=SLOW_MS)
    expect(page.get_by_role("heading", name="P-109")).to_be_visible(timeout=SLOW_MS)

    page.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog", name="Edit the machine")
    form.get_by_label("Name").fill("Standby pump")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden(timeout=SLOW_MS)
    expect(page.get_by_text("Standby pump").first).to_be_visible(timeout=SLOW_MS)

    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("P-109 was deleted")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("P-109 was deleted")).to_be_hidden(timeout=SLOW_MS)
    page.goto(f"{demo.url}/plant/graz-cooling-water")
    expect(page.get_by_role("link", name="P-109").first).to_be_visible(timeout=SLOW_MS)
    # A refusal on purpose is an error to the browser's console.
    assert [error for error in errors if "409" not in error] == []


def test_a_rule_is_added_changed_switched_off_deleted_and_taken_back(
    demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, demo, "Engineer")
    page.goto(f"{demo.url}/asset/p-101a?tab=alarms")
    page.get_by_role("button", name="Add an alarm rule").click()
    form = page.get_by_role("dialog", name="Add an alarm rule")
    form.get_by_label("Name").fill("Far too hot")
    form.get_by_label("Limit", exact=True).fill("hot")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".field-error")).to_be_visible(timeout=SLOW_MS)
    form.get_by_label("Limit", exact=True).fill("95,5")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden(timeout=SLOW_MS)
    row = page.get_by_role("row", name=re.compile("Far too hot"))
    expect(row).to_contain_text("above 95.5")

    row.get_by_role("button", name="Edit the alarm rule Far too hot").click()
    form = page.get_by_role("dialog", name="Edit the alarm rule")
    form.get_by_label("Limit", exact=True).fill("97")
    form.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("above 97", timeout=SLOW_MS)
    row.get_by_role("button", name="Switch off").click()
    expect(row.get_by_text("off", exact=True)).to_be_visible(timeout=SLOW_MS)
    row.get_by_role("button", name="Delete the alarm rule Far too hot").click()
    expect(row).to_be_hidden(timeout=SLOW_MS)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible(timeout=SLOW_MS)
    assert [error for error in errors if "400" not in error] == []


def test_an_operator_sees_the_rules_and_no_button_that_changes_them(demo: RunningProduct, page: Page) -> None:
    sign_in(page, demo, "Operator")
    page.goto(f"{demo.url}/asset/p-101a?tab=alarms")
    expect(page.get_by_role("row", name=re.compile("2 high")).first).to_be_visible(timeout=SLOW_MS)
    for name in ("Add an alarm rule", "Switch off", "Edit", "Delete"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
