"""The shift calendar of a site: which shift runs at a moment, and when it begins and ends.

A pattern of days repeats from an anchor date: seven days for a plain week, 28 for four crews in turns. An exception
puts other shifts in the place of one date's, or none, as on a holiday. A shift belongs to the date on which it begins,
and at any moment one shift runs or none: where an exception makes two of them meet, the later one begins on time and
ends the earlier. Times are those of the wall (`pdm_app.domain.wall_clock`), so the night shift from 22:00 to 06:00 has
seven hours in the night when the clocks go forward, and nine when they go back.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.record import CalendarDay, Facts, Id, Record, Revision
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.wall_clock import WallTime, at_wall, on_wall

CYCLE_DAYS_MAX = 56
SHIFTS_PER_DAY_MAX = 8
BREAKS_MAX = 8
EXCEPTIONS_MAX = 400
SPAN_DAYS_MAX = 800  # Of one question: two years and some, so that a year can be held against the one before.
MINUTES_PER_DAY = 24 * 60

ShiftName = Annotated[str, Field(min_length=1, max_length=40)]
Crew = Annotated[str, Field(max_length=40, description="Who works it, such as A; empty where crews have no names.")]


class ShiftBreak(Facts):
    """A break of a shift: time in which nobody expects machines to run."""

    begin: WallTime
    minutes: int = Field(ge=1, le=8 * 60)


class Shift(Facts):
    """One shift of a day; it ends on the next day where its end is not later than its begin."""

    name: ShiftName
    begin: WallTime
    end: WallTime
    crew: Crew = ""
    breaks: tuple[ShiftBreak, ...] = Field(default=(), max_length=BREAKS_MAX)

    @model_validator(mode="after")
    def _breaks_lie_inside(self) -> "Shift":
        until = self.begin_min
        for one in sorted(self.breaks, key=self.break_min):
            if self.break_min(one) < until:
                raise ValueError(f"two breaks of {self.name!r} overlap at {one.begin}")
            until = self.break_min(one) + one.minutes
        if until > self.end_min:
            raise ValueError(f"a break of {self.name!r} does not lie inside of it")
        return self

    def break_min(self, one: ShiftBreak) -> int:
        """Minutes of the wall from the midnight before the shift's begin to that of a break."""
        begin = _minutes(one.begin)
        return begin if begin >= self.begin_min else begin + MINUTES_PER_DAY

    @property
    def begin_min(self) -> int:
        """Minutes of the wall after midnight."""
        return _minutes(self.begin)

    @property
    def end_min(self) -> int:
        """Minutes of the wall after the midnight before its begin; 24 hours where begin and end are the same time."""
        end = _minutes(self.end)
        return end if end > self.begin_min else end + MINUTES_PER_DAY


class ShiftDay(Facts):
    """The shifts of one day of the pattern, in the order in which they begin."""

    shifts: tuple[Shift, ...] = Field(default=(), max_length=SHIFTS_PER_DAY_MAX)

    @model_validator(mode="after")
    def _shifts_follow_each_other(self) -> "ShiftDay":
        for earlier, later in pairwise(self.shifts):
            if later.begin_min < earlier.end_min:
                raise ValueError(f"the shift {later.name!r} begins before {earlier.name!r} has ended")
        return self


class ShiftException(Facts):
    """Another day in the place of the pattern's, on one date; without shifts the site stands still."""

    on: CalendarDay
    name: str = Field(default="", max_length=80, description="Why, such as Christmas Day.")
    day: ShiftDay = ShiftDay()


class ShiftCalendarFacts(Facts):
    """What is said of the shifts of a site."""

    anchor: CalendarDay = Field(description="A date on which the first day of the pattern falls.")
    days: tuple[ShiftDay, ...] = Field(min_length=1, max_length=CYCLE_DAYS_MAX)
    exceptions: tuple[ShiftException, ...] = Field(default=(), max_length=EXCEPTIONS_MAX)

    @field_validator("exceptions")
    @classmethod
    def _one_per_date(cls, given: tuple[ShiftException, ...]) -> tuple[ShiftException, ...]:
        by_date = {exception.on: exception for exception in given}
        if len(by_date) < len(given):
            raise ValueError("two exceptions have the same date")
        return tuple(by_date[on] for on in sorted(by_date))

    @model_validator(mode="after")
    def _days_do_not_overlap(self) -> "ShiftCalendarFacts":
        for place, day in enumerate(self.days):
            following = self.days[(place + 1) % len(self.days)]
            if day.shifts and following.shifts:
                last, first = day.shifts[-1], following.shifts[0]
                if first.begin_min + MINUTES_PER_DAY < last.end_min:
                    number = (place + 1) % len(self.days) + 1
                    raise ValueError(f"{first.name!r} of day {number} begins before {last.name!r} has ended")
        return self


