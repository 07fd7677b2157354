"""Who is told about which alarms: routes with their steps of escalation, and how each person can be reached."""

from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.alarms import Alarm
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.rationale import Priority
from pdm_app.domain.record import Facts, Id, Name, Record, Revision
from pdm_app.domain.samples import MICROS_PER_S, Micros, moment

STEPS_MAX = 6
PEOPLE_MAX = 50
ROUTES_MAX = 200  # Of an installation; every alarm is held against all of its site.
WallTime = Annotated[str, Field(max_length=5, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Email = Annotated[str, Field(max_length=254, pattern=r"^$|^[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+$")]
Phone = Annotated[str, Field(max_length=16, pattern=r"^$|^\+[1-9][0-9]{6,14}$", description="E.164: +436601234567.")]


class RouteStep(Facts):
    """Who is told, ``after_s`` seconds after an alarm was raised and while nobody has acknowledged it."""

    after_s: float = Field(default=0, ge=0, le=7 * 86_400)
    user_ids: tuple[Id, ...] = Field(min_length=1, max_length=PEOPLE_MAX)
    channels: tuple[ChannelKind, ...] = Field(min_length=1, max_length=len(ChannelKind))

    @field_validator("user_ids", "channels")
    @classmethod
    def _each_once(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(given))


class NoticeRouteFacts(Facts):
    """What is said of a route."""

    site_id: Id
    name: Name
    priorities: tuple[Priority, ...] = Field(default=(1, 2), min_length=1, max_length=4)
    asset_ids: tuple[Id, ...] = Field(default=(), max_length=500, description="Of these machines; empty: of every one.")
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

    def asks_for(self, alarm: Alarm) -> bool:
        """Whether this route wants to know of an alarm."""
        return (
            self.enabled
            and alarm.site_id == self.site_id
            and alarm.priority in self.priorities
            and (not self.asset_ids or alarm.asset_id in self.asset_ids)
        )


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
    zone: str = Field(default="UTC", max_length=60, description="Time zone of the quiet hours.")
    quiet_exempt: Priority = Field(default=1, description="Alarms of this priority and above are told all the same.")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("is no time zone of the IANA list, such as Europe/Vienna")
        return zone

    @model_validator(mode="after")
    def _quiet_has_two_ends(self) -> "ContactFacts":
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet hours need a beginning and an end")
        return self

    def address(self, channel: ChannelKind) -> str:
        """Return where a channel reaches the person; empty where it cannot."""
        return {ChannelKind.EMAIL: self.email, ChannelKind.SMS: self.phone}.get(channel, "")

    def told_from(self, at: Micros, priority: int) -> Micros:
        """Return when something that is due ``at`` may be told: then, or when the quiet hours are over."""
        if self.quiet_from is None or self.quiet_to is None or priority <= self.quiet_exempt:
            return at
        begin, end = time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_to)
        zone = ZoneInfo(self.zone)
        here = moment(at).astimezone(zone)
        clock = here.time()
        is_quiet = begin <= clock < end if begin <= end else clock >= begin or clock < end
        if not is_quiet:
            return at
        day = here.date() if clock < end else here.date() + timedelta(days=1)
        over = datetime.combine(day, end, zone)  # By the clock on the wall: some nights have 7 or 9 hours.
        return Micros(max(at, round(over.timestamp() * MICROS_PER_S)))


class Contact(ContactFacts):
    """A person's ways of being reached."""

    id: Id = Field(description="Of the user.")
    revision: Revision = 0


class ContactView(Record):
    """A contact with the name that people know."""

    contact: Contact
    username: str
    display_name: str
