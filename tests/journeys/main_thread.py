"""How long the tasks of a page's main thread take, in time of the processor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page

LOOK_MS = 16


@contextmanager
def tasks_ms(page: Page) -> Iterator[list[float]]:
    """Trace the page during the block; the list holds the milliseconds of each task once it is left."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    ended: list[bool] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    session.send(
        "Tracing.start",
        {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": ["toplevel", "devtools.timeline"]}},
    )
    found: list[float] = []
    yield found
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(LOOK_MS)
    found += main_thread_tasks_ms(events)


def main_thread_tasks_ms(events: list[dict[str, Any]]) -> list[float]:
    """Processor time of each task of the renderers' main threads."""
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return [
        event["tdur"] / 1000
        for event in events
        if event.get("ph") == "X" and (event["pid"], event["tid"]) in main and event["name"].endswith("RunTask")
        if "tdur" in event
    ]
