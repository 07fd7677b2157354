"""Spans of history that are owed to a sink: late samples, or what was put anew in history.

A span waits, is on its way, and is owed until the target has said that it will survive.
"""

from collections.abc import Iterable, Sequence

from pdm_app.domain.samples import MICROS_PER_S

Span = tuple[int, int, int]
"""A signal, from a time, up to, not including, another."""

JOINED_US = 60 * MICROS_PER_S
"""Spans of one signal that lie nearer are one: what lies between is sent again."""
SPANS_MAX = 2_000
"""Beyond, those of one signal become one."""


class OwedSpans:
    """Spans of one sink that are to be sent, in no order of time. No two of one signal overlap."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._waiting = joined(spans)
        self._flying: list[Span] = []
        self._taken: list[Span] = []

    def __bool__(self) -> bool:
        """Whether any waits to be sent."""
        return bool(self._waiting)

    def __len__(self) -> int:
        """How many were not said to be safe."""
        return len(self._waiting) + len(self._flying) + len(self._taken)

    def all(self) -> list[Span]:
        """Return what is not said to be safe."""
        return joined([*self._waiting, *self._flying, *self._taken])

    def add(self, spans: Iterable[Span]) -> None:
        self._waiting = joined([*self._waiting, *spans])

    def keep(self, signals: set[int]) -> None:
        """Forget those of other signals."""
        for spans in (self._waiting, self._flying, self._taken):
            spans[:] = [span for span in spans if span[0] in signals]

    def next(self, spans_max: int) -> Sequence[Span]:
        """Return some to send now; `sent` or `unsettled` follows."""
        self._flying, self._waiting = self._waiting[:spans_max], self._waiting[spans_max:]
        return self._flying

    def fewer(self) -> Sequence[Span]:
        """Return fewer to send now, or half of the only one, after they held too much; none where it is one instant."""
        if len(self._flying) > 1:
            middle = len(self._flying) // 2
            self._flying, back = self._flying[:middle], self._flying[middle:]
        else:
            number, begin, end = self._flying[0]
            if end - begin <= 1:
                return ()
            middle = (begin + end) // 2
            self._flying, back = [(number, begin, middle)], [(number, middle, end)]
        self._waiting += back  # Not joined: they would be one again.
        return self._flying

    def sent(self) -> None:
        """Note that those on their way were handed over."""
        self._taken += self._flying
        self._flying = []

    def settled(self) -> None:
        """Note that everything handed over so far will survive."""
        self._taken = []

    def unsettled(self) -> None:
        """Owe everything again that is not safe."""
        self._waiting, self._flying, self._taken = self.all(), [], []


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans as few as they are good for: those of a signal that lie near each other become one."""
    near_us = JOINED_US
    spans = sorted((int(n), int(b), int(e)) for n, b, e in spans)
    while True:
        found: list[Span] = []
        for number, begin, end in spans:
            if found and found[-1][0] == number and begin <= found[-1][2] + near_us:
                found[-1] = (number, found[-1][1], max(end, found[-1][2]))
            else:
                found.append((number, begin, end))
        if len(found) <= SPANS_MAX or near_us >= 2**60:
            return found
        near_us *= 100
