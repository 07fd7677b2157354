"""Times of a zone, as text and as the days that spreadsheets count."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import EPOCH, MICROS_PER_S

HOUR_US = 3600 * MICROS_PER_S
DAY_US = 24 * HOUR_US
SPREADSHEET_EPOCH_DAYS = 25_569
"""1970-01-01 as spreadsheets count days, whose day 1 is 1900-01-01 (and who hold 1900 for a leap year)."""


def texts(at: Iterable[int], zone: ZoneInfo) -> list[str]:
    """Write times as ISO 8601 with their offset, so that the hour that a clock shows twice stays apart."""
    begin = EPOCH
    return [(begin + timedelta(microseconds=one)).astimezone(zone).isoformat() for one in at]


def local(at: NDArray[Any], zone: ZoneInfo) -> NDArray[np.int64]:
    """Return what a clock on the wall shows, as microseconds since its own 1970-01-01."""
    at = np.asarray(at, np.int64)
    hours, place = np.unique(at - at % (HOUR_US // 4), return_inverse=True)  # Zones shift at quarters of an hour.
    offsets = np.array([_offset(int(hour), zone) for hour in hours], np.int64)
    return at + offsets[place]


def days(at: NDArray[Any], zone: ZoneInfo) -> NDArray[np.float64]:
    """Return times of the wall clock as spreadsheets keep them: days with a fraction, exact to some microseconds."""
    wall = local(at, zone)
    return np.asarray(wall // DAY_US + SPREADSHEET_EPOCH_DAYS + (wall % DAY_US) / DAY_US, np.float64)


def _offset(at: int, zone: ZoneInfo) -> int:
    moment: datetime = (EPOCH + timedelta(microseconds=at)).astimezone(zone)
    return (moment.utcoffset() or timedelta()) // timedelta(microseconds=1)
