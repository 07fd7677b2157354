"""Derived signals as their inputs come: the newest stretch of every input, and the outcomes that follow from it.

`DerivationBook.take` is told what was recorded and returns what must be recorded of the derived signals. Inputs may
come in any order and more than once: a late sample has every outcome after it reckoned again, and what differs is
returned anew, so that the history ends up as if everything had come in time. It does so as far back as the book
remembers; what is older is counted in `too_late`, and a recalculation from history settles it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pdm_app.domain.formulas.parts import Formula
from pdm_app.domain.formulas.series import Flags, Series
from pdm_app.domain.samples import F8, I8, MICROS_PER_S, QUALITY_BAD_MIN, U2, U4, Batch, Stretch

LATE_US = 10 * 60 * MICROS_PER_S
"""Beyond the windows of the formulas, so much is remembered for samples that come late."""
ROWS_MAX = 500_000
"""Of one input; of a richer one the oldest are forgotten, and windows that reach further are uncertain."""
ROWS_AT_FIRST = 256
LIKE = 1e-9
"""Outcomes whose relative distance is smaller are the same: sums over a window differ by where they begin."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One derived signal, ready to be reckoned."""

    signal: int
    formula: Formula
    is_step_of: Mapping[int, bool]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is to be recorded of one derived signal: columns of equal length in the order of time."""

    signal: int
    at: I8
    value: F8
    quality: U2


def thinned(outcomes: Outcomes, follows_bad: bool) -> Outcomes:
    """Leave only the first of a run without a value: history draws a gap from there to the next value."""
    return _picked(outcomes, _counts(outcomes, follows_bad))


def _counts(outcomes: Outcomes, follows_bad: bool) -> Flags:
    bad = outcomes.quality >= QUALITY_BAD_MIN
    before = np.concatenate(([follows_bad], bad[:-1])) if len(bad) else bad
    return np.asarray(~(bad & before))


def _picked(outcomes: Outcomes, rows: Flags) -> Outcomes:
    return Outcomes(outcomes.signal, outcomes.at[rows], outcomes.value[rows], outcomes.quality[rows])


class Memory:
    """The newest samples of one signal: strictly increasing instants, in columns that grow at their end."""

    def __init__(self) -> None:
        self._rows = 0
        self._at: I8 = np.zeros(ROWS_AT_FIRST, np.int64)
        self._value: F8 = np.zeros(ROWS_AT_FIRST)
        self._quality: U2 = np.zeros(ROWS_AT_FIRST, np.uint16)

    def __len__(self) -> int:
        return self._rows

    @property
    def stretch(self) -> Stretch:
        """What is remembered; the columns are views that hold until the next change."""
        return Stretch(self._at[: self._rows], self._value[: self._rows], self._quality[: self._rows])

    @property
    def newest(self) -> int:
        """The newest instant, -1 while there is none."""
        return int(self._at[self._rows - 1]) if self._rows else -1

    def merge(self, at: I8, value: F8, quality: U2) -> int | None:
        """Take over rows in the order in which they came; return the first instant that has changed.

        Of two rows of one instant the later counts. None where everything was known already.
        """
        if not len(at):
            return None
        if (np.diff(at) > 0).all() and at[0] > self.newest:
            self._append(at, value, quality)
            return int(at[0])
        known = self.stretch
        every = np.concatenate((known.source_at, at))
        values = np.concatenate((known.value, value))
        qualities = np.concatenate((known.quality, quality))
        order = np.argsort(every, kind="stable")
        last = np.concatenate((np.diff(every[order]) > 0, [True]))
        kept = order[last]
        fresh = kept >= len(known)  # What has come now and counts.
        before = np.searchsorted(known.source_at, every[kept])
        inside = np.minimum(before, max(len(known) - 1, 0))
        same = np.zeros(len(kept), bool)
        if len(known):
            same = known.source_at[inside] == every[kept]
            same &= known.quality[inside] == qualities[kept]
            same &= _equal(known.value[inside], values[kept])
        changed = kept[fresh & ~same]
        if not len(changed):
            return None
        first = int(every[changed].min())
        self._rows = 0
        self._append(every[kept], values[kept], qualities[kept])
        return first

    def forget(self, before: int) -> None:
        """Forget what lies before an instant, but for the sample that stood then; and the oldest beyond `ROWS_MAX`."""
        first = max(0, int(np.searchsorted(self._at[: self._rows], before, side="right")) - 1, self._rows - ROWS_MAX)
        if first == 0 or (first < self._rows // 4 and self._rows <= ROWS_MAX):
            return  # Moving the rest costs more than it frees.
        for column in (self._at, self._value, self._quality):
            column[: self._rows - first] = column[first : self._rows].copy()
        self._rows -= first

    def _append(self, at: I8, value: F8, quality: U2) -> None:
        rows = self._rows + len(at)
        if rows > len(self._at):
            size = max(rows, 2 * len(self._at))
            self._at = np.concatenate((self._at, np.zeros(size - len(self._at), np.int64)))
            self._value = np.concatenate((self._value, np.zeros(size - len(self._value))))
            self._quality = np.concatenate((self._quality, np.zeros(size - len(self._quality), np.uint16)))
        self._at[self._rows : rows] = at
        self._value[self._rows : rows] = value
        self._quality[self._rows : rows] = quality
        self._rows = rows


@dataclass(slots=True)
class _Own:
    """A derived signal, and what was returned of it already."""

    derived: Derived
    said: Memory = field(default_factory=Memory)


class DerivationBook:
    """Derived signals and what they are reckoned from; used by one task at a time.

    Attributes:
        too_late: Samples by derived signal that were older than what is remembered.
        reckoned: Outcomes returned so far.
    """

    def __init__(self, derived: Iterable[Derived] = ()) -> None:
        self._own = {one.signal: _Own(one) for one in derived}
        self._readers: dict[int, list[int]] = {}
        self._keep_us: dict[int, int] = {}
        for own in self._own.values():
            for number in own.derived.formula.signals:
                self._readers.setdefault(number, []).append(own.derived.signal)
                keep = own.derived.formula.lookback_us + LATE_US
                self._keep_us[number] = max(self._keep_us.get(number, 0), keep)
        self._of = {number: Memory() for number in self._readers}
        self._known = np.array(sorted(self._readers.keys() | self._own.keys()), np.uint32)
        self.too_late: dict[int, int] = {}
        self.reckoned = 0

    def __len__(self) -> int:
        return len(self._own)

    @property
    def inputs(self) -> Mapping[int, int]:
        """Signals that are read, and for how many microseconds each is remembered."""
        return self._keep_us

    @property
    def signals(self) -> Sequence[int]:
        """The derived signals."""
        return list(self._own)

    def seed(self, stretches: Mapping[int, Stretch]) -> None:
        """Remember what history knows, of inputs and of derived signals; nothing is reckoned."""
        for number, stretch in stretches.items():
            for memory in self._memories(number):
                memory.merge(stretch.source_at, stretch.value, stretch.quality)

    def recall(self, batches: Sequence[Batch]) -> None:
        """Remember what was reckoned with already, but may not be in history yet."""
        for number, rows in _by_signal(batches, self._known):
            for memory in self._memories(number):
                memory.merge(*rows)

    def whole(self) -> list[Outcomes]:
        """Return the outcomes over what is remembered of the inputs, as if all of it had come at this moment."""
        found = [self._reckon(own.derived, self._floor(own.derived)) for own in self._own.values()]
        return [outcomes for outcomes in found if len(outcomes.at)]

    def take(self, batches: Sequence[Batch]) -> list[Outcomes]:
        """Take what was recorded, in that order; return what must now be recorded of the derived signals."""
        since: dict[int, int] = {}
        floors = {signal: self._floor(own.derived) for signal, own in self._own.items()}
        for number, rows in _by_signal(batches, self._known):
            if number in self._own:
                self._own[number].said.merge(*rows)
            memory = self._of.get(number)
            first = None if memory is None else memory.merge(*rows)
            if first is None:
                continue
            for signal in self._readers[number]:
                if first < floors[signal]:
                    late = int((rows[0] < floors[signal]).sum())
                    self.too_late[signal] = self.too_late.get(signal, 0) + late
                begin = max(first, floors[signal])
                since[signal] = min(begin, since.get(signal, begin))
        found = [self._reckon(self._own[signal].derived, begin) for signal, begin in since.items()]
        for number, memory in self._of.items():
            memory.forget(memory.newest - self._keep_us[number])
        for own in self._own.values():
            own.said.forget(own.said.newest - LATE_US)
        self.reckoned += sum(len(outcomes.at) for outcomes in found)
        return [outcomes for outcomes in found if len(outcomes.at)]

    def _floor(self, derived: Derived) -> int:
        """Return the instant from which on everything a formula looks at is remembered."""
        return max(self._of[number].newest for number in derived.formula.signals) - LATE_US

    def _reckon(self, derived: Derived, since: int) -> Outcomes:
        """Return the outcomes from an instant on that differ from what was said of the signal."""
        formula = derived.formula
        series = {
            number: Series.of_stretch(self._of[number].stretch, is_step=derived.is_step_of[number])
            for number in formula.signals
        }
        at = formula.instants(series, since, None)
        value, quality = formula.evaluate(series, at)
        said = self._own[derived.signal].said
        every = Outcomes(derived.signal, at, value, quality)
        is_said, is_news = _compared(every, said.stretch)
        news = _picked(every, is_news & (is_said | _counts(every, _stands_bad(said.stretch, since))))
        said.merge(news.at, news.value, news.quality)
        return news

    def _memories(self, number: int) -> list[Memory]:
        found = [self._of[number]] if number in self._of else []
        return [*found, self._own[number].said] if number in self._own else found


def _stands_bad(said: Stretch, at: int) -> bool:
    """Tell whether the last word before an instant was that there is no value."""
    row = int(np.searchsorted(said.source_at, at)) - 1
    return row >= 0 and bool(said.quality[row] >= QUALITY_BAD_MIN)


def _compared(outcomes: Outcomes, said: Stretch) -> tuple[Flags, Flags]:
    """Tell at which instants something was said already, and where the outcome is another."""
    if not len(said):
        return np.zeros(len(outcomes.at), bool), np.ones(len(outcomes.at), bool)
    row = np.minimum(np.searchsorted(said.source_at, outcomes.at), len(said) - 1)
    is_said = said.source_at[row] == outcomes.at
    same = is_said & (said.quality[row] == outcomes.quality)
    same &= np.isclose(said.value[row], outcomes.value, rtol=LIKE, atol=0, equal_nan=True)
    return is_said, ~same


def _equal(left: F8, right: F8) -> Flags:
    return np.asarray((left == right) | (np.isnan(left) & np.isnan(right)))


def _by_signal(batches: Sequence[Batch], known: U4) -> Iterable[tuple[int, tuple[I8, F8, U2]]]:
    """Return the rows of the signals that matter, by signal, each signal's in the order in which they came."""
    filled = [part for batch in batches if len(part := batch.rows(np.isin(batch.signal, known)))]
    if not filled:
        return
    signal, at, value, quality = (
        np.concatenate([getattr(batch, name) for batch in filled])
        for name in ("signal", "source_at", "value", "quality")
    )
    order = np.argsort(signal, kind="stable")
    bounds = np.flatnonzero(np.diff(signal[order])) + 1
    for rows in np.split(order, bounds):
        yield int(signal[rows[0]]), (at[rows], value[rows], quality[rows])
