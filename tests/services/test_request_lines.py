"""Lines of requests look like every other line, and none is lost or out of order."""

import asyncio
import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from pdm_app.services import request_lines
from pdm_app.services.logs import request_lines as found_lines
from pdm_app.services.logs import set_up_logging
from pdm_app.services.request_lines import LineHandler
from pdm_app.settings import LogSettings


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers[:] = []
    stream = io.StringIO()
    set_up_logging(LogSettings(), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def own_handler() -> LineHandler:
    """The log's own handler; while a test runs, pytest's stand beside it."""
    [own] = [handler for handler in logging.getLogger().handlers if isinstance(handler, LineHandler)]
    return own


def note(path: str = "/trpc/a") -> None:
    own_handler().note("pdm_app.a", "abc12345", "GET", path, 200, 0.0123456, "::1")


async def test_a_request_is_written_in_the_fields_of_every_line(stream: io.StringIO) -> None:
    facts = {"method": "GET", "path": "/trpc/a", "status": 200, "took_ms": 12.35, "address": "::1"}
    note()
    logging.getLogger("pdm_app.a").info("request", extra={**facts, "correlation_id": "abc12345"})
    direct, usual = lines_of(stream)
    assert list(direct) == list(usual)
    assert {**direct, "timestamp": ""} == {**usual, "timestamp": ""}
    assert len(str(direct["timestamp"])) == len(str(usual["timestamp"]))
    assert str(direct["timestamp"]) <= str(usual["timestamp"])


async def test_requests_are_written_together_at_the_end_of_the_turn(stream: io.StringIO) -> None:
    note("/1")
    note("/2")
    assert stream.getvalue() == ""
    await asyncio.sleep(0)
    assert [line["path"] for line in lines_of(stream)] == ["/1", "/2"]


async def test_another_line_comes_after_the_requests_before_it(stream: io.StringIO) -> None:
    note()
    logging.getLogger("pdm_app").warning("late")
    assert [line["event"] for line in lines_of(stream)] == ["request", "late"]


async def test_so_many_lines_are_written_at_once(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_lines, "LINES_WAITING_MAX", 3)
    for _ in range(3):
        note()
    assert len(lines_of(stream)) == 3


async def test_closing_the_log_writes_what_waits(stream: io.StringIO) -> None:
    note()
    own_handler().flush()
    assert len(lines_of(stream)) == 1


def test_where_somebody_else_listens_requests_take_the_usual_way(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = own_handler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [own])
    assert found_lines() is own
    monkeypatch.setattr(logging.getLogger(), "handlers", [own, logging.NullHandler()])
    assert found_lines() is None
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(stream)])
    assert found_lines() is None


async def test_a_log_that_cannot_be_written_stops_nothing(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    stream.close()
    note()
    await asyncio.sleep(0)
