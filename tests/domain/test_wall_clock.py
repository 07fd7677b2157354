"""Times of the wall as moments, also where the clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from pdm_app.domain.samples import micros
from pdm_app.domain.wall_clock import ZoneName, at_wall, on_wall

VIENNA, APIA = ZoneInfo("Europe/Vienna"), ZoneInfo("Pacific/Apia")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
ZONES = st.sampled_from(
    ["UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]
).map(ZoneInfo)
DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))
CLOCKS = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))


def utc(*given: int) -> int:
    return micros(datetime(*given, tzinfo=UTC))  # type: ignore[arg-type, misc]


def test_a_time_that_the_clock_skips_is_the_moment_of_the_change() -> None:
    assert at_wall(SPRING, "02:30", VIENNA) == at_wall(SPRING, "03:00", VIENNA) == utc(2026, 3, 29, 1)
    assert at_wall(SPRING, "01:59", VIENNA) == utc(2026, 3, 29, 0, 59)


def test_a_time_that_the_clock_shows_twice_is_the_first_of_the_two() -> None:
    assert at_wall(AUTUMN, "02:30", VIENNA) == utc(2026, 10, 25, 0, 30)
    assert at_wall(AUTUMN, "03:00", VIENNA) == utc(2026, 10, 25, 2)


def test_a_whole_day_that_a_country_left_out_is_the_moment_of_the_change() -> None:
    left_out = date(2011, 12, 30)  # Samoa moved over the date line.
    assert at_wall(left_out, "00:00", APIA) == at_wall(left_out, "18:45", APIA) == utc(2011, 12, 30, 10)


@given(DAYS, CLOCKS, CLOCKS, ZONES)
def test_a_later_time_of_a_day_is_never_an_earlier_moment(day: date, one: str, other: str, zone: ZoneInfo) -> None:
    earlier, later = sorted((one, other))
    assert at_wall(day, earlier, zone) <= at_wall(day, later, zone) < at_wall(day + timedelta(days=1), earlier, zone)


@given(DAYS, CLOCKS, ZONES)
def test_the_wall_shows_the_time_at_its_moment_unless_it_is_skipped(day: date, clock: str, zone: ZoneInfo) -> None:
    shown = on_wall(at_wall(day, clock, zone), zone)
    assert shown.date() == day
    assert shown.strftime("%H:%M") >= clock


def test_a_zone_that_does_not_exist_is_refused_with_an_example() -> None:
    class Given(BaseModel):
        zone: ZoneName

    assert Given(zone="Europe/Vienna").zone == "Europe/Vienna"
    with pytest.raises(ValidationError, match="such as Europe/Vienna"):
        Given(zone="Europe/Atlantis")
