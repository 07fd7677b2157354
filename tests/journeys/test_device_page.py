"""What a device's page tells somebody to type works as it stands there."""

import json
import shutil
import subprocess
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import sign_in


def test_the_command_on_the_page_sends_a_sample_that_is_kept(
    standing_demo: RunningProduct, page: Page, need: Callable[[str, object], None]
) -> None:
    need("curl", shutil.which("curl"))
    sign_in(page, standing_demo, "Erin, engineer")
    page.goto(f"{standing_demo.url}/devices/plc-cooling-water")
    page.get_by_role("button", name="Create a key").click()
    secret = page.locator(".secret .code").inner_text()
    command = page.locator("pre")
    expect(command).to_contain_text(secret)
    answer = subprocess.run(["sh", "-c", command.inner_text()], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)["kept"] == 1, answer.stdout
    page.get_by_role("button", name="Done").click()
    expect(command).not_to_contain_text(secret)


def test_the_views_of_a_machine_are_links_that_the_keyboard_reaches(standing_demo: RunningProduct, page: Page) -> None:
    sign_in(page, standing_demo, "Olga, operator")
    page.goto(f"{standing_demo.url}/asset/p-101a")
    views = page.get_by_role("navigation", name="Views of this machine")
    overview, trends = views.get_by_role("link", name="Overview"), views.get_by_role("link", name="Trends")
    expect(overview).to_have_attribute("aria-current", "page")
    trends.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/asset/p-101a?tab=trends")
    expect(trends).to_have_attribute("aria-current", "page")
    expect(overview).to_have_attribute("aria-current", "false")
    page.go_back()
    expect(overview).to_have_attribute("aria-current", "page")


def test_checks_say_in_words_whether_they_are_sound(standing_demo: RunningProduct, page: Page) -> None:
    sign_in(page, standing_demo, "Olga, operator")
    page.goto(f"{standing_demo.url}/settings/about")
    checks = page.locator(".check")
    expect(checks).to_have_count(13)
    expect(checks.filter(has_text="Database")).to_contain_text("Sound:")
    expect(checks.filter(has_text="Notices")).to_contain_text("messages handed over")
