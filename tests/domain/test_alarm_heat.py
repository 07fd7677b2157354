"""When alarms come, by the clock of the plant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pdm_app.domain.alarm_heat import heat_of

VIENNA, KOLKATA = ZoneInfo("Europe/Vienna"), ZoneInfo("Asia/Kolkata")
HOUR = 3_600_000_000
DAY = 24 * HOUR


def micros(year: int, month: int, day: int, hour: int = 0) -> int:
    at = datetime(year, month, day, hour, tzinfo=UTC)
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


MONDAY = micros(2026, 11, 16)  # A Monday, midnight UTC: 01:00 in Vienna, 05:30 in Kolkata.


def test_an_alarm_counts_at_the_hour_that_the_plants_clock_showed() -> None:
    at = [MONDAY + 22 * HOUR + HOUR // 2]  # 22:30 UTC on Monday.
    vienna, kolkata = (heat_of(at, MONDAY, MONDAY + 7 * DAY, zone) for zone in (VIENNA, KOLKATA))
    assert vienna.counts[0][23] == 1
    assert kolkata.counts[1][4] == 1
    assert sum(map(sum, vienna.counts)) == sum(map(sum, kolkata.counts)) == 1


def test_each_hour_of_a_week_is_watched_for_an_hour() -> None:
    heat = heat_of([], MONDAY, MONDAY + 7 * DAY, KOLKATA)
    assert {hours for row in heat.watched_h for hours in row} == {1.0}
    assert heat.zone == "Asia/Kolkata"


def test_a_period_that_begins_within_an_hour_has_watched_only_the_rest_of_it() -> None:
    heat = heat_of([], MONDAY + 7 * HOUR + HOUR // 3, MONDAY + 9 * HOUR, VIENNA)
    assert heat.watched_h[0][8] == pytest.approx(2 / 3)
    assert (heat.watched_h[0][9], heat.watched_h[0][10], heat.watched_h[0][7]) == (1.0, 0.0, 0.0)


def test_a_repeated_hour_is_watched_twice_and_a_skipped_one_never() -> None:
    autumn, spring = micros(2026, 10, 24, 22), micros(2026, 3, 28, 23)  # Midnight in Vienna before the clocks change.
    autumn_day = heat_of([], autumn, autumn + 25 * HOUR, VIENNA).watched_h[6]
    spring_day = heat_of([], spring, spring + 23 * HOUR, VIENNA).watched_h[6]
    assert (autumn_day[2], sum(autumn_day)) == (2.0, 25.0)
    assert (spring_day[2], sum(spring_day)) == (0.0, 23.0)


def test_what_lies_outside_the_period_is_left_out_and_its_end_is_exclusive() -> None:
    heat = heat_of([MONDAY - 1, MONDAY, MONDAY + HOUR], MONDAY, MONDAY + HOUR, VIENNA)
    assert sum(map(sum, heat.counts)) == 1


def test_an_empty_period_has_seen_nothing() -> None:
    heat = heat_of([MONDAY], MONDAY, MONDAY, VIENNA)
    assert sum(map(sum, heat.counts)) == 0
    assert sum(map(sum, heat.watched_h)) == 0
