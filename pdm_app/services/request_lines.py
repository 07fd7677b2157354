"""The log's line for a request that was answered as it should: there are thousands a second, all of one shape.

A record's usual way through processors and formatter takes 45 µs, most of a quick request. These lines are encoded in
one go, collected, and written together once per turn of the event loop. A line that says that something is wrong takes
the usual way and is written at once.
"""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final, TextIO

import orjson

LINES_WAITING_MAX: Final = 1_000  # So many are written in the middle of a turn.
LINE: Final = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


class LineHandler(logging.StreamHandler[TextIO]):
    """Handler of a log in JSON lines that also takes the lines of requests."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[bytes] = []

    def note(self, component: str, identity: str, method: str, path: str, status: int, took_s: float, who: str) -> None:
        """Write one request at INFO, in the fields and their order of every other line."""
        line = {
            "timestamp": datetime.now(UTC),
            "level": "INFO",
            "component": component,
            "event": "request",
            "method": method,
            "path": path,
            "status": status,
            "took_ms": round(took_s * 1000, 2),
            "address": who,
            "correlation_id": identity,
        }
        self._waiting.append(orjson.dumps(line, option=LINE))
        count = len(self._waiting)
        if count == 1:
            asyncio.get_running_loop().call_soon(self._write)
        elif count >= LINES_WAITING_MAX:
            self._write()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, after the requests before it."""
        self._write()
        super().emit(record)

    def flush(self) -> None:
        """Write what waits, too: the log is about to be closed."""
        self._write()
        super().flush()

    def _write(self) -> None:
        if not self._waiting:
            return
        lines, self._waiting = self._waiting, []
        try:
            self.stream.write(b"".join(lines).decode())
            super().flush()
        except Exception:  # As in every handler: a log that cannot be written stops nothing.
            self.handleError(logging.makeLogRecord({"msg": "lines of requests"}))
