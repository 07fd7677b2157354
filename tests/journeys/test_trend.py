"""A trend is moved by mouse and keyboard, keeps its span in the address, and can be read as a table."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in


@pytest.fixture
def plot(standing_demo: RunningProduct, page: Page) -> Locator:
    """The trend of P-101A's first signal, with at least some points in it."""
    sign_in(page, standing_demo, "Erin, engineer")
    page.goto(f"{standing_demo.url}/asset/p-101a?tab=trends")
    expect(page.locator(".trend-foot")).to_contain_text(re.compile(r"→ \d+ points"), timeout=FIRST_VALUES_MS)
    return page.locator(".trend-plot")


def test_dragging_zooms_and_a_reload_keeps_what_was_chosen(page: Page, plot: Locator) -> None:
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 60, steps=6)
    page.mouse.up()
    live = page.locator(".trend-tools").get_by_role("button", name="Live", exact=True)
    expect(live).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]from=.*&to="))
    page.reload()
    expect(live).to_be_visible(timeout=FIRST_VALUES_MS)
    live.click()
    expect(live).to_be_hidden()
    expect(page).to_have_url(re.compile(r"[?&]span=\d+"))


def test_arrow_keys_move_a_cursor_whose_value_is_spoken(page: Page, plot: Locator) -> None:
    plot.focus()
    page.keyboard.press("ArrowLeft")
    spoken = page.locator(".trend-body [aria-live=polite]").first
    expect(spoken).to_have_text(re.compile(r"\d\d:\d\d:\d\d\s+\d[\d.]*\smm/s"))
    first = spoken.inner_text()
    page.keyboard.press("ArrowLeft")
    expect(spoken).not_to_have_text(first)


def test_the_same_points_can_be_read_as_a_table(page: Page, plot: Locator) -> None:
    page.get_by_role("button", name="View as table").click()
    row = page.locator(".trend-table tbody tr").first
    expect(row).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    expect(page.get_by_role("columnheader", name="Mean, mm/s")).to_be_visible()
