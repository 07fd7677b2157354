"""The time of a machine as intervals that follow each other without gap or overlap, with the pieces made in each.

`derived` finds them from samples alone; what people say of them is laid over them elsewhere
(`pdm_app.domain.stop_edits`). A shift is derived by itself: what goes on across its edge is two intervals, so that a
shift that is closed never changes because the next one goes on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.counters import Increments
from pdm_app.domain.machine_states import NONE_HOLDS, PLANNED_STOP, UNKNOWN, MachineState, Spells, StateRule
from pdm_app.domain.oee import Totals
from pdm_app.domain.record import Record
from pdm_app.domain.samples import F8, I8
from pdm_app.domain.start_ups import COLD, Pieces, cycle_at, start_ups, startup_scrap


@dataclass(frozen=True, slots=True)
class Interval:
    """What a machine did from one moment up to, and without, another.

    Attributes:
        may_be_minor: Whether it is a minor stop where it is short.
        reason_id: Why, if anybody knows; by the machine itself or by a person.
        by_hand: Whether a person has said so.
        made: Pieces, as are ``good``, ``scrap``, ``rework`` and ``without_cycle``.
        startup_scrap: Of the scrap, what was made before the machine had found its way after a start.
        ideal_made_s: Planned run time of those made.
        energy_kwh: What a meter of the machine counted.
        order_us: Time in which it was known which product was in work.
        in_startup: Whether it ends in such a start, which goes on.
        order_id: The order that was in work, if any is known.
    """

    begin_at: int
    end_at: int
    state: MachineState
    may_be_minor: bool = False
    reason_id: str | None = None
    by_hand: bool = False
    made: float = 0.0
    good: float = 0.0
    scrap: float = 0.0
    rework: float = 0.0
    without_cycle: float = 0.0
    ideal_made_s: float = 0.0
    ideal_good_s: float = 0.0
    startup_scrap: float = 0.0
    ideal_startup_s: float = 0.0
    energy_kwh: float = 0.0
    order_us: int = 0
    in_startup: bool = False
    order_id: str | None = None

    @property
    def length_us(self) -> int:
        return self.end_at - self.begin_at


SUMMED = (
    "made", "good", "scrap", "rework", "without_cycle", "ideal_made_s", "ideal_good_s", "startup_scrap",
    "ideal_startup_s", "energy_kwh", "order_us",
)  # fmt: skip


def derived(
    found: Spells, rules: Sequence[StateRule], pieces: Pieces, end_at: int, *, since_at: int | None = None,
    startup_pieces: int = 0, begins_cold: bool = False, orders: Sequence[tuple[int, str | None]] = (),
) -> list[Interval]:  # fmt: skip
    """Return the intervals of a span, which begins with the first spell, with the pieces counted in each.

    Pieces that were counted across time of which nothing is known belong to that time.

    Args:
        found: What held when.
        rules: Those of the spells.
        pieces: What was counted.
        end_at: Of the span, excluded.
        since_at: What a counter has grown by since an earlier moment is left out; None where all of it counts.
        startup_pieces: So many good pieces end a start; 0 where starts are not looked at.
        begins_cold: Whether the machine was cold right before the span.
        orders: Which order was in work from which moment on, none where it is None; no spell lies across a moment.
    """
    begins = found.begin_at
    unknown = found.rule == UNKNOWN
    sums = {name: np.zeros(len(begins)) for name in SUMMED if name != "order_us"}
    for kind, grown in (
        ("made", pieces.made), ("good", pieces.good), ("scrap", pieces.scrap), ("rework", pieces.rework),
        ("energy_kwh", pieces.energy),
    ):  # fmt: skip
        if grown is not None:
            if since_at is not None:
                known = grown.since_at >= since_at
                grown = Increments(grown.since_at[known], grown.at[known], grown.count[known])
            _count(sums, kind, grown, begins, unknown, pieces, end_at)
    if pieces.good is None and pieces.made is not None:
        for good, made in (("good", "made"), ("ideal_good_s", "ideal_made_s")):
            sums[good] = sums[made].copy()
        lost = sums["scrap"] + sums["rework"]
        with np.errstate(invalid="ignore", divide="ignore"):
            cycle_s = np.where(sums["made"] > 0, sums["ideal_made_s"] / sums["made"], cycle_at(pieces, begins))
        sums["good"] -= lost
        sums["ideal_good_s"] -= lost * np.nan_to_num(cycle_s)
    elif pieces.made is None and pieces.good is not None:
        sums["made"] = sums["good"] + sums["scrap"] + sums["rework"]
        sums["ideal_made_s"] = sums["ideal_good_s"] + (sums["scrap"] + sums["rework"]) * np.nan_to_num(
            cycle_at(pieces, begins)
        )
    if pieces.scrap is None and pieces.good is not None and pieces.made is not None:
        sums["scrap"] = sums["made"] - sums["good"] - sums["rework"]
    windows = start_ups(pieces, _starts(found, rules, begins_cold=begins_cold), startup_pieces, end_at)
    sums["startup_scrap"], sums["ideal_startup_s"] = startup_scrap(pieces, windows, begins, end_at)
    order_us = _order_us(pieces, begins, end_at)
    meanings = {place: _meaning(place, rules) for place in set(found.rule.tolist())}
    order_of = [order for _, order in orders]
    order_at = np.searchsorted(np.array([at for at, _ in orders], np.int64), begins, side="right") - 1
    in_work = [order_of[place] if place >= 0 else None for place in order_at.tolist()]
    edges = [*begins.tolist(), end_at]
    goes_on = [any(begin_at < until < over_at for begin_at, over_at in windows) for until in edges[1:]]
    pieces_of_each = (sums[name].tolist() for name in SUMMED if name != "order_us")
    counted = zip(*pieces_of_each, order_us.tolist(), goes_on, in_work, strict=True)
    return joined(
        Interval(begin_at, until, *meanings[place], *own)
        for begin_at, until, place, own in zip(edges[:-1], edges[1:], found.rule.tolist(), counted, strict=True)
    )


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Join neighbours that say the same, and add up what was made in them."""
    whole: list[Interval] = []
    for interval in intervals:
        last = whole[-1] if whole else None
        if last is not None and last.end_at == interval.begin_at and _alike(last, interval):
            whole[-1] = together([last, interval], last)
        else:
            whole.append(interval)
    return whole


