"""What the clock on the wall shows, and the moment it stands for, also in the nights when clocks change.

A time that the clock skips (02:30 in spring) means the moment of the change; one that it shows twice (02:30 in autumn)
means the first of the two. So a later time of the same day is never an earlier moment, and two things that meet at a
time of the wall meet at one moment.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from pdm_app.domain.samples import Micros, micros, moment

WallTime = Annotated[str, Field(max_length=5, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
SECOND = timedelta(seconds=1)


def _known(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError("is no time zone of the IANA list, such as Europe/Vienna")
    return zone


ZoneName = Annotated[str, Field(max_length=60), AfterValidator(_known)]


def at_wall(day: date, clock: str, zone: ZoneInfo) -> Micros:
    """Return the moment at which the wall of a zone shows a time, ``HH:MM``, of a day."""
    local = datetime.combine(day, time.fromisoformat(clock), zone)
    first = local.astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return micros(first)
    return micros(_change_between(local.replace(fold=1).astimezone(UTC), first, zone))


def on_wall(at: int, zone: ZoneInfo) -> datetime:
    """Return what the wall of a zone shows at a moment."""
    return moment(at).astimezone(zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second at which the zone has the offset of ``after``."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + ((after - before) // 2 // SECOND) * SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
