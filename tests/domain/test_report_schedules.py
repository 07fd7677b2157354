"""Standing dates of reports: the next ones, in words, and what becomes of those that nobody was there for."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.report_schedules import Rhythm, Schedule
from pdm_app.domain.samples import micros, moment

VIENNA = "Europe/Vienna"
ZONES = (VIENNA, "UTC", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kolkata")
MONDAYS = Schedule(rhythm=Rhythm.WEEKLY, at="06:30", zone=VIENNA, weekdays=(0,))


def at(words: str) -> int:
    return micros(datetime.fromisoformat(words))


def walls(schedule: Schedule, since: str, count: int) -> list[str]:
    zone = ZoneInfo(schedule.zone)
    return [moment(each).astimezone(zone).strftime("%a %d %H:%M") for each in schedule.next(at(since), count)]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (MONDAYS, "every Monday 06:30 Europe/Vienna"),
        (Schedule(rhythm=Rhythm.DAILY, at="22:00", zone="UTC"), "every day 22:00 UTC"),
        (Schedule(rhythm=Rhythm.WEEKLY, at="06:00", zone="UTC", weekdays=(4, 3, 2, 1, 0)), "every weekday 06:00 UTC"),
        (Schedule(rhythm=Rhythm.WEEKLY, at="06:00", zone="UTC", weekdays=(4, 0)), "every Monday and Friday 06:00 UTC"),
        (Schedule(rhythm=Rhythm.MONTHLY, at="07:00", zone="UTC", day=31), "on day 31 of every month 07:00 UTC"),
    ],
)
def test_a_date_is_said_in_words(schedule: Schedule, words: str) -> None:
    assert schedule.words == words


def test_the_next_mondays_are_at_half_past_six_by_the_clock_of_the_wall_also_over_the_change_of_clocks() -> None:
    # 29 March 2026, a Sunday: clocks go forward in Vienna; 06:30 is 05:30 UTC before and 04:30 UTC after.
    found = [moment(each).isoformat() for each in MONDAYS.next(at("2026-03-22T12:00:00+00:00"), 2)]
    assert found == ["2026-03-23T05:30:00+00:00", "2026-03-30T04:30:00+00:00"]


def test_a_moment_that_is_the_date_itself_is_not_the_next_one() -> None:
    [first, second] = MONDAYS.next(at("2026-03-22T12:00:00+00:00"), 2)
    assert MONDAYS.next(first, 1) == (second,)


def test_a_time_that_the_wall_skips_comes_at_the_change_and_one_shown_twice_comes_once() -> None:
    nightly = Schedule(rhythm=Rhythm.DAILY, at="02:30", zone=VIENNA)
    assert walls(nightly, "2026-03-28T12:00:00+00:00", 2) == ["Sun 29 03:00", "Mon 30 02:30"]
    assert walls(nightly, "2026-10-24T12:00:00+00:00", 2) == ["Sun 25 02:30", "Mon 26 02:30"]


def test_the_thirty_first_is_the_last_day_of_a_shorter_month() -> None:
    monthly = Schedule(rhythm=Rhythm.MONTHLY, at="07:00", zone="UTC", day=31)
    assert walls(monthly, "2028-01-15T00:00:00+00:00", 4) == [
        "Mon 31 07:00",
        "Tue 29 07:00",
        "Fri 31 07:00",
        "Sun 30 07:00",
    ]


def test_what_was_missed_is_made_once_and_counted() -> None:
    since, until = at("2026-11-02T06:00:00+00:00"), at("2026-11-21T12:00:00+00:00")
    assert MONDAYS.newest(since, until) == (at("2026-11-16T05:30:00+00:00"), 1)
    assert MONDAYS.newest(at("2026-11-16T05:30:00+00:00"), until) is None


@pytest.mark.parametrize(
    "facts",
    [
        {"rhythm": "weekly"},
        {"rhythm": "weekly", "weekdays": (7,)},
        {"rhythm": "weekly", "weekdays": (1, 1)},
        {"rhythm": "daily", "weekdays": (1,)},
        {"rhythm": "monthly"},
        {"rhythm": "monthly", "day": 0},
        {"rhythm": "daily", "at": "24:00"},
        {"rhythm": "daily", "zone": "Europe/Nowhere"},
    ],
)
def test_a_date_that_says_too_little_or_too_much_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Schedule.model_validate({"at": "06:30", "zone": VIENNA, **facts})


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 24 * 60 - 1),
    minutes=st.integers(0, 20 * 365 * 24 * 60),
)
def test_a_daily_date_comes_once_for_each_day_of_the_wall(zone: str, minute: int, minutes: int) -> None:
    since = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    schedule = Schedule(rhythm=Rhythm.DAILY, at=f"{minute // 60:02d}:{minute % 60:02d}", zone=zone)
    found = list(islice(schedule.after(micros(since)), 20))
    days = timedelta(days=20, hours=25)  # Samoa has left out a whole day once: 30 December 2011.
    assert all(later > earlier for earlier, later in pairwise(found))
    assert found[0] > micros(since)
    assert moment(found[-1]) - since <= days
    walls = [moment(each).astimezone(ZoneInfo(zone)).date() for each in found]
    assert len(set(walls)) == len(walls) or zone == "Pacific/Apia"