def together(parts: Sequence[Interval], like: Interval) -> Interval:
    """Make one interval of neighbours that says what ``like`` says, with all that was made in them."""
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in SUMMED}
    last = parts[-1]
    return replace(like, begin_at=parts[0].begin_at, end_at=last.end_at, in_startup=last.in_startup, **sums)


def totals_of(intervals: Iterable[Interval], *, unscheduled_us: int = 0, began_before: bool = False) -> Totals:
    """Sum up intervals. Pieces of time of which nothing is known are left out.

    Args:
        intervals: As `edited` returns them.
        unscheduled_us: Time besides, in which no shift ran.
        began_before: The first one went on from the shift before: a breakdown there was counted then.
    """
    us = dict.fromkeys(MachineState, 0)
    sums = dict.fromkeys(SUMMED, 0.0)
    stops = minor_stops = failures = uncategorised_us = 0
    stopped: Interval | None = None  # What stood last, with nothing but planned time since.
    for place, interval in enumerate(intervals):
        state = interval.state
        us[state] += interval.length_us
        if state is MachineState.NO_DATA:
            stopped = None
            continue
        for name in SUMMED:
            sums[name] += getattr(interval, name)
        is_new = not _goes_on(stopped, interval)
        if state is not MachineState.PLANNED:
            stopped = interval
        minor_stops += state is MachineState.MINOR_STOP and is_new
        stops += state.is_stop and state not in (MachineState.MINOR_STOP, MachineState.PLANNED) and is_new
        failures += state is MachineState.DOWN and not (began_before and place == 0) and is_new
        if interval.reason_id is None and state in ASKED:
            uncategorised_us += interval.length_us
    return Totals(
        unscheduled_us=us[MachineState.UNSCHEDULED] + unscheduled_us,
        planned_us=us[MachineState.PLANNED],
        no_data_us=us[MachineState.NO_DATA],
        breakdown_us=us[MachineState.DOWN],
        setup_us=us[MachineState.SETUP],
        blocked_us=us[MachineState.BLOCKED],
        starved_us=us[MachineState.STARVED],
        idle_us=us[MachineState.IDLE],
        minor_us=us[MachineState.MINOR_STOP],
        running_us=us[MachineState.RUNNING] + us[MachineState.SLOW],
        slow_us=us[MachineState.SLOW],
        uncategorised_us=uncategorised_us,
        order_us=int(sums["order_us"]),
        stops=stops,
        minor_stops=minor_stops,
        failures=failures,
        made=sums["made"],
        good=max(sums["good"], 0.0),
        scrap=max(sums["scrap"], 0.0),
        rework=sums["rework"],
        without_cycle=sums["without_cycle"],
        ideal_made_s=sums["ideal_made_s"],
        ideal_good_s=max(sums["ideal_good_s"], 0.0),
        startup_scrap=min(max(sums["startup_scrap"], 0.0), max(sums["scrap"], 0.0)),
        ideal_startup_s=max(min(sums["ideal_startup_s"], sums["ideal_made_s"] - max(sums["ideal_good_s"], 0.0)), 0.0),
        energy_kwh=sums["energy_kwh"] or None,
    )


def _goes_on(stopped: Interval | None, interval: Interval) -> bool:
    """Whether a stop is the one before it, which a break or a change of order has parted from it."""
    if stopped is None or (stopped.state, stopped.reason_id) != (interval.state, interval.reason_id):
        return False
    return stopped.end_at < interval.begin_at or stopped.order_id != interval.order_id


ASKED = (MachineState.DOWN, MachineState.IDLE)
"""States whose reason is asked for; the others are their own reason."""


