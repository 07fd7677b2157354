"""A running demo and a real browser for the journeys."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from pdm_app.domain.plant_size import PlantSize
from tests.counterparts.product import RunningProduct

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 90_000  # Of the tests: a page of a busy machine may take its time, and nothing is shown by waiting less.
expect.set_options(timeout=PATIENCE_MS)
HARMLESS = re.compile(r"Download the React DevTools|favicon")


def find_chromium() -> str | None:
    """Return the path of a Chromium, ``PDM_TEST_CHROMIUM`` first."""
    given = os.environ.get("PDM_TEST_CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser(need: Callable[[str, object], None]) -> Iterator[Browser]:
    """A browser; not for the session, because while its event loop lives no asynchronous test can run after it."""
    chromium = find_chromium()
    need("chromium", chromium)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own at 1440 px."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(2 * PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def errors() -> list[str]:
    """What the page's console complained about."""
    return []


@pytest.fixture
def page(context: BrowserContext, errors: list[str]) -> Page:
    page = context.new_page()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not HARMLESS.search(message.text):
            errors.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page


STANDING: list[RunningProduct] = []
"""The demo of `standing_demo` while it runs; at most one."""


@pytest.fixture
def standing_demo(tmp_path_factory: pytest.TempPathFactory) -> RunningProduct:
    """A demo for journeys that leave it as they found it, or mind nothing that another one has left there."""
    if not STANDING:
        product = RunningProduct(Path(tmp_path_factory.mktemp("standing")))
        product.start()
        STANDING.append(product)
    return STANDING[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End it after the last journey in a row: it would take its share of the machine from all other tests."""
    if STANDING and (nextitem is None or not nextitem.path.is_relative_to(Path(__file__).parent)):
        STANDING.pop().kill()


@pytest.fixture(scope="module")
def whole_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """A fresh demo of the whole plant, as the README's command starts it."""
    product = RunningProduct(Path(tmp_path_factory.mktemp("whole")), plant=PlantSize.WHOLE)
    product.start()
    yield product
    product.kill()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProduct]:
    """A fresh demo that nobody has set up yet."""
    product = RunningProduct(Path(tmp_path_factory.mktemp("demo")))
    product.start()
    yield product
    product.kill()
