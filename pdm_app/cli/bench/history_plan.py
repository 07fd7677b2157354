"""What `bench history` stores and asks: the same samples and the same spans for the product and for each peer.

One sixth is a long past: ten slow signals over a year. The rest are the last hours: ten signals at 10 Hz and a hundred
at 1 Hz, in the order in which a plant sends them. The last day has just begun, so most of it is closed and a part is
not. Beside them thousands of signals have one sample each, for whoever asks for the latest value of all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pdm_app.domain.samples import F8, I8, MICROS_PER_S

DAY_US, HOUR_US = 86_400 * MICROS_PER_S, 3600 * MICROS_PER_S
TODAY = 20_605 * DAY_US  # 2026-06-01
SEED = 42
SLOW, FAST, SECOND = range(1, 11), range(11, 21), range(21, 121)
LATEST_SIGNALS = 5000
SLOW_SHARE = 0.175
SAMPLES_PER_S = 10 * len(FAST) + len(SECOND)
HOT_S_MAX = 7200
POINTS_MIN = 50_000
WHOLE_YEAR_FROM = 1_000_000  # Samples; fewer are spread over two weeks, as fewer days are quicker to make.
PIXELS = 1200
RAW_ROWS_MAX = 4_000_000
PORTION_MIN = 100_000  # Samples; an hour of fast signals is several times as many.

Kind = Literal["envelope", "samples", "latest"]


@dataclass(frozen=True, slots=True)
class Portion:
    """Some samples: columns of one length."""

    signal: I8
    source_at: I8
    value: F8

    def __len__(self) -> int:
        return len(self.signal)


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked once: from a time up to, not including, another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of question; the single ones differ in their span.

    Attributes:
        name: How it is reported.
        kind: ``envelope`` wants 1,200 buckets of each signal, ``samples`` wants them as they are.
        signals: Numbers of the signals, which follow each other.
        length_us: Length of its spans, which lie anywhere from ``start`` to ``end``.
        must_ms, goal_ms: What 95 % of the answers have to keep, where something is asked for.
    """

    name: str
    kind: Kind
    signals: range
    length_us: int
    start: int
    end: int
    must_ms: float | None = None
    goal_ms: float | None = None

    def spans(self, turns: int) -> list[Span]:
        """Return as many spans, the same in every process."""
        random = np.random.default_rng(SEED + self.length_us % 1000 + self.signals.start)
        latest = max(1, self.end - self.length_us - self.start)
        starts = self.start + random.integers(0, latest, turns)
        return [Span(int(start), int(start) + self.length_us) for start in starts]


class HistoryPlan:
    """Samples and questions of a run of about ``points`` samples."""

    def __init__(self, points: int) -> None:
        self.points = points
        self.days = 365 if points >= WHOLE_YEAR_FROM else 14
        self.slow_every_us = max(1, round(self.days * 86_400 * len(SLOW) / (points * SLOW_SHARE))) * MICROS_PER_S
        recent_s = round(points * (1 - SLOW_SHARE)) // SAMPLES_PER_S
        self.hot_s = min(HOT_S_MAX, recent_s // 4)
        self.end = TODAY + self.hot_s * MICROS_PER_S
        self.recent_start = self.end - recent_s * MICROS_PER_S
        self.start = TODAY - (self.days - 1) * DAY_US

    def day_starts(self) -> list[int]:
        """Return the beginnings of the days, oldest first; the last one is today."""
        return list(range(self.start, TODAY + 1, DAY_US))

    def portions(self, day: int) -> Iterator[Portion]:
        """Return the samples of a day in the order of (source_at, signal): some hours at a time, never none."""
        some: list[Portion] = []
        for start in range(day, min(day + DAY_US, self.end), HOUR_US):
            some.append(self._hour(start, min(start + HOUR_US, self.end)))
            if sum(map(len, some)) >= PORTION_MIN:
                yield _joined(some)
                some = []
        if sum(map(len, some)):
            yield _joined(some)

    def _hour(self, start: int, end: int) -> Portion:
        groups = (
            (SLOW, self.slow_every_us, self.start),
            (FAST, MICROS_PER_S // 10, self.recent_start),
            (SECOND, MICROS_PER_S, self.recent_start),
        )
        parts = [_grid(signals, max(start, since), end, step) for signals, step, since in groups]
        signal, at = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = np.lexsort((signal, at))
        signal, at = signal[order], at[order]
        noise = np.random.default_rng(SEED + start // HOUR_US).normal(0, 0.3, len(signal))
        return Portion(signal, at, np.round(50.0 + signal / 10 + 10 * np.sin(at / 3.6e9 + signal) + noise, 2))

    def lonely(self) -> Portion:
        """Return one sample at the end for each of the signals that have no other."""
        signal = np.arange(1001, 1001 + LATEST_SIGNALS - len(SLOW) - len(FAST) - len(SECOND), dtype=np.int64)
        return Portion(signal, np.full(len(signal), self.end, np.int64), signal / 7.0)

    def questions(self) -> tuple[Question, ...]:
        """Return the questions, in the order in which they are asked and reported."""
        shift_us = min(8 * HOUR_US, TODAY - self.recent_start)
        zoom_us = min(HOUR_US // 4, self.end - TODAY)
        closed, hot = (self.recent_start, TODAY), (TODAY, self.end)
        shift, zoom, days = (f"{words} × 10 signals" for words in (_words(shift_us), _words(zoom_us), f"{self.days} d"))
        second, slow = SECOND[: len(FAST)], (self.start, TODAY)
        return (
            Question(f"{shift} at 1 Hz, 1,200 points", "envelope", second, shift_us, *closed, 3000, 50),
            Question(f"{shift} at 10 Hz, 1,200 points", "envelope", FAST, shift_us, *closed, 3000, 50),
            Question(f"{shift} at 1 Hz, raw, closed days", "samples", second, shift_us, *closed, 3000, 400),
            Question(f"{shift} at 10 Hz, raw, closed days", "samples", FAST, shift_us, *closed),
            Question(f"{zoom} at 10 Hz, 1,200 points, closed days", "envelope", FAST, zoom_us, *closed, 1000, 200),
            Question(f"{zoom} at 10 Hz, 1,200 points, today", "envelope", FAST, zoom_us, *hot, 1000, 200),
            Question(f"{days}, 1,200 points", "envelope", SLOW, TODAY - self.start, *slow, 1000, 100),
            Question("latest of 5,000 signals", "latest", range(0), 1, *slow, 50, 10),
        )


def _grid(signals: range, start: int, end: int, step_us: int) -> tuple[I8, I8]:
    """Return signals and times of one sample of each signal per step, from the first whole step on."""
    times = np.arange(-(-start // step_us) * step_us, end, step_us, dtype=np.int64)
    ids = np.arange(signals.start, signals.stop, dtype=np.int64)
    return np.tile(ids, len(times)), np.repeat(times, len(ids))


def _joined(some: Sequence[Portion]) -> Portion:
    columns = zip(*((part.signal, part.source_at, part.value) for part in some), strict=True)
    return Portion(*(np.concatenate(column) for column in columns))


def _words(length_us: int) -> str:
    seconds = length_us // MICROS_PER_S
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:.3g} min"
