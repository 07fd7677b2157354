"""Who is told about which alarms: routes with their steps of escalation, and how each person can be reached."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.alarms import Alarm
from pdm_app.domain.notices import ChannelKind, NoticeLanguage
from pdm_app.domain.rationale import Priority
from pdm_app.domain.record import Facts, Id, Name, Record, Revision
from pdm_app.domain.samples import Micros
from pdm_app.domain.shifts import ShiftCalendar
from pdm_app.domain.wall_clock import WallTime, ZoneName, at_wall, on_wall

STEPS_MAX = 6
PEOPLE_MAX = 50
ROTAS_PER_STEP_MAX = 10
ROUTES_MAX = 200  # Of an installation; every alarm is held against all of its site.
Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]
SoundsTo = Annotated[int, Field(ge=0, le=4)]
Email = Annotated[str, Field(max_length=254, pattern=r"^$|^[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+$")]
Phone = Annotated[str, Field(max_length=16, pattern=r"^$|^\+[1-9][0-9]{6,14}$", description="E.164: +436601234567.")]


class RouteStep(Facts):
    """Who is told, ``after_s`` seconds after an alarm was raised and while nobody has acknowledged it."""

    after_s: float = Field(default=0, ge=0, le=7 * 86_400)
    user_ids: tuple[Id, ...] = Field(default=(), max_length=PEOPLE_MAX)
    rota_ids: tuple[Id, ...] = Field(
        default=(), max_length=ROTAS_PER_STEP_MAX, description="Who is on call when the step is due."
    )
    channels: tuple[ChannelKind, ...] = Field(min_length=1, max_length=len(ChannelKind))

    @field_validator("user_ids", "rota_ids", "channels")
    @classmethod
    def _each_once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(given))

    @model_validator(mode="after")
    def _somebody_is_told(self) -> "RouteStep":
        if not self.user_ids and not self.rota_ids:
            raise ValueError("each step names people, or a rota of those on call")
        return self


class Hours(StrEnum):
    """When an alarm has to be raised for a route to tell of it."""

    ALWAYS = "always"
    IN_SHIFTS = "in_shifts"
    OUTSIDE_SHIFTS = "outside_shifts"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a route asks about an alarm that the alarm itself does not say.

    Attributes:
        at: When it was raised; microseconds UTC.
        zone: Of its site.
        area_id: Of its machine; empty where that is not kept any more.
        alarm_class: Of its rule.
        calendar: The shifts of its site; None where none is kept.
    """

    at: int
    zone: ZoneInfo
    area_id: str = ""
    alarm_class: str = ""
    calendar: ShiftCalendar | None = None


