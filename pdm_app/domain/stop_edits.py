"""What people say of stops: why, where one stop is two, and where several are one; and of pieces that nothing counted.

It is kept apart from what was derived, and laid over it again whenever that is derived anew, so that late samples move
the edge of a stop and its reason stays.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.production_intervals import SUMMED, Interval, together
from pdm_app.domain.record import Facts, Finite, Id, Instant, Text

EDITS_MAX = 2_000
"""Of one shift of a machine."""

Counted = Annotated[float, Field(gt=0, le=10_000_000, allow_inf_nan=False)]


class EditKind(StrEnum):
    """What a person says of a stop, or of what was made."""

    REASON = "reason"
    CUT = "cut"
    MERGE = "merge"
    COUNT = "count"


class CountKind(StrEnum):
    """What pieces are that a person counts; found scrap was counted as good before, the others by nobody."""

    GOOD = "good"
    SCRAP = "scrap"
    REWORK = "rework"
    FOUND_SCRAP = "found_scrap"


class StopEditFacts(Facts):
    """One thing said of stops, or of pieces.

    A reason is said of the stop that holds at ``at``, however its edges move; a cut parts it there; a merge makes one
    stop of all that lies between ``at`` and ``until``, short runs included, and of the stops that hold at both. Pieces
    that are counted by hand belong to what the machine did at ``at``.
    """

    kind: EditKind
    at: Instant
    until: Instant | None = Field(default=None, description="Of a merge.")
    reason_id: Id | None = Field(default=None, description="Of a reason.")
    counted: CountKind | None = Field(default=None, description="Of a count.")
    pieces: Counted | None = Field(default=None, description="Of a count.")
    product_id: Id | None = Field(default=None, description="Of a count, where the machine makes several.")
    note: Text = ""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "StopEditFacts":
        if (self.kind is EditKind.MERGE) != (self.until is not None):
            raise ValueError("a merge has an until, and nothing else has one")
        if self.until is not None and self.until <= self.at:
            raise ValueError("until must be after at")
        if (self.kind is EditKind.REASON) != (self.reason_id is not None):
            raise ValueError("a reason has a reason_id, and nothing else has one")
        counts = self.counted is not None and self.pieces is not None
        if counts is not (self.kind is EditKind.COUNT) or (self.counted is None) is not (self.pieces is None):
            raise ValueError("a count has counted and pieces, and nothing else has them")
        if self.product_id is not None and not counts:
            raise ValueError("only a count has a product_id")
        return self


class StopEdit(StopEditFacts):
    """An edit that is kept; ids sort by age.

    ``cycle_s`` is the ideal cycle of the pieces that are counted, as it was in force; None where none is known.
    """

    id: Id
    site_id: Id
    asset_id: Id
    shift_id: Id
    said_at: int
    said_by: str = Field(max_length=120)
    cycle_s: Finite | None = None
    is_undone: bool = False


def edited(
    intervals: Sequence[Interval],
    edits: Iterable[StopEdit],
    states: Mapping[str, MachineState],
    minor_us: int,
) -> list[Interval]:
    """Lay what people have said over what was derived, and name short stops by their length.

    Args:
        intervals: Of one span, without gap or overlap.
        edits: In any order; what was undone is left out, and of two reasons the younger counts.
        states: The kind of time that each reason is.
        minor_us: Stops shorter than this are minor, where they may be.
    """
    standing = sorted((edit for edit in edits if not edit.is_undone), key=lambda edit: edit.id)
    whole = list(intervals)
    for edit in standing:
        if edit.kind is EditKind.MERGE and edit.until is not None:
            whole = _merged(whole, edit.at, edit.until)
    for edit in standing:
        if edit.kind is EditKind.CUT:
            whole = _cut(whole, edit.at)
    for edit in standing:
        if edit.kind is EditKind.REASON and edit.reason_id is not None:
            whole = _reasoned(whole, edit.at, edit.reason_id, states)
    for edit in standing:
        if edit.kind is EditKind.COUNT:
            whole = _counted(whole, edit)
    return [_named(interval, minor_us) for interval in whole]


def _place(intervals: Sequence[Interval], at: int) -> int | None:
    place = bisect_right(intervals, at, key=lambda interval: interval.begin_at) - 1
    return place if place >= 0 and at < intervals[place].end_at else None


def _merged(intervals: list[Interval], begin_at: int, end_at: int) -> list[Interval]:
    first, last = _place(intervals, begin_at), _place(intervals, end_at - 1)
    if first is None or last is None or first == last:
        return intervals
    parts = intervals[first : last + 1]
    if any(part.state in (MachineState.NO_DATA, MachineState.UNSCHEDULED) for part in parts):
        return intervals  # What is not known was no stop.
    stops = [part for part in parts if part.state.is_stop]
    if not stops:
        return intervals
    longest = max(stops, key=lambda part: part.length_us)
    return [*intervals[:first], replace(together(parts, longest), by_hand=True), *intervals[last + 1 :]]


def _cut(intervals: list[Interval], at: int) -> list[Interval]:
    place = _place(intervals, at)
    if place is None or not intervals[place].state.is_stop or intervals[place].begin_at == at:
        return intervals
    whole = intervals[place]
    nothing: dict[str, Any] = dict.fromkeys(SUMMED, 0.0)
    order_us = whole.order_us * (at - whole.begin_at) // whole.length_us
    earlier = replace(whole, end_at=at, by_hand=True, order_us=order_us)
    later = replace(whole, begin_at=at, by_hand=True, **{**nothing, "order_us": whole.order_us - order_us})
    return [*intervals[:place], earlier, later, *intervals[place + 1 :]]


def _reasoned(intervals: list[Interval], at: int, reason_id: str, states: Mapping[str, MachineState]) -> list[Interval]:
    place = _place(intervals, at)
    if place is None or not intervals[place].state.is_stop:
        return intervals
    stop = intervals[place]
    state = states.get(reason_id, stop.state)
    minor = stop.may_be_minor and state not in (MachineState.SETUP, MachineState.PLANNED)
    said = replace(stop, state=state, reason_id=reason_id, by_hand=True, may_be_minor=minor)
    return [*intervals[:place], said, *intervals[place + 1 :]]


def _counted(intervals: list[Interval], edit: StopEdit) -> list[Interval]:
    place = _place(intervals, edit.at)
    pieces = edit.pieces
    if place is None or pieces is None:
        return intervals
    holds = intervals[place]
    ideal_s = pieces * (edit.cycle_s or 0.0)
    if edit.counted is CountKind.FOUND_SCRAP:
        after = replace(
            holds, good=holds.good - pieces, scrap=holds.scrap + pieces, ideal_good_s=holds.ideal_good_s - ideal_s
        )
    else:
        is_good = edit.counted is CountKind.GOOD
        after = replace(
            holds,
            made=holds.made + pieces,
            good=holds.good + pieces * is_good,
            scrap=holds.scrap + pieces * (edit.counted is CountKind.SCRAP),
            rework=holds.rework + pieces * (edit.counted is CountKind.REWORK),
            without_cycle=holds.without_cycle + pieces * (edit.cycle_s is None),
            ideal_made_s=holds.ideal_made_s + ideal_s,
            ideal_good_s=holds.ideal_good_s + ideal_s * is_good,
        )
    return [*intervals[:place], after, *intervals[place + 1 :]]


def _named(interval: Interval, minor_us: int) -> Interval:
    if interval.may_be_minor and interval.state.is_stop and interval.length_us < minor_us:
        return replace(interval, state=MachineState.MINOR_STOP)
    return interval
