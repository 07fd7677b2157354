"""Of which time a report tells: the last whole shift, day, week or month before it is made, by the wall of the site."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from pdm_app.domain.record import Record
from pdm_app.domain.reports import ReportPeriod
from pdm_app.domain.samples import Micros
from pdm_app.domain.shifts import ShiftCalendar
from pdm_app.domain.wall_clock import at_wall, on_wall

MIDNIGHT = "00:00"


class ReportSpan(Record):
    """A time from its first moment up to, and without, its last; microseconds UTC."""

    start_at: int
    end_at: int
    words: str


def span_before(period: ReportPeriod, at: int, zone: ZoneInfo, calendar: ShiftCalendar | None) -> ReportSpan | None:
    """Return the last whole period that has ended by a moment; None where no shift has.

    Args:
        period: Its length.
        at: The moment; microseconds UTC.
        zone: Of the site.
        calendar: Of the site, where it has one.
    """
    if period is ReportPeriod.SHIFT:
        shift = calendar.newest(at, zone) if calendar is not None else None
        if shift is None:
            return None
        crew = f" (crew {shift.crew})" if shift.crew else ""
        words = f"{shift.name}{crew}, {_between(shift.begin_at, shift.end_at, zone)}"
        return ReportSpan(start_at=shift.begin_at, end_at=shift.end_at, words=words)
    first, last = _days(period, on_wall(at, zone).date())
    start_at, end_at = at_wall(first, MIDNIGHT, zone), at_wall(last, MIDNIGHT, zone)
    return ReportSpan(start_at=start_at, end_at=end_at, words=_between(start_at, end_at, zone))


def _days(period: ReportPeriod, today: date) -> tuple[date, date]:
    """Return the first day of the period, and the first one after it."""
    if period is ReportPeriod.DAY:
        return today - timedelta(days=1), today
    if period is ReportPeriod.WEEK:
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(days=7), monday
    first = today.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), first


def wall_words(at: int, zone: ZoneInfo) -> str:
    """Write a moment as the wall of a zone shows it."""
    return on_wall(Micros(at), zone).strftime("%Y-%m-%d %H:%M:%S")


def _between(start_at: int, end_at: int, zone: ZoneInfo) -> str:
    first, last = on_wall(start_at, zone), on_wall(end_at, zone)
    return f"{first:%a %Y-%m-%d %H:%M} – {last:%a %Y-%m-%d %H:%M} {zone.key}"
