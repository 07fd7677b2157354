"""When a report is made: a standing date such as every Monday 06:30 by the clock of a site, and the next ones.

In the night when clocks go forward a time that the wall skips means the moment of the change, and one that it shows
twice in autumn means the first of the two, as everywhere in the plant's time (`pdm_app.domain.wall_clock`); so a report
comes once a day on every day of the year.
"""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from pdm_app.domain.record import Facts
from pdm_app.domain.samples import Micros
from pdm_app.domain.wall_clock import WallTime, ZoneName, at_wall, on_wall

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
RUNS_SHOWN_MAX = 10
MONTH_DAYS_MAX = 31


Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]


class Rhythm(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Schedule(Facts):
    """A standing date."""

    rhythm: Rhythm
    at: WallTime
    zone: ZoneName
    weekdays: tuple[Weekday, ...] = Field(default=(), max_length=7, description="Of a weekly one.")
    day: int | None = Field(
        default=None, ge=1, le=MONTH_DAYS_MAX, description="Of a monthly one; the last day where a month is shorter."
    )

    @model_validator(mode="after")
    def _says_on_which_days(self) -> "Schedule":
        if (self.rhythm is Rhythm.WEEKLY) != bool(self.weekdays):
            raise ValueError("a weekly date needs weekdays, and no other one has any")
        if (self.rhythm is Rhythm.MONTHLY) != (self.day is not None):
            raise ValueError("a monthly date needs a day of the month, and no other one has any")
        if len(set(self.weekdays)) < len(self.weekdays):
            raise ValueError("a weekday is named twice")
        return self

    @property
    def words(self) -> str:
        """The date as people say it."""
        when = f"{self.at} {self.zone}"
        if self.rhythm is Rhythm.DAILY:
            return f"every day {when}"
        if self.rhythm is Rhythm.MONTHLY:
            return f"on day {self.day} of every month {when}"
        if sorted(self.weekdays) == [0, 1, 2, 3, 4]:
            return f"every weekday {when}"
        return f"every {_listed([WEEKDAYS[weekday] for weekday in sorted(self.weekdays)])} {when}"

    def after(self, at: int) -> Iterator[Micros]:
        """Return the moments after ``at``, without it, in the order of time, for ever."""
        zone = ZoneInfo(self.zone)
        on = on_wall(at, zone).date() - timedelta(days=1)  # The wall of another zone may be a day behind.
        while on < date.max:
            if self._is_on(on):
                moment = at_wall(on, self.at, zone)
                if moment > at:
                    yield moment
            on += timedelta(days=1)

    def next(self, at: int, count: int = 3) -> tuple[Micros, ...]:
        """Return the next moments after ``at``."""
        return tuple(islice(self.after(at), min(count, RUNS_SHOWN_MAX)))

    def newest(self, since: int, until: int) -> tuple[Micros, int] | None:
        """Return the last moment after ``since`` and up to ``until``, and how many before it are left out.

        None where there is none. What was missed while nobody was there to make it is made once, not each.
        """
        found: Micros | None = None
        missed = -1
        for moment in self.after(since):
            if moment > until:
                break
            found, missed = moment, missed + 1
        return None if found is None else (found, missed)

    def _is_on(self, on: date) -> bool:
        if self.rhythm is Rhythm.DAILY:
            return True
        if self.rhythm is Rhythm.WEEKLY:
            return on.weekday() in self.weekdays
        last = calendar.monthrange(on.year, on.month)[1]
        return on.day == min(self.day or 1, last)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
