"""An engineer lays series side by side, marks two moments, notes what happened, and keeps the view under a name."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey


def test_a_view_of_several_series_is_put_together_marked_and_found_again_by_its_address(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/trends")
    expect(page.get_by_text("Nothing chosen yet")).to_be_visible(timeout=FIRST_VALUES_MS)
    search = page.get_by_label("Signal or expression")
    for words in ("Motor_Power_kW", "Bearing_Temperature_C"):
        search.fill(words)
        page.locator(".workspace-found button", has_text="P-101A").click(timeout=FIRST_VALUES_MS)
    search.fill("Motor_Power_kW * 2")
    page.get_by_role("button", name="Add as an expression").click()
    expect(page.locator(".workspace-series > li")).to_have_count(3)
    expect(page.locator(".workspace-lane")).to_have_count(2, timeout=FIRST_VALUES_MS)  # kW and °C.
    page.get_by_role("button", name="15 min").click()
    figures = page.locator(".workspace-figures tbody tr")
    expect(figures).to_have_count(3, timeout=FIRST_VALUES_MS)

    box = page.locator(".workspace-lane .u-over").first.bounding_box()
    assert box is not None
    for share in (0.4, 0.9):
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + 20)
    expect(page.get_by_text(re.compile("between A, .* and B, "))).to_be_visible(timeout=FIRST_VALUES_MS)
    page.wait_for_url(re.compile(r"[?&]a=.*&b="), timeout=FIRST_VALUES_MS)

    page.goto(page.url)
    expect(page.locator(".workspace-series > li")).to_have_count(3, timeout=FIRST_VALUES_MS)
    expect(page.locator(".workspace-flag")).to_have_count(2, timeout=FIRST_VALUES_MS)
    expect(figures).to_have_count(3, timeout=FIRST_VALUES_MS)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click(timeout=FIRST_VALUES_MS)
    head = download.value.path().read_text(encoding="utf-8").splitlines()[0]
    assert head == "time,P-101A Motor power,P-101A Bearing temperature,Motor_Power_kW * 2"
    page.get_by_role("button", name="Remove P-101A Bearing temperature").click()
    expect(page.locator(".workspace-lane")).to_have_count(1)
    assert errors == []


def test_a_note_and_a_view_are_kept_found_again_and_taken_back(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/trends?s=1&span=900")
    expect(page.locator(".workspace-figures tbody tr")).to_have_count(1, timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Write a note").click()
    page.get_by_label("What is to be known").fill("strainer cleaned")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator(".trend-note")).to_have_count(1, timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name").fill("Drive end, a quarter of an hour")
    page.locator("dialog").get_by_role("button", name="Save view").click()
    expect(page.locator("dialog")).to_have_count(0)

    page.goto(f"{standing_demo.url}/trends")
    expect(page.get_by_text("Nothing chosen yet")).to_be_visible(timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name=re.compile(r"Views \(\d+\)")).click()
    page.get_by_role("button", name="Drive end, a quarter of an hour").click()
    expect(page.locator(".workspace-series > li")).to_have_count(1)
    expect(page.locator(".trend-note")).to_have_count(1, timeout=FIRST_VALUES_MS)
    page.get_by_role("button", name="View as table").click()
    expect(page.locator(".workspace-table tbody tr").first).to_be_visible()
    page.get_by_role("button", name="View as chart").click()

    page.locator(".trend-note").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".trend-note")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".trend-note")).to_have_count(1, timeout=FIRST_VALUES_MS)
    page.locator(".trend-note").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".trend-note")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile(r"Views \(\d+\)")).click()
    page.locator("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("dialog").get_by_text("No view is kept yet")).to_be_visible()
    assert errors == []


def test_keys_move_the_cursor_and_the_time_and_the_address_follows(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/trends?s=1&s=3&span=900")
    expect(page.locator(".workspace-figures tbody tr")).to_have_count(2, timeout=FIRST_VALUES_MS)
    lanes = page.locator(".workspace-lanes")
    lanes.focus()
    spoken = lanes.locator("[aria-live=polite]")
    page.keyboard.press("ArrowLeft")
    expect(spoken).to_have_text(re.compile(r"\d\d:\d\d:\d\d, P-101A .* \d"))
    page.keyboard.press("[")
    page.wait_for_url(re.compile(r"[?&]from=.*&to="), timeout=FIRST_VALUES_MS)
    page.keyboard.press("l")
    page.wait_for_url(re.compile(r"[?&]span=900"), timeout=FIRST_VALUES_MS)
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("set a mark")
    assert errors == []


RUNS = """async (spans) => {
  const ask = async (path, input) => {
    const answer = await fetch(`/trpc/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(input) });
    return (await answer.json()).result.data;
  };
  const recorded = async () => {
    const now = Date.now() * 1000;
    const input = encodeURIComponent(JSON.stringify({ signals: [1, 3], start_at: now - 20e6, end_at: now }));
    return (await (await fetch(`/trpc/history.envelope?input=${input}`)).json()).result.data.series.every(({ at }) => at.length > 2);
  };
  for (let turn = 0; turn < 100 && !(await recorded()); turn += 1) await new Promise((done) => setTimeout(done, 300));
  for (const [name, from_s, to_s] of spans) {
    const at = (seconds) => Math.round(Date.now() * 1000 - seconds * 1e6);
    const run = await ask("batches.start", { asset_id: "p-101a", name, at: at(from_s) });
    if (to_s) await ask("batches.stop", { run_id: run.id, at: at(to_s) });
    await ask("batches.change", { run_id: run.id, is_golden: name === "Good" });
  }
}"""  # noqa: E501


def test_runs_are_laid_over_each_other_and_found_again_by_the_address(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.evaluate(RUNS, [["Good", 600, 1], ["Second", 20, None]])
    page.goto(f"{standing_demo.url}/batches")
    for name in ("Good", "Second"):
        page.get_by_label(f"Compare {name}").check(timeout=FIRST_VALUES_MS)
    page.get_by_role("link", name="Open in the trends").click(timeout=FIRST_VALUES_MS)
    table = page.locator(".workspace .run-table")
    expect(table.locator("tbody tr")).to_have_count(2, timeout=FIRST_VALUES_MS)
    search = page.get_by_label("Signal or expression")
    search.fill("Motor_Power_kW")
    page.locator(".workspace-found button", has_text="P-101A").click(timeout=FIRST_VALUES_MS)
    expect(page.locator(".workspace-lane")).to_have_count(2, timeout=FIRST_VALUES_MS)
    expect(page.get_by_text("Band: the golden run")).to_be_visible()
    page.wait_for_url(re.compile(r"[?&]s=\d+&s=\d+.*&runs="), timeout=FIRST_VALUES_MS)

    page.goto(page.url)
    expect(table.locator("thead th")).to_have_count(4, timeout=FIRST_VALUES_MS)
    page.locator(".workspace-lane .u-over").first.hover()
    expect(table.locator("caption")).to_contain_text("from the beginning")
    page.get_by_role("button", name="Choose runs").click()
    page.locator("dialog").get_by_label("Good").uncheck(timeout=FIRST_VALUES_MS)
    expect(table.locator("tbody tr")).to_have_count(1, timeout=FIRST_VALUES_MS)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Back to the clock").click()
    expect(page.locator(".workspace-figures tbody tr")).to_have_count(2, timeout=FIRST_VALUES_MS)
    assert errors == []
