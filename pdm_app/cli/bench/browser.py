"""A real Chromium on a machine's page: how long until a value is painted, and until the page shows its first one.

A value counts as painted in the first task after the frame that drew it; the page notes the times itself.
"""

import asyncio
import os
import shutil
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.usage import Usage, metered

FIRST_VALUE_S_MAX = 30.0
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip

# React writes the attribute inside a frame of the screen; a message posted then arrives once that frame is painted.
OBSERVER = """
(() => {
  const bench = (window.__bench = { began_at: Infinity, late_us: [] });
  bench.first_ms = new Promise((resolve) => (bench.painted = resolve));
  const drawn = [];
  const painted = new MessageChannel();
  painted.port1.onmessage = () => {
    const now_us = (performance.timeOrigin + performance.now()) * 1000;
    for (const at of drawn.splice(0)) if (at >= bench.began_at) bench.late_us.push(Math.round(now_us - at));
    bench.painted(performance.now()); // Of a promise only the first one counts.
  };
  const note = (element) => {
    const at = Number(element.getAttribute?.("data-at"));
    if (at) drawn.push(at);
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "attributes") note(change.target);
      for (const node of change.addedNodes) {
        note(node);
        node.querySelectorAll?.("[data-at]").forEach(note);
      }
    }
    if (drawn.length) painted.port2.postMessage(0);
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-at"] });
})();
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one browser saw; page loads are from the start of the navigation to the first painted value."""

    latencies: Latencies
    load_cold_ms: float
    load_warm_ms: float
    server: Usage | None
    chromium: Usage | None


def find_chromium() -> str | None:
    """Return the path of a Chromium, ``PDM_TEST_CHROMIUM`` first; None also where playwright is not installed."""
    try:
        import playwright.async_api  # noqa: F401
    except ImportError:
        return None
    given = os.environ.get("PDM_TEST_CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


async def watch_page(
    chromium: str, base_url: str, path: str, sign_in: dict[str, str], seconds: float, server_pid: int
) -> Seen:
    """Sign in, open a page twice, watch it for ``seconds``.

    Args:
        chromium: Path of the browser.
        base_url: Address of the product.
        path: Page to open.
        sign_in: Body for the sign-in.
        seconds: How long values are collected.
        server_pid: The product's process, metered over the same time.

    Raises:
        UnavailableError: No value appeared in time.
    """
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        before = {process.pid for process in psutil.Process().children(recursive=True)}
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        try:
            roots = [process.pid for process in psutil.Process().children(recursive=True) if process.pid not in before]
            context = await browser.new_context(viewport={"width": 1440, "height": 900})
            await context.add_init_script(OBSERVER)
            answer = await context.request.post(f"{base_url}/api/auth/login", data=sign_in)
            if not answer.ok:
                raise _nothing_seen(path, f"sign-in answered {answer.status}")
            page = await context.new_page()
            loads_ms = [await _load(page, base_url + path) for _ in range(2)]
            await page.evaluate("window.__bench.began_at = (performance.timeOrigin + performance.now()) * 1000")
            with metered({"server": server_pid, "chromium": min(roots)}) as meter:
                await asyncio.sleep(seconds)
            late_us = await page.evaluate("window.__bench.late_us")
        finally:
            await browser.close()
    found = Latencies.of_micros(np.array(late_us, dtype=np.int64))
    return Seen(found, loads_ms[0], loads_ms[1], meter.usage.get("server"), meter.usage.get("chromium"))


async def _load(page: Any, url: str) -> float:
    from playwright.async_api import Error

    try:
        await page.goto(url)
        async with asyncio.timeout(FIRST_VALUE_S_MAX):
            return await _first_ms(page)
    except Error as error:
        raise _nothing_seen(url, str(error).splitlines()[0]) from error
    except TimeoutError:
        raise _nothing_seen(url, f"not within {FIRST_VALUE_S_MAX:g} s") from None


async def _first_ms(page: Any) -> float:
    """Wait in the page itself: a condition that is asked again and again would need `eval` there."""
    from playwright.async_api import Error

    while True:
        try:
            return float(await page.evaluate("window.__bench.first_ms"))
        except Error as error:
            if "navigation" not in str(error):  # A page that loads anew counts from then on.
                raise


def _nothing_seen(path: str, why: str) -> Exception:
    from pdm_app.domain.errors import UnavailableError

    return UnavailableError(
        f"The browser showed no live value on {path}: {why}. Look at the page yourself; --no-browser leaves this out."
    )
