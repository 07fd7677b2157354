"""How often one caller may call: at most so many calls in any span of a second, minute, hour or day.

Calls are counted in sixtieths of the span, so a caller costs at most sixty-one small counts however large the limit is,
and no timer: the limit is never exceeded in any span, and a call counts for at most a sixtieth longer than it.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil
from typing import Final, NamedTuple

SLOTS: Final = 60
CALLERS_MAX: Final = 20_000  # Beyond this those that were quiet longest are forgotten, and begin anew.
_SPANS_S: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")


class RateError(ValueError):
    """Text that says no rate, and how one is written."""


class Rate(NamedTuple):
    """So many calls in any span of so many seconds."""

    calls: int
    per_s: float

    @classmethod
    def parse(cls, written: str) -> "Rate":
        """Read ``60/minute``; the span is a second, a minute, an hour or a day.

        Raises:
            RateError: It is written otherwise.
        """
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise RateError(f"{written!r} is no rate; write a number and a span, such as 60/minute or 10/second.")
        return cls(int(found[1]), _SPANS_S[found[2]])

    @property
    def words(self) -> str:
        """``60 times a minute``."""
        span = next(name for name, seconds in _SPANS_S.items() if seconds == self.per_s)
        return f"{self.calls} times {'an' if span == 'hour' else 'a'} {span}"


class _Counts:
    """The calls of one caller that still count: slot and number, oldest first."""

    __slots__ = ("slots", "total")

    def __init__(self) -> None:
        self.slots: deque[list[int]] = deque()
        self.total = 0


class Rates:
    """Counts the calls of every caller; one of these for all rates of a server.

    Args:
        now: Seconds of a clock that only goes forward.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._counts: OrderedDict[tuple[str, str], _Counts] = OrderedDict()

    def take(self, rate: Rate, what: str, caller: str) -> int:
        """Count a call, unless it is one too many: a refused call does not count, so patience is always rewarded.

        Args:
            rate: What is allowed.
            what: What is called; each has counts of its own.
            caller: Who calls.

        Returns:
            0 where the call is allowed, else after how many whole seconds the next one is.
        """
        now_s = self._now()
        slot_s = rate.per_s / SLOTS
        slot = int(now_s / slot_s)
        key = (what, caller)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = _Counts()
            if len(self._counts) > CALLERS_MAX:
                self._counts.popitem(last=False)
        else:
            self._counts.move_to_end(key)
        slots = counts.slots
        while slots and slots[0][0] < slot - SLOTS:  # All of it lies more than a span back.
            counts.total -= slots.popleft()[1]
        if counts.total >= rate.calls:
            return max(1, ceil((slots[0][0] + SLOTS + 1) * slot_s - now_s))
        counts.total += 1
        if slots and slots[-1][0] == slot:
            slots[-1][1] += 1
        else:
            slots.append([slot, 1])
        return 0
