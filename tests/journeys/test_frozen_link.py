"""What an operator sees when the server stops answering, and that nobody has to do anything about it."""

import os
import re
import signal

from playwright.sync_api import Page, expect

from tests.counterparts.product import RunningProduct
from tests.journeys.steps import FIRST_VALUES_MS, sign_in

FROZEN_MS = 120_000


def test_a_frozen_server_shows_age_and_hatching_and_resumes_by_itself(demo: RunningProduct, page: Page) -> None:
    sign_in(page, demo, "Olga, operator")
    value = page.locator(".value[data-state=good]").first
    expect(value).to_be_visible(timeout=FIRST_VALUES_MS)
    os.kill(demo.pid, signal.SIGSTOP)
    try:
        banner = page.locator(".frozen-banner")
        expect(banner).to_be_visible(timeout=FROZEN_MS)
        expect(banner).to_contain_text(re.compile(r"\d\d:\d\d"))
        expect(page.locator(".value[data-state=frozen] .value-age").first).to_be_visible()
        expect(page.locator(".value[data-state=good]")).to_have_count(0)
    finally:
        os.kill(demo.pid, signal.SIGCONT)
    expect(banner).to_be_hidden(timeout=FROZEN_MS)
    expect(page.locator(".value[data-state=good]").first).to_be_visible(timeout=FROZEN_MS)


def test_a_restarted_server_is_found_again_by_the_open_page(demo: RunningProduct, page: Page) -> None:
    sign_in(page, demo, "Olga, operator")
    expect(page.locator(".value[data-state=good]").first).to_be_visible(timeout=FIRST_VALUES_MS)
    demo.kill()
    expect(page.locator(".frozen-banner")).to_be_visible(timeout=FROZEN_MS)
    demo.start()
    expect(page.locator(".frozen-banner")).to_be_hidden(timeout=FROZEN_MS)
    expect(page.locator(".value[data-state=good]").first).to_be_visible(timeout=FIRST_VALUES_MS)
