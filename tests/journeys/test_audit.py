"""The audit trail in the browser: what was done is there, can be found, checked and taken along."""

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from pdm_app.domain.audit import AuditEntry, hash_of
from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in


def test_a_change_is_on_record_can_be_found_checked_and_exported(
    standing_demo: RunningProduct, page: Page, errors: list[str], tmp_path: Path
) -> None:
    sign_in(page, standing_demo, "Ada, admin")
    page.goto(f"{standing_demo.url}/settings/audit")
    table = page.get_by_role("table")
    expect(table).to_contain_text("plant.provisioned", timeout=FIRST_VALUES_MS)

    page.get_by_label("Action", exact=True).fill("sessions.")
    page.get_by_label("Action", exact=True).press("Enter")
    expect(table).not_to_contain_text("plant.provisioned", timeout=FIRST_VALUES_MS)
    row = table.get_by_role("row").filter(has_text="sessions.opened").first
    expect(row).to_contain_text("ada.admin")
    row.locator("summary").press("Enter")
    expect(row).to_contain_text(re.compile(r"[0-9a-f]{64}"))

    with page.expect_download() as download:
        page.get_by_role("link", name="Export JSON").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    entries = [AuditEntry.model_validate(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {entry.action.partition(".")[0] for entry in entries} == {"sessions"}, "the filters of the page hold"
    assert all(hash_of(entry) == entry.hash for entry in entries)

    page.get_by_role("button", name="Verify chain").click()
    whole = page.get_by_role("status").filter(has_text="entries are whole")
    expect(whole).to_be_visible(timeout=FIRST_VALUES_MS)
    kept = whole.locator("code").inner_text()
    page.get_by_label("End kept").fill(kept.replace(":", ":0")[:-1])
    page.get_by_role("button", name="Verify chain").click()
    expect(page.get_by_role("alert")).to_contain_text("kept elsewhere", timeout=FIRST_VALUES_MS)
    page.get_by_label("End kept").fill("nonsense")
    page.get_by_role("button", name="Verify chain").click()
    expect(page.get_by_text("This is no end of the trail")).to_be_visible(timeout=FIRST_VALUES_MS)

    page.get_by_label("Search name").fill("no such thing anywhere")
    page.get_by_label("Search name").press("Enter")
    expect(page.get_by_text("No entry matches")).to_be_visible(timeout=FIRST_VALUES_MS)
    assert errors == []


def test_who_may_not_read_it_is_told_which_right_is_missing_and_every_role_sees_the_matrix(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Olga, operator")
    page.goto(f"{standing_demo.url}/settings/audit")
    expect(page.get_by_role("alert").filter(has_text="audit.read").first).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(page.get_by_role("table")).to_have_count(0)
    page.goto(f"{standing_demo.url}/settings/permissions")
    row = page.get_by_role("row").filter(has_text="alarms.acknowledge")
    expect(row.get_by_text("yes", exact=True)).to_have_count(4, timeout=FIRST_VALUES_MS)
    expect(page.get_by_role("columnheader", name="Operator (you)")).to_be_visible()
    assert errors == []
