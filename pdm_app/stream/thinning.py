"""Samples thinned out by storage rules, whole columns at a time, with a bound on the error.

`Thinning.take` is told every sample once, in the order of arrival, and returns those that are to be stored. However the
samples are cut into batches, the same ones come out. It works in turns: one row of every signal at once, so that a
thousand signals cost what one does.

The swinging door here is the strict one. It keeps, for the samples since the last stored one, the range of slopes of
lines from there that pass all of them within the bound, and takes a new sample as the end of the line only if its own
slope lies in that range. The line that is drawn therefore passes every sample that was left out within the bound; the
form that is usual compares the doors alone, and misses by up to twice the bound.

Source: Bristol, "Swinging door trending", ISA 1990; the strict end is the condition of Hale and Sellars' backslope.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, U2, Batch
from pdm_app.domain.storage_rules import Method, Plan

NEVER = -1
METHODS = tuple(Method)
CODE = {method: code for code, method in enumerate(METHODS)}
DEVICE = "pdm.storage"
B = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.number[Any])

NUMBERS = ("pivot_value", "held_value", "slope_low", "slope_high", "low_value", "high_value")
TIMES = ("seen_at", "pivot_at", "held_at", "low_at", "high_at", "interval")
SHOWS = ("held", "low", "high")


@dataclass(frozen=True, slots=True)
class _Released:
    """Samples that waited and are stored after all; ``row`` is the row that released them."""

    row: I8
    slot: I8
    source_at: I8
    value: F8
    quality: U2


class Thinning:
    """What is remembered of every signal that is thinned; columns of shape (slots,), by signal number.

    Attributes:
        thinned: Samples of each slot that were left out, those that still wait among them.
    """

    def __init__(self, plans: Mapping[int, Plan] | None = None) -> None:
        self._plans = dict(plans or {})
        self.signal: I8 = np.array(sorted(self._plans), dtype=np.int64)
        count = len(self.signal)
        self._number: dict[str, F8] = {name: np.full(count, np.nan) for name in NUMBERS}
        self._time: dict[str, I8] = {name: np.full(count, NEVER, np.int64) for name in TIMES}
        self._quality: U2 = np.zeros(count, np.uint16)
        self.thinned: I8 = np.zeros(count, np.int64)
        self._settle_plans()

    def _settle_plans(self) -> None:
        """Turn the plans into columns; a signal without one is stored in full from its next sample on."""
        whole = Plan(signal=1, rule_id="", method=Method.ALL)
        plans = [self._plans.get(number, whole) for number in self.signal.tolist()]
        self._method = np.array([CODE[plan.method] for plan in plans], np.uint8)
        self._bound = np.array([plan.bound for plan in plans], float)
        self._every_us = np.array([max(1, plan.every_us) for plan in plans], np.int64)
        self._at_least_us = np.array([plan.at_least_us for plan in plans], np.int64)
        self._peaks = np.array([plan.keep_peaks for plan in plans], bool)
        self._is_step = np.array([plan.is_step for plan in plans], bool)

    @property
    def plans(self) -> Mapping[int, Plan]:
        return self._plans

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to thin and nothing that waits."""
        return not self._plans and not self._waits().any()

    def _waits(self) -> B:
        waits: B = np.zeros(len(self.signal), bool)
        for name in SHOWS:
            waits |= self._time[f"{name}_at"] != NEVER
        return waits

    def planned(self, plans: Mapping[int, Plan]) -> "Thinning":
        """Return the same memory under other plans.

        What waits of a signal whose plan changed is stored with its next sample. A signal that is gone keeps what
        waits: it is shown on reading.
        """
        numbers = np.union1d(self.signal[self._waits()], np.array(sorted(plans), np.int64))
        new = Thinning()
        new.signal = numbers
        new._plans = dict(plans)
        old = {number: slot for slot, number in enumerate(self.signal.tolist())}
        known = np.array([old.get(number, NEVER) for number in numbers.tolist()], np.int64)
        there = known != NEVER
        new._number = {name: _carried(column, known, there, np.nan) for name, column in self._number.items()}
        new._time = {name: _carried(column, known, there, NEVER) for name, column in self._time.items()}
        new._quality = _carried(self._quality, known, there, 0)
        new.thinned = _carried(self.thinned, known, there, 0)
        new._settle_plans()
        changed = np.array([self._plans.get(n) != new._plans.get(n) for n in numbers.tolist()], bool)
        new._number["pivot_value"][changed] = np.nan
        return new

    def copy(self) -> "Thinning":
        """Return the same, so that a write that fails leaves what it began from."""
        new = Thinning()
        new.signal, new._plans = self.signal, self._plans
        new._number = {name: column.copy() for name, column in self._number.items()}
        new._time = {name: column.copy() for name, column in self._time.items()}
        new._quality, new.thinned = self._quality.copy(), self.thinned.copy()
        for name in ("_method", "_bound", "_every_us", "_at_least_us", "_peaks", "_is_step"):
            setattr(new, name, getattr(self, name))
        return new

    # --- samples ----------------------------------------------------------------------------------------------------

    def take(self, batches: Sequence[Batch]) -> list[Batch]:
        """Return what is to be stored of each batch, under its number; batches of which nothing is left are left out.

        A sample that is no newer than what was seen of its signal is stored as it is.
        """
        full = [batch for batch in batches if len(batch)]
        if not full or not len(self.signal):
            return full
        signal = np.concatenate([batch.signal for batch in full]).astype(np.int64)
        slots = np.minimum(np.searchsorted(self.signal, signal), len(self.signal) - 1)
        mine = np.flatnonzero(self.signal[slots] == signal)
        if not len(mine):
            return full
        at = np.concatenate([batch.source_at for batch in full])
        value = np.concatenate([batch.value for batch in full])
        quality = np.concatenate([batch.quality for batch in full])
        keep = np.ones(len(signal), bool)
        released: list[_Released] = []
        for rows in _turns(slots, mine):
            keep[rows], some = self._step(rows, slots[rows], at[rows], value[rows], quality[rows])
            released += some
        np.add.at(self.thinned, slots[mine[~keep[mine]]], 1)
        for one in released:
            np.subtract.at(self.thinned, one.slot, 1)
        return self._put_together(full, keep, released)

    def _step(self, rows: I8, slots: I8, at: I8, value: F8, quality: U2) -> tuple[B, list[_Released]]:
        """Take one row of each of some signals; return which are stored at once, and what they released."""
        newer = at > self._time["seen_at"][slots]
        keep = ~newer
        pivot = self._number["pivot_value"][slots]
        broken = newer & (~np.isfinite(value) | (quality != self._quality[slots]) | ~np.isfinite(pivot))
        method = self._method[slots]
        broken |= newer & (method == CODE[Method.ALL])
        released: list[_Released] = []
        if broken.any():
            released += self._release(SHOWS, rows[broken], slots[broken])
            self._begin(slots[broken], at[broken], value[broken])
            keep |= broken
        steady = newer & ~broken
        for mine, take in (
            (CODE[Method.CHANGE], self._by_change),
            (CODE[Method.DOOR], self._by_door),
            (CODE[Method.INTERVAL], self._by_interval),
        ):
            here = np.flatnonzero(steady & (method == mine))
            if len(here):
                stored, some = take(rows[here], slots[here], at[here], value[here])
                keep[here] = stored
                released += some
        self._time["seen_at"][slots[newer]] = at[newer]
        self._quality[slots[newer]] = quality[newer]
        return keep, released

    def _begin(self, slots: I8, at: I8, value: F8) -> None:
        """Note rows that are stored: from them on it is thinned anew."""
        self._time["pivot_at"][slots] = at
        self._number["pivot_value"][slots] = value
        self._number["low_value"][slots] = value
        self._number["high_value"][slots] = value
        self._number["slope_low"][slots] = -np.inf
        self._number["slope_high"][slots] = np.inf
        self._time["interval"][slots] = at // self._every_us[slots]
        for name in SHOWS:
            self._time[f"{name}_at"][slots] = NEVER

    def _hold(self, slots: I8, at: I8, value: F8, name: str = "held") -> None:
        self._time[f"{name}_at"][slots] = at
        self._number[f"{name}_value"][slots] = value

    def _release(self, names: Sequence[str], rows: I8, slots: I8) -> list[_Released]:
        """Return what waits of signals under these names, each sample once; quality is that of the last one seen."""
        found: list[_Released] = []
        said: list[I8] = []
        for name in (*names[1:], names[0]):
            at = self._time[f"{name}_at"][slots]
            waits = at != NEVER
            for other in said:
                waits &= at != other
            said.append(at)
            if waits.any():
                some = slots[waits]
                value = self._number[f"{name}_value"][some]
                found.append(_Released(rows[waits], some, at[waits], value, self._quality[some]))
        return found

    def _by_change(self, rows: I8, slots: I8, at: I8, value: F8) -> tuple[B, list[_Released]]:
        far = np.abs(value - self._number["pivot_value"][slots]) > self._bound[slots]
        due = at - self._time["pivot_at"][slots] >= self._at_least_us[slots]
        jumps = far & ~self._is_step[slots]  # The line to the new value begins where the old one was left.
        released = self._release(("held",), rows[jumps], slots[jumps])
        stored = far | due
        self._begin(slots[stored], at[stored], value[stored])
        self._hold(slots[~stored], at[~stored], value[~stored])
        return stored, released

    def _by_door(self, rows: I8, slots: I8, at: I8, value: F8) -> tuple[B, list[_Released]]:
        slope = self._slope(slots, at, value)
        fits = (slope >= self._number["slope_low"][slots]) & (slope <= self._number["slope_high"][slots])
        fits &= at - self._time["pivot_at"][slots] < self._at_least_us[slots]
        has = self._time["held_at"][slots] != NEVER
        ends = ~fits & has
        stored = ~fits & ~has
        released: list[_Released] = []
        if ends.any():
            some = slots[ends]
            released = self._release(("held",), rows[ends], some)
            self._begin(some, self._time["held_at"][some], self._number["held_value"][some])
        self._begin(slots[stored], at[stored], value[stored])
        held = ~stored
        some, at, value = slots[held], at[held], value[held]
        self._hold(some, at, value)
        for name, side, tighter in (("slope_low", -1, np.maximum), ("slope_high", 1, np.minimum)):
            reach = self._slope(some, at, value + side * self._bound[some])
            self._number[name][some] = tighter(self._number[name][some], reach)
        return stored, released

    def _slope(self, slots: I8, at: I8, value: F8) -> F8:
        slope: F8 = (value - self._number["pivot_value"][slots]) / (at - self._time["pivot_at"][slots])
        return slope

    def _by_interval(self, rows: I8, slots: I8, at: I8, value: F8) -> tuple[B, list[_Released]]:
        stored = at // self._every_us[slots] != self._time["interval"][slots]
        released = self._release(("low", "high"), rows[stored], slots[stored])
        self._begin(slots[stored], at[stored], value[stored])
        rest = ~stored
        self._hold(slots[rest], at[rest], value[rest])
        lower = rest & self._peaks[slots] & (value < self._number["low_value"][slots])
        higher = rest & self._peaks[slots] & (value > self._number["high_value"][slots])
        self._hold(slots[lower], at[lower], value[lower], "low")
        self._hold(slots[higher], at[higher], value[higher], "high")
        return stored, released

    def _put_together(self, full: Sequence[Batch], keep: B, released: Sequence[_Released]) -> list[Batch]:
        """Return the batches with the rows that stay and those that were released, in the order of both.

        A row's place in its batch depends on the samples alone, not on how they were cut, so that a replay makes the
        same rows.
        """
        starts = np.cumsum([0, *(len(batch) for batch in full)])
        found: list[Batch] = []
        row = np.concatenate([one.row for one in released]) if released else np.zeros(0, np.int64)
        parts = {
            name: np.concatenate([getattr(one, name) for one in released]) if released else np.zeros(0)
            for name in ("slot", "source_at", "value", "quality")
        }
        order = np.lexsort((parts["source_at"], row))
        row, parts = row[order], {name: column[order] for name, column in parts.items()}
        edges = np.searchsorted(row, starts)
        for place, batch in enumerate(full):
            begin, end = edges[place], edges[place + 1]
            stays = batch.rows(keep[starts[place] : starts[place + 1]])
            if begin == end:
                found += [stays] if len(stays) else []
                continue
            some = slice(begin, end)
            found.append(
                Batch(
                    device=batch.device,
                    signal=np.concatenate((stays.signal, self.signal[parts["slot"][some]].astype(np.uint32))),
                    source_at=np.concatenate((stays.source_at, parts["source_at"][some])),
                    value=np.concatenate((stays.value, parts["value"][some])),
                    quality=np.concatenate((stays.quality, parts["quality"][some].astype(np.uint16))),
                    received_at=batch.received_at,
                    seq=batch.seq,
                    text=stays.text,
                )
            )
        return found

    def waiting(self, received_at: int) -> Batch:
        """Return what is stored nowhere yet, for readers: the newest samples, and extremes of intervals."""
        slots = np.arange(len(self.signal))
        some = self._release(SHOWS, slots, slots)
        names = ("slot", "source_at", "value", "quality")
        if not some:
            nothing = np.zeros(0)
            return Batch(DEVICE, nothing.astype(np.uint32), nothing.astype(np.int64), nothing,
                         nothing.astype(np.uint16), received_at)  # type: ignore[arg-type]  # fmt: skip
        slot, at, value, quality = (np.concatenate([getattr(one, name) for one in some]) for name in names)
        return Batch(DEVICE, self.signal[slot].astype(np.uint32), at, value, quality, received_at)  # type: ignore[arg-type]

    # --- over restarts ----------------------------------------------------------------------------------------------

    def packed(self) -> bytes:
        """Return everything that is remembered, for `unpacked`."""
        file = io.BytesIO()
        columns: dict[str, NDArray[Any]] = {f"n_{name}": column for name, column in self._number.items()}
        columns |= {f"t_{name}": column for name, column in self._time.items()}
        plans = "\n".join(plan.model_dump_json() for plan in self._plans.values())
        np.savez(
            file, allow_pickle=False, signal=self.signal, quality=self._quality,
            plans=np.frombuffer(plans.encode(), np.uint8), **columns,
        )  # fmt: skip
        return file.getvalue()

    @classmethod
    def unpacked(cls, content: bytes) -> "Thinning":
        """Return what was packed.

        Raises:
            ValueError: It is damaged, or of another version.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as columns:
                words = columns["plans"].tobytes().decode()
                plans = [Plan.model_validate_json(line) for line in words.splitlines()]
                new = cls()
                new.signal, new._quality = columns["signal"], columns["quality"]
                new._plans = {plan.signal: plan for plan in plans}
                new._number = {name: np.asarray(columns[f"n_{name}"], np.float64) for name in NUMBERS}
                new._time = {name: np.asarray(columns[f"t_{name}"], np.int64) for name in TIMES}
        except (KeyError, OSError, EOFError, ValueError, BadZipFile) as error:
            raise ValueError(f"the memory of storage rules cannot be read: {error}") from error
        if {len(column) for column in (*new._number.values(), *new._time.values())} - {len(new.signal)}:
            raise ValueError("the memory of storage rules has columns of different lengths")
        new.thinned = np.zeros(len(new.signal), np.int64)
        new._settle_plans()
        return new


def _carried(column: NDArray[Number], known: I8, there: B, empty: float) -> NDArray[Number]:
    new: NDArray[Number] = np.full(len(known), empty, column.dtype)
    new[there] = column[known[there]]
    return new


def _turns(slots: I8, rows: I8) -> list[I8]:
    """Cut rows into rounds in which no signal occurs twice, each signal's rows in the order of arrival."""
    mine = slots[rows]
    order = np.argsort(mine, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(mine[order]) > 0])
    turn = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    by_turn = rows[order][np.argsort(turn, kind="stable")]
    return np.split(by_turn, np.cumsum(np.bincount(turn))[:-1])
