"""Device groups and campaigns on screen: a filter says whom it finds, a draft what it would do before it may."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey
GROUP = "All with a code"


def test_a_group_is_made_by_a_filter_and_a_campaign_waits_for_a_second_person(
    standing_demo: RunningProduct, page: Page
) -> None:
    demo = standing_demo
    sign_in(page, demo, "Ada, admin")
    page.goto(f"{demo.url}/firmware/campaign/never-made")
    expect(page.get_by_text("There is no such campaign")).to_be_visible(timeout=FIRST_VALUES_MS)

    page.goto(f"{demo.url}/devices/groups")
    page.get_by_role("button", name="New group").click(timeout=FIRST_VALUES_MS)
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name", exact=True).fill(GROUP)
    sheet.get_by_label("Filter", exact=True).fill("code = ")
    expect(sheet.locator(".field-error")).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(sheet.get_by_role("button", name="Save")).to_be_disabled()
    sheet.get_by_label("Filter", exact=True).fill('code != ""')
    expect(sheet.locator("[data-member=true]").first).to_contain_text("is in it", timeout=FIRST_VALUES_MS)
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name=GROUP)).to_be_visible(timeout=FIRST_VALUES_MS)

    asked = page.request.get(f"{demo.url}/trpc/device_groups.list", params={"input": json.dumps({})})
    group = next(one["group"] for one in asked.json()["result"]["data"] if one["group"]["name"] == GROUP)
    facts = {
        "site_id": group["site_id"], "group_id": group["id"], "name": "Back again", "kind": "rollback",
        "phases": [{"name": "Everybody"}],
    }  # fmt: skip
    made = page.request.post(f"{demo.url}/trpc/campaigns.create", data={"facts": facts}, headers={"origin": demo.url})
    assert made.ok, made.text()

    page.goto(f"{demo.url}/firmware/campaigns")
    page.get_by_role("link", name="Back again").first.click(timeout=FIRST_VALUES_MS)
    shown = page.locator(".campaign")
    expect(shown).to_contain_text("No device would get the release", timeout=FIRST_VALUES_MS)
    expect(shown).to_contain_text("Somebody else who may approve firmware has to look at it now.")
    expect(shown.get_by_role("button", name="Approve")).to_have_count(0)
    shown.get_by_role("button", name="Abort").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("It ends for good")
    sheet.get_by_label("Reason").fill("Only a look.")
    sheet.get_by_role("button", name="Abort").click()
    expect(shown.locator(".chip").first).to_have_text("Aborted", timeout=FIRST_VALUES_MS)
    expect(shown).to_contain_text("Only a look.")
