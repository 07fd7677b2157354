"""Alarm rules as columns, so that a batch is judged by a handful of array operations.

Of thousands of samples only a few can change the state of a rule: those beyond a limit while its alarm is off, those
back within it while the alarm is on, and all samples of a rule whose delay runs or whose condition looks back.
`suspects` finds these; the reference `pdm_app.domain.alarm_steps.step` decides them one by one. For all others only the
time up to which the rule was judged moves on, which is a column too.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.alarm_steps import deadline
from pdm_app.domain.alarms import AlarmRule, RuleMemory
from pdm_app.domain.conditions.base import Band
from pdm_app.domain.samples import (
    I8,
    QUALITY_BAD_MIN,
    QUALITY_UNCERTAIN_MIN,
    Batch,
    Micros,
    Quality,
    Sample,
    SignalId,
)

NEVER = np.iinfo(np.int64).max
NO_BAND = Band(1.0, np.inf, -np.inf)  # Nothing lies beyond it; its rule is looked at sample by sample.


class AlarmColumns:
    """Rules ordered by signal; a rule is its index into every column.

    Args:
        rules: The rules in force.
        memories: Their memories, in the same order.
        now: From here on silence counts for delays that were running already, in microseconds UTC.
    """

    def __init__(self, rules: Sequence[AlarmRule], memories: Sequence[RuleMemory], now: Micros) -> None:
        order = sorted(range(len(rules)), key=lambda index: (rules[index].signal_id, rules[index].id))
        self.rules = [rules[index] for index in order]  # Kept near the signals they judge.
        self._memories = [memories[index] for index in order]
        bands = [rule.condition.band() or NO_BAND for rule in self.rules]
        self._looks_back = np.array([rule.condition.band() is None for rule in self.rules], dtype=bool)
        self._reads_others = np.array([bool(rule.condition.inputs()) for rule in self.rules], dtype=bool)
        self._sign = np.array([band.sign for band in bands], dtype=np.float64)
        self._abnormal_above = np.array([band.abnormal_above for band in bands], dtype=np.float64)
        self._normal_below = np.array([band.normal_below for band in bands], dtype=np.float64)
        self._is_active = np.zeros(len(rules), dtype=bool)
        self._is_busy = np.zeros(len(rules), dtype=bool)  # a delay runs, or is held by bad quality
        self._is_dirty = np.zeros(len(rules), dtype=bool)  # judged further than its memory was last saved
        self._evaluated_to = np.zeros(len(rules), dtype=np.int64)
        self._heard_at = np.full(len(rules), now, dtype=np.int64)
        self._deadline = np.full(len(rules), NEVER, dtype=np.int64)
        self._shelved_until = np.full(len(rules), NEVER, dtype=np.int64)
        for index, memory in enumerate(self._memories):
            self._mirror(index, memory)
        reads = sorted(
            (signal, index)
            for index, rule in enumerate(self.rules)
            for signal in {rule.signal_id, *rule.condition.inputs()}
        )
        self._rule_of_read = np.array([index for _, index in reads], dtype=np.intp)
        signal_of_read = np.array([signal for signal, _ in reads], dtype=np.uint32)
        self._signals, self._first, self._count = np.unique(signal_of_read, return_index=True, return_counts=True)
        self._one_each = bool((self._count == 1).all())

    def memory(self, index: int) -> RuleMemory:
        """Return the memory of a rule, up to date."""
        memory = self._memories[index]
        evaluated_to = int(self._evaluated_to[index])
        if memory.evaluated_to != evaluated_to:
            memory = self._memories[index] = memory.model_copy(update={"evaluated_to": evaluated_to})
        return memory

    def remember(self, index: int, memory: RuleMemory) -> None:
        """Replace the memory of a rule."""
        self._memories[index] = memory
        self._mirror(index, memory)
        self._is_dirty[index] = True

    def _mirror(self, index: int, memory: RuleMemory) -> None:
        self._is_active[index] = memory.is_abnormal
        self._is_busy[index] = memory.delay_runs
        self._shelved_until[index] = NEVER if memory.shelved_until is None else memory.shelved_until
        self._evaluated_to[index] = memory.evaluated_to
        end = deadline(self.rules[index], memory)
        self._deadline[index] = NEVER if end is None else end

    def suspects(self, batch: Batch) -> Iterator[tuple[int, Sample]]:
        """Judge a batch: yield, in order of arrival, each rule and sample that `step` must decide.

        All samples of a rule are yielded as soon as one of them matters. The caller stores the outcome with `remember`
        before it takes the next. Everything else is settled when the first is yielded.
        """
        if not len(batch) or not self.rules:
            return
        row, rule = self._pairs(batch)
        at = batch.source_at[row]
        newer = (at > self._evaluated_to[rule]) | self._reads_others[rule]
        if not newer.all():
            row, rule, at = row[newer], rule[newer], at[newer]
        if not row.size:
            return
        self._heard_at[rule] = batch.received_at
        self._is_dirty[rule] = True
        x = self._sign[rule] * batch.value[row]
        calls = np.where(self._is_active[rule], x < self._normal_below[rule], x > self._abnormal_above[rule])
        matters = calls & np.isfinite(x) & (batch.quality[row] < QUALITY_BAD_MIN)
        matters |= self._is_busy[rule] | self._looks_back[rule]
        if not matters.any():
            np.maximum.at(self._evaluated_to, rule, at)
            return
        is_suspect = np.zeros(len(self.rules), dtype=bool)
        is_suspect[rule[matters]] = True
        chosen = is_suspect[rule]
        np.maximum.at(self._evaluated_to, rule[~chosen], at[~chosen])
        for index, chosen_row in zip(rule[chosen].tolist(), row[chosen].tolist(), strict=True):
            yield index, _sample(batch, chosen_row)

    def _pairs(self, batch: Batch) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return every (row, rule) of the batch that belong together, shape (pairs,) each, ordered by row."""
        place = np.searchsorted(self._signals, batch.signal.astype(np.uint32, copy=False))
        place[place == len(self._signals)] = 0
        row = np.flatnonzero(self._signals[place] == batch.signal)
        place = place[row]
        if self._one_each:
            return row, self._rule_of_read[self._first[place]]
        count = self._count[place]
        pairs = np.repeat(np.arange(len(row)), count)
        within = np.arange(len(pairs)) - np.repeat(np.cumsum(count) - count, count)
        return row[pairs], self._rule_of_read[self._first[place][pairs] + within]

    def overdue(self, now: Micros, allowance_us: int) -> list[tuple[int, Micros]]:
        """Return the rules whose delay is over by the clock, each with the horizon for `tick`.

        While a signal is silent its source clock is taken to run on like ours: at ``now`` it shows the source time of
        its newest sample plus the time since that was received. ``allowance_us`` is taken off for samples still under
        way; it covers the difference in transport time between two samples of a signal. Of a signal that never said
        anything our own clock is taken.
        """
        waiting = np.flatnonzero(self._deadline != NEVER)
        if not waiting.size:
            return []
        heard = self._evaluated_to[waiting]
        source_now = np.where(heard > 0, heard + (now - self._heard_at[waiting]), now)
        horizon = source_now - allowance_us
        over = self._deadline[waiting] < horizon
        return [(index, Micros(at)) for index, at in zip(waiting[over].tolist(), horizon[over].tolist(), strict=True)]

    def shelved_too_long(self, now: Micros) -> list[int]:
        """Return the rules whose shelving is over by the clock."""
        return [int(index) for index in np.flatnonzero(self._shelved_until <= now)]

    def take_dirty(self) -> I8:
        """Return the rules judged further than they were saved, and take them for saved."""
        dirty = np.flatnonzero(self._is_dirty)
        self._is_dirty[dirty] = False
        return dirty

    def mark_all(self) -> None:
        """Take every rule for judged further than it was saved."""
        self._is_dirty[:] = True

    def put_back(self, dirty: I8) -> None:
        """Undo `take_dirty`: the saving has failed."""
        self._is_dirty[dirty] = True

    @property
    def delays_running(self) -> int:
        return int(self._is_busy.sum())


def _sample(batch: Batch, row: int) -> Sample:
    code = int(batch.quality[row])
    quality = _QUALITY_OF[code] if code in _QUALITY_OF else _quality(code)
    return Sample(SignalId(int(batch.signal[row])), float(batch.value[row]), quality, Micros(int(batch.source_at[row])))


_QUALITY_OF = {int(quality): quality for quality in Quality}


def _quality(code: int) -> Quality:
    """Return the severity of a code whose reason is not known here."""
    if code >= QUALITY_BAD_MIN:
        return Quality.BAD
    return Quality.UNCERTAIN if code >= QUALITY_UNCERTAIN_MIN else Quality.GOOD