class NoticeRouteFacts(Facts):
    """What is said of a route."""

    site_id: Id
    name: Name
    priorities: tuple[Priority, ...] = Field(default=(1, 2), min_length=1, max_length=4)
    asset_ids: tuple[Id, ...] = Field(default=(), max_length=500, description="Of these machines; empty: of every one.")
    area_ids: tuple[Id, ...] = Field(default=(), max_length=100, description="Of these areas; empty: of every one.")
    classes: tuple[Name, ...] = Field(default=(), max_length=50, description="Of rules of these classes; empty: all.")
    hours: Hours = Hours.ALWAYS
    weekdays: tuple[Weekday, ...] = Field(
        default=(), max_length=7, description="On these days at the site; empty: on all. A night is its evening's."
    )
    from_time: WallTime | None = Field(default=None, description="Only from then on, at the site.")
    to_time: WallTime | None = Field(default=None, description="Only before then, at the site.")
    steps: tuple[RouteStep, ...] = Field(min_length=1, max_length=STEPS_MAX)
    tells_return: bool = Field(
        default=False, description="Who was told is told, too, when the process is normal again."
    )
    enabled: bool = True

    @model_validator(mode="after")
    def _steps_follow_each_other(self) -> "NoticeRouteFacts":
        times = [step.after_s for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("each step must come later than the one before")
        return self

    @model_validator(mode="after")
    def _times_have_two_ends(self) -> "NoticeRouteFacts":
        if (self.from_time is None) != (self.to_time is None):
            raise ValueError("times of the day need a beginning and an end")
        if self.from_time is not None and self.from_time == self.to_time:
            raise ValueError("times of the day begin and end at different times; leave both out for the whole day")
        return self

    def asks_for(self, alarm: Alarm, found: Circumstances) -> bool:
        """Whether this route wants to know of an alarm."""
        return (
            self.enabled
            and alarm.site_id == self.site_id
            and alarm.priority in self.priorities
            and (not self.asset_ids or alarm.asset_id in self.asset_ids)
            and (not self.area_ids or found.area_id in self.area_ids)
            and (not self.classes or found.alarm_class.casefold() in {each.casefold() for each in self.classes})
            and self._is_its_time(found)
        )

    def _is_its_time(self, found: Circumstances) -> bool:
        here = on_wall(found.at, found.zone)
        clock, day = here.strftime("%H:%M"), here.date()
        if self.from_time is not None and self.to_time is not None:
            if self.from_time < self.to_time:
                is_within = self.from_time <= clock < self.to_time
            else:
                is_within = clock >= self.from_time or clock < self.to_time
                day -= timedelta(days=clock < self.to_time)
            if not is_within:
                return False
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        if self.hours is Hours.ALWAYS:
            return True
        is_worked = found.calendar is not None and found.calendar.at(found.at, found.zone) is not None
        return is_worked == (self.hours is Hours.IN_SHIFTS)


class NoticeRoute(NoticeRouteFacts):
    """Which alarms of a site are told to whom."""

    id: Id
    revision: Revision = 0


class ContactFacts(Facts):
    """How a person can be reached, and when not."""

    email: Email = ""
    phone: Phone = ""
    quiet_from: WallTime | None = Field(default=None, description="From then on only what cannot wait is told.")
    quiet_to: WallTime | None = Field(default=None, description="What has waited is told then, in one message.")
    zone: ZoneName = Field(default="UTC", description="Time zone of the quiet hours.")
    quiet_exempt: Priority = Field(default=1, description="Alarms of this priority and above are told all the same.")
    in_page: bool = Field(default=True, description="The product's pages tell them, too.")
    sounds_to: SoundsTo = Field(default=2, description="Least priority at which a page sounds; 0: none does.")
    language: NoticeLanguage = Field(default=NoticeLanguage.ENGLISH, description="Of messages.")
    local_times: bool = Field(default=False, description="Times in messages are those of their zone, not of the site.")

    @model_validator(mode="after")
    def _quiet_has_two_ends(self) -> "ContactFacts":
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet hours need a beginning and an end")
        return self

    def address(self, channel: ChannelKind) -> str:
        """Return where a channel reaches the person outside of the pages; empty where it cannot."""
        return {ChannelKind.EMAIL: self.email, ChannelKind.SMS: self.phone}.get(channel, "")

    def told_from(self, at: Micros, priority: int) -> Micros:
        """Return when something that is due ``at`` may be told: then, or when the quiet hours are over."""
        if self.quiet_from is None or self.quiet_to is None or priority <= self.quiet_exempt:
            return at
        zone = ZoneInfo(self.zone)
        here = on_wall(at, zone)
        clock = here.strftime("%H:%M")
        begin, end = self.quiet_from, self.quiet_to
        is_quiet = begin <= clock < end if begin <= end else clock >= begin or clock < end
        if not is_quiet:
            return at
        day = here.date() if clock < end else here.date() + timedelta(days=1)
        return max(at, at_wall(day, end, zone))  # Some nights have 7 or 9 hours.


class Contact(ContactFacts):
    """A person's ways of being reached."""

    id: Id = Field(description="Of the user.")
    revision: Revision = 0


class ContactView(Record):
    """A contact with the name that people know."""

    contact: Contact
    username: str
    display_name: str
