"""When alarms come: annunciations by weekday and hour of the plant's clock, beside how much of each hour there is data.

A count alone misleads where a period has five Mondays and four Sundays, so each cell says how long it was watched.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from pdm_app.domain.record import Record
from pdm_app.domain.samples import MICROS_PER_S

WEEKDAYS, HOURS = 7, 24
STEP_US = 900 * MICROS_PER_S  # Every zone there is differs from UTC by whole quarters of an hour.
EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


class AlarmHeat(Record):
    """Seven rows, Monday first, of 24 hours each."""

    zone: str = Field(description="IANA name of the clock by which weekdays and hours are told.")
    counts: tuple[tuple[int, ...], ...] = Field(description="Annunciations.")
    watched_h: tuple[tuple[float, ...], ...] = Field(description="Hours of data of each cell; 0 where there was none.")


def heat_of(times: Iterable[int], start_at: int, end_at: int, zone: ZoneInfo) -> AlarmHeat:
    """Lay annunciations over the week.

    Args:
        times: Of annunciations, microseconds UTC; those outside the period are left out.
        start_at: From here on there is data.
        end_at: Up to here, exclusive.
        zone: Whose clock; an hour that a clock change repeats is watched twice, one that it skips never.
    """
    counts = [[0] * HOURS for _ in range(WEEKDAYS)]
    watched = [[0] * HOURS for _ in range(WEEKDAYS)]
    for at in times:
        if start_at <= at < end_at:
            day, hour = _cell(at, zone)
            counts[day][hour] += 1
    at = start_at
    while at < end_at:
        following = min(end_at, (at // STEP_US + 1) * STEP_US)
        day, hour = _cell(at, zone)
        watched[day][hour] += following - at
        at = following
    hour_us = 3_600 * MICROS_PER_S
    return AlarmHeat(
        zone=zone.key,
        counts=tuple(map(tuple, counts)),
        watched_h=tuple(tuple(span / hour_us for span in row) for row in watched),
    )


def _cell(at: int, zone: ZoneInfo) -> tuple[int, int]:
    local = (EPOCH + timedelta(microseconds=at)).astimezone(zone)
    return local.weekday(), local.hour
