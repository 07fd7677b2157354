"""An engineer asks the copilot about a machine, follows a source, and lets nothing be done without a yes."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

pytestmark = pytest.mark.journey


def test_the_copilot_answers_with_its_sources_and_remembers_the_session(
    standing_demo: RunningProduct, page: Page, errors: list[str]
) -> None:
    sign_in(page, standing_demo, "Engineer")
    page.goto(f"{standing_demo.url}/asset/p-101a?tab=health")
    expect(page.get_by_role("heading", name="What to do")).to_be_visible(timeout=FIRST_VALUES_MS)
    page.keyboard.press("Control+.")
    drawer = page.get_by_role("dialog", name="Copilot")
    suggestion = drawer.get_by_role("button", name="Compare P-101A with last week")
    suggestion.click(timeout=FIRST_VALUES_MS)
    answers = drawer.get_by_role("list", name="Questions and answers")
    sources = answers.get_by_role("list", name="Sources")
    expect(sources.get_by_role("link").first).to_be_visible(timeout=FIRST_VALUES_MS)
    expect(drawer.get_by_role("link", name=re.compile("^Source 1: "))).to_be_visible()

    drawer.get_by_label("Question", exact=True).fill("Sing a song")
    page.keyboard.press("Enter")
    expect(drawer.get_by_role("alert")).to_contain_text("The question is not understood")
    page.keyboard.press("Control+.")
    expect(drawer).not_to_be_visible()

    page.goto(f"{standing_demo.url}/fleet")  # Another page of the same session.
    page.get_by_role("button", name="Copilot").click(timeout=FIRST_VALUES_MS)
    expect(answers.get_by_role("listitem").filter(has_text="Compare P-101A with last week")).to_be_visible()
    drawer.get_by_role("button", name="Begin anew").click()
    expect(answers.get_by_text("Compare P-101A")).not_to_be_visible()
    assert len(errors) == 1, errors  # The browser notes the refusal of the song.
    assert "400" in errors[0]
