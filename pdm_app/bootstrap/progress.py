"""Show what the set-up is doing: the phase, how far it is, the seconds it takes."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

REDRAW_EVERY_S = 0.2
REPORT_EVERY_S = 10.0  # Where the line cannot be redrawn, as in a CI log.


class Phase:
    """One phase on one line; a terminal sees it move, a log file sees its start, every tenth second, and its end."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._moves = self._stream.isatty()
        self._started = time.monotonic()
        self._drawn = float("-inf")

    def __enter__(self) -> Self:
        self._write(f"{self._title} …", final=not self._moves)
        self._drawn = self._started
        return self

    def show(self, detail: str) -> None:
        """Say how far it is; cheap to call often."""
        now = time.monotonic()
        if now - self._drawn >= (REDRAW_EVERY_S if self._moves else REPORT_EVERY_S):
            self._drawn = now
            self._write(f"{self._title} … {detail} · {now - self._started:.0f} s", final=not self._moves)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = "done" if kind is None else "stopped"
        self._write(f"{self._title}: {outcome} in {time.monotonic() - self._started:.1f} s", final=True)

    def _write(self, line: str, *, final: bool) -> None:
        start = "\r\x1b[K" if self._moves else ""
        self._stream.write(f"{start}{line[:110]}" + ("\n" if final else ""))
        self._stream.flush()