class BreakSpan(Record):
    """A break of a shift that is worked once; microseconds UTC, the end excluded."""

    begin_at: int
    end_at: int


class ShiftSpan(Record):
    """A shift that is worked once, from its first moment up to, and without, its last; microseconds UTC."""

    name: str
    crew: str
    on: date = Field(description="The date to which it belongs.")
    begin_at: int
    end_at: int
    breaks: tuple[BreakSpan, ...] = ()

    @property
    def length_s(self) -> float:
        return (self.end_at - self.begin_at) / MICROS_PER_S


class ShiftCalendar(ShiftCalendarFacts):
    """The shifts of one site; its id is the site's."""

    id: Id
    site_id: Id
    revision: Revision = 0

    def day(self, on: date) -> ShiftDay:
        """Return the shifts that begin on a date."""
        for exception in self.exceptions:
            if exception.on == on:
                return exception.day
        return self.days[(on - self.anchor).days % len(self.days)]

    def spans(self, begin_at: int, end_at: int, zone: ZoneInfo) -> list[ShiftSpan]:
        """Return the shifts that touch a span, whole, in the order of time.

        Raises:
            ValueError: The span is longer than `SPAN_DAYS_MAX`.
        """
        if end_at - begin_at > SPAN_DAYS_MAX * 86_400 * MICROS_PER_S:
            raise ValueError(f"shifts are told for {SPAN_DAYS_MAX} days at once, and more were asked for")
        if end_at <= begin_at:
            return []
        first = on_wall(begin_at, zone).date() - timedelta(days=2)  # A shift may reach a day far, and be cut short.
        last = on_wall(end_at, zone).date() + timedelta(days=1)
        found = list(_cut(self._planned(first, last, zone)))
        return [span for span in found if span.begin_at < end_at and span.end_at > begin_at]

    def at(self, at: int, zone: ZoneInfo) -> ShiftSpan | None:
        """Return the shift that runs at a moment; None where the site stands still."""
        found = self.spans(at, at + 1, zone)
        return found[0] if found else None

    def newest(self, at: int, zone: ZoneInfo, days_max: int = 14) -> ShiftSpan | None:
        """Return the last shift that has ended by a moment, within so many days before it."""
        found = self.spans(at - days_max * 86_400 * MICROS_PER_S, at, zone)
        ended = [span for span in found if span.end_at <= at]
        return ended[-1] if ended else None

    def _planned(self, first: date, last: date, zone: ZoneInfo) -> Iterator[ShiftSpan]:
        on = first
        while on <= last:
            for shift in self.day(on).shifts:
                over = on + timedelta(days=shift.end_min >= MINUTES_PER_DAY)
                begin_at, end_at = at_wall(on, shift.begin, zone), at_wall(over, shift.end, zone)
                breaks = tuple(_break_spans(shift, on, zone))
                yield ShiftSpan(
                    name=shift.name, crew=shift.crew, on=on, begin_at=begin_at, end_at=end_at, breaks=breaks
                )
            on += timedelta(days=1)


class ShiftCalendars(Protocol):
    """Where the calendars are kept."""

    async def all(self) -> Sequence[ShiftCalendar]: ...
    async def get(self, site_id: str) -> ShiftCalendar | None: ...
    async def put(self, calendar: ShiftCalendar) -> None: ...


def _cut(planned: Iterator[ShiftSpan]) -> Iterator[ShiftSpan]:
    """End each shift where the next begins, and leave out what has no length then."""
    spans = [span for span in planned if span.end_at > span.begin_at]
    for span, following in pairwise([*spans, None]):
        assert span is not None  # noqa: S101 - only the last is None
        end_at = span.end_at if following is None else min(span.end_at, following.begin_at)
        if end_at > span.begin_at:
            yield span if end_at == span.end_at else _shortened(span, Micros(end_at))


def _shortened(span: ShiftSpan, end_at: Micros) -> ShiftSpan:
    kept = tuple(
        one.model_copy(update={"end_at": min(one.end_at, end_at)}) for one in span.breaks if one.begin_at < end_at
    )
    return span.model_copy(update={"end_at": end_at, "breaks": kept})


def _break_spans(shift: Shift, on: date, zone: ZoneInfo) -> Iterator[BreakSpan]:
    """Yield the breaks of a shift that begins on a date, in the order of time; as long as they are by the wall."""
    for one in sorted(shift.breaks, key=shift.break_min):
        begin_min = shift.break_min(one)
        begin_at = _at_minute(on, begin_min, zone)
        end_at = _at_minute(on, begin_min + one.minutes, zone)
        if begin_at < end_at:
            yield BreakSpan(begin_at=begin_at, end_at=end_at)


def _at_minute(on: date, minute: int, zone: ZoneInfo) -> Micros:
    days, rest = divmod(minute, MINUTES_PER_DAY)
    return at_wall(on + timedelta(days=days), f"{rest // 60:02d}:{rest % 60:02d}", zone)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
