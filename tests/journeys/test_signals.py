"""An engineer makes a signal of two others: mends its formula, sees its past, recalculates it, takes it back."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey


def test_a_derived_signal_is_typed_seen_saved_recalculated_and_taken_back(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/signals")
    page.get_by_role("button", name="Add a derived signal").click()
    form = page.get_by_role("dialog", name="Add a derived signal")
    machine = form.get_by_label("Asset")
    expect(machine.locator("option", has_text="P-101A")).to_be_attached(timeout=FIRST_VALUES_MS)
    machine.select_option(value="p-101a")
    form.get_by_label("What people call it").fill("Specific power")
    form.get_by_label("Name", exact=True).fill("Specific_power")
    form.get_by_label("Unit").fill("kW.h/m3")
    formula = form.get_by_label("Formula")
    formula.fill("Motor_Power_kW / nothing_here")
    expect(form.get_by_text("Column 18: There is no signal nothing_here")).to_be_visible(timeout=FIRST_VALUES_MS)
    formula.fill("Motor_Power_kW / ")
    form.get_by_role("button", name="Flow_Rate_m3_h").click()
    expect(formula).to_have_value("Motor_Power_kW / Flow_Rate_m3_h")
    expect(form.get_by_text(re.compile("2 signals, "))).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(form.get_by_role("img", name=re.compile("Outcome of the formula"))).to_be_visible()
    form.get_by_role("button", name="Save").click()

    asked = page.get_by_role("dialog", name="Recalculate Specific power")
    asked.get_by_role("button", name="Recalculate").click(timeout=FIRST_VALUES_MS)
    expect(page.get_by_text(re.compile(r"done: \d+ samples in place of"))).to_be_visible(timeout=FIRST_VALUES_MS)
    row = page.get_by_role("row", name=re.compile("Specific power"))
    expect(row.locator(".value[data-state='good'], .value[data-state='uncertain']")).to_be_visible(
        timeout=FIRST_VALUES_MS
    )

    row.get_by_role("button", name="Delete the signal Specific power").click()
    expect(page.get_by_text("The signal Specific power was deleted")).to_be_visible(timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible(timeout=FIRST_VALUES_MS)
    page.goto(f"{standing_demo.url}/signals?q=Motor_Power")
    gone = page.get_by_role("row", name=re.compile("Motor_Power_kW P-101A"))
    gone.get_by_role("button", name=re.compile("Delete the signal")).click(timeout=FIRST_VALUES_MS)
    expect(page.get_by_text("derived signals read it: Specific_power")).to_be_visible(timeout=FIRST_VALUES_MS)
    # Refusals on purpose are errors to the browser's console.
    assert [error for error in errors if not re.search("status of 4(00|09)", error)] == []
