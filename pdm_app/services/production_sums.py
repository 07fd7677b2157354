"""Sums of machines over a time, made of whole shifts so that they add up, and reconciled with the calendar.

A time is made of the shifts that begin in it: a week is the sum of its days, whatever goes on across midnight. Time of
a shift of which nothing is stored is time without data, and what lies between shifts is unscheduled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pdm_app.domain.oee import Totals, added
from pdm_app.domain.production_shifts import ShiftSums
from pdm_app.domain.shifts import ShiftCalendar


@dataclass(frozen=True, slots=True)
class Reach:
    """A time as it is counted: from the first beginning of a shift in it to the last end, or to now.

    Attributes:
        begin_at: Microseconds UTC.
        end_at: Excluded; not after now.
        shifts: Beginning and end of the shifts in it, so far as they lie before now.
    """

    begin_at: int
    end_at: int
    shifts: tuple[tuple[int, int], ...]


def reach(calendar: ShiftCalendar | None, zone: ZoneInfo, begin_at: int, end_at: int, now: int) -> Reach:
    """Move the edges of a time to those of shifts: one that runs at an edge belongs where it begins.

    Raises:
        ValueError: The time is longer than a calendar tells.
    """
    spans = [] if calendar is None else calendar.spans(begin_at, end_at, zone)
    first = next((span.end_at for span in spans if span.begin_at < begin_at), begin_at)
    inside = [span for span in spans if begin_at <= span.begin_at < end_at]
    last = max([end_at, *(span.end_at for span in inside)])
    counted = tuple((span.begin_at, min(span.end_at, now)) for span in inside if span.begin_at < now)
    first = min(first, now)
    return Reach(first, max(min(last, now), first), counted)


def machine_totals(shifts: Sequence[ShiftSums], of: Reach) -> Totals:
    """Return the sums of one machine: its shifts, time without data, and time without shifts.

    Args:
        shifts: Of the machine, those that begin in the time, in order.
        of: The time.
    """
    begun = [shift for shift in shifts if of.begin_at <= shift.begin_at < of.end_at]
    told_us = sum(shift.totals.calendar_us for shift in begun)
    untold_us = sum(_untold(begin_at, end_at, begun) for begin_at, end_at in of.shifts)
    whole_us = of.end_at - of.begin_at
    unscheduled_us = max(whole_us - told_us - untold_us, 0)
    return added([*(shift.totals for shift in begun), Totals(no_data_us=untold_us, unscheduled_us=unscheduled_us)])


def together(machines: Mapping[str, Totals], rated_by: Sequence[str]) -> Totals:
    """Return the sums of the machines by which a line is rated."""
    return added(machines[asset_id] for asset_id in rated_by)


def _untold(begin_at: int, end_at: int, shifts: Sequence[ShiftSums]) -> int:
    """Return how much of a span none of the shifts tells of."""
    left_us = end_at - begin_at
    for shift in shifts:
        left_us -= max(min(end_at, shift.begin_at + shift.totals.calendar_us) - max(begin_at, shift.begin_at), 0)
    return max(left_us, 0)