class ReasonTotal(Record):
    """Time lost for one reason in one kind of time; ``reason_id`` None: nobody has said why."""

    state: MachineState
    reason_id: str | None
    us: int
    count: int


def by_reason(intervals: Iterable[Interval]) -> list[ReasonTotal]:
    """Return the stops summed by kind and reason, the longest first."""
    sums: dict[tuple[MachineState, str | None], tuple[int, int]] = {}
    for interval in intervals:
        if interval.state.is_stop:
            key = (interval.state, interval.reason_id)
            us, count = sums.get(key, (0, 0))
            sums[key] = (us + interval.length_us, count + 1)
    totals = [
        ReasonTotal(state=state, reason_id=reason, us=us, count=count) for (state, reason), (us, count) in sums.items()
    ]
    return sorted(totals, key=lambda total: (-total.us, total.state, total.reason_id or ""))


# --- deriving -------------------------------------------------------------------------------------------------------


def _starts(found: Spells, rules: Sequence[StateRule], *, begins_cold: bool) -> list[int]:
    """Return when the machine came out of a state in which it forgets how to make good pieces."""
    starts, was_cold = [], begins_cold
    for begin_at, place in zip(found.begin_at.tolist(), found.rule.tolist(), strict=True):
        is_cold = place == PLANNED_STOP or (place >= 0 and rules[place].state in COLD)
        if was_cold and not is_cold and place != UNKNOWN:
            starts.append(begin_at)
        was_cold = is_cold
    return starts


def _meaning(place: int, rules: Sequence[StateRule]) -> tuple[MachineState, bool, str | None, bool]:
    """Return what a rule says: state, whether it may be a minor stop, reason, and that no person said so."""
    if place == UNKNOWN:
        return MachineState.NO_DATA, False, None, False
    if place == PLANNED_STOP:
        return MachineState.PLANNED, False, None, False
    if place == NONE_HOLDS:
        return MachineState.IDLE, True, None, False
    rule = rules[place]
    stands = rule.state.is_stop
    return rule.state, rule.may_be_minor and stands, rule.reason_id if stands else None, False


def _count(
    sums: dict[str, F8], kind: str, grown: Increments, begins: I8, unknown: NDArray[np.bool_],
    pieces: Pieces, end_at: int,
) -> None:  # fmt: skip
    """Add what a counter counted to the interval in which it was read."""
    inside = (grown.at >= begins[0]) & (grown.at < end_at) & np.isfinite(grown.count)
    at, since, count = grown.at[inside], grown.since_at[inside], grown.count[inside]
    place = np.searchsorted(begins, at, side="right") - 1
    first = np.clip(np.searchsorted(begins, since, side="right") - 1, 0, None)
    before = np.concatenate([[0], np.cumsum(unknown)])
    blind = before[place] - before[np.minimum(first, place)] > 0
    # The last of the unknown intervals that the increment spans.
    latest = np.maximum.accumulate(np.where(unknown, np.arange(len(unknown)), -1))
    place = np.where(blind, latest[np.clip(place - 1, 0, None)], place)
    np.add.at(sums[kind], place, count)
    if kind in ("made", "good"):  # A meter has no cycle, and lost pieces have that of those made.
        cycle_s = cycle_at(pieces, at)
        missing = np.isnan(cycle_s)
        np.add.at(sums[f"ideal_{kind}_s"], place, np.where(missing, 0.0, count * np.nan_to_num(cycle_s)))
        if kind == "made" or pieces.made is None:
            np.add.at(sums["without_cycle"], place, np.where(missing, count, 0.0))


def _order_us(pieces: Pieces, begins: I8, end_at: int) -> I8:
    """Return how much of each interval a known product was in work."""
    if not len(pieces.product_at):
        return np.zeros(len(begins), np.int64)
    edges = np.append(begins, end_at)
    lengths = np.diff(np.append(pieces.product_at, max(end_at, int(pieces.product_at[-1])))) * pieces.is_known
    sums = np.concatenate([[0], np.cumsum(lengths)])
    place = np.clip(np.searchsorted(pieces.product_at, edges, side="right") - 1, 0, None)
    into = np.clip(edges - pieces.product_at[place], 0, None) * pieces.is_known[place]
    return np.diff(sums[place] + into).astype(np.int64)


def _alike(one: Interval, other: Interval) -> bool:
    return (one.state, one.may_be_minor, one.reason_id, one.order_id) == (
        other.state, other.may_be_minor, other.reason_id, other.order_id
    )  # fmt: skip


def covers_once(intervals: Sequence[Interval], begin_at: int, end_at: int) -> bool:
    """Whether intervals cover a span without gap or overlap."""
    if not intervals:
        return begin_at == end_at
    meets = all(one.end_at == other.begin_at for one, other in pairwise(intervals))
    lasts = all(one.length_us > 0 for one in intervals)
    return meets and lasts and intervals[0].begin_at == begin_at and intervals[-1].end_at == end_at
