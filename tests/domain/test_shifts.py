"""The shift calendar: one shift or none at any moment, and hours that follow the clock on the wall."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.samples import MICROS_PER_S, micros
from pdm_app.domain.shifts import (
    MINUTES_PER_DAY,
    SPAN_DAYS_MAX,
    Shift,
    ShiftBreak,
    ShiftCalendar,
    ShiftDay,
    ShiftException,
    ShiftSpan,
)
from pdm_app.domain.wall_clock import on_wall

VIENNA = ZoneInfo("Europe/Vienna")
HOUR = 3600 * MICROS_PER_S
DAY = 24 * HOUR
THREE = ShiftDay(
    shifts=(
        Shift(name="Early", begin="06:00", end="14:00", crew="A"),
        Shift(name="Late", begin="14:00", end="22:00", crew="B"),
        Shift(name="Night", begin="22:00", end="06:00", crew="C"),
    )
)
MONDAY = date(2026, 11, 16)


def calendar(*days: ShiftDay, anchor: date = MONDAY, exceptions: tuple[ShiftException, ...] = ()) -> ShiftCalendar:
    return ShiftCalendar(id="graz", site_id="graz", anchor=anchor, days=days or (THREE,), exceptions=exceptions)


def at(text: str, zone: ZoneInfo = VIENNA) -> int:
    return micros(datetime.fromisoformat(text).replace(tzinfo=zone))


def told(span: ShiftSpan | None) -> tuple[str, str, float] | None:
    return None if span is None else (span.name, span.on.isoformat(), span.length_s / 3600)


def test_the_shift_of_a_moment_belongs_to_the_date_on_which_it_began() -> None:
    plant = calendar()
    assert told(plant.at(at("2026-11-17 05:59"), VIENNA)) == ("Night", "2026-11-16", 8)
    assert told(plant.at(at("2026-11-17 06:00"), VIENNA)) == ("Early", "2026-11-17", 8)


@pytest.mark.parametrize(("evening", "hours"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-06-01", 8)])
def test_the_night_shift_is_as_long_as_the_night_is(evening: str, hours: int) -> None:
    assert told(calendar().at(at(f"{evening} 23:00"), VIENNA)) == ("Night", evening, hours)


def test_a_week_with_a_free_weekend_stands_still_then() -> None:
    plant = calendar(*[THREE] * 5, ShiftDay(), ShiftDay())
    assert told(plant.at(at("2026-11-21 05:00"), VIENNA)) == ("Night", "2026-11-20", 8)  # Friday's night.
    assert plant.at(at("2026-11-21 06:00"), VIENNA) is None
    assert plant.at(at("2026-11-22 23:59"), VIENNA) is None
    assert told(plant.newest(at("2026-11-22 23:59"), VIENNA)) == ("Night", "2026-11-20", 8)
    assert told(plant.at(at("2026-11-09 07:00"), VIENNA)) == ("Early", "2026-11-09", 8)  # Before the anchor, too.


def test_a_holiday_stands_still_and_the_night_before_runs_out() -> None:
    plant = calendar(exceptions=(ShiftException(on=date(2026, 12, 25), name="Christmas Day"),))
    assert told(plant.at(at("2026-12-25 05:00"), VIENNA)) == ("Night", "2026-12-24", 8)
    assert plant.at(at("2026-12-25 06:00"), VIENNA) is None
    assert plant.at(at("2026-12-26 05:59"), VIENNA) is None
    assert told(plant.at(at("2026-12-26 06:00"), VIENNA)) == ("Early", "2026-12-26", 8)


def paused(*breaks: tuple[str, int]) -> ShiftDay:
    kept = tuple(ShiftBreak(begin=begin, minutes=minutes) for begin, minutes in breaks)
    return ShiftDay(shifts=(Shift(name="Night", begin="22:00", end="06:00", breaks=kept),))


def test_breaks_are_told_with_their_shift_by_the_clock_of_the_wall() -> None:
    plant = calendar(paused(("02:30", 60), ("23:50", 20)))
    usual = plant.at(at("2026-11-17 23:00"), VIENNA)
    assert usual is not None
    assert [(one.begin_at, one.end_at) for one in usual.breaks] == [
        (at("2026-11-17 23:50"), at("2026-11-18 00:10")), (at("2026-11-18 02:30"), at("2026-11-18 03:30")),
    ]  # fmt: skip
    # The clock goes from 02:00 to 03:00: of a break from 02:30 to 03:30 half an hour is left.
    spring = plant.at(at("2026-03-28 23:00"), VIENNA)
    assert spring is not None
    assert (spring.breaks[1].end_at - spring.breaks[1].begin_at) / HOUR == 0.5


def test_a_break_ends_with_a_shift_that_is_cut_short() -> None:
    early = ShiftDay(shifts=(Shift(name="Audit", begin="02:45", end="12:00"),))
    plant = calendar(paused(("02:30", 60)), exceptions=(ShiftException(on=date(2026, 12, 1), day=early),))
    night = plant.at(at("2026-12-01 01:00"), VIENNA)
    assert night is not None
    assert [one.end_at for one in night.breaks] == [night.end_at] == [at("2026-12-01 02:45")]


@pytest.mark.parametrize("breaks", [(("21:00", 15),), (("05:50", 20),), (("23:00", 30), ("23:20", 10))])
def test_breaks_lie_inside_of_their_shift_and_apart(breaks: tuple[tuple[str, int], ...]) -> None:
    with pytest.raises(ValidationError):
        paused(*breaks)


def test_an_exception_that_begins_early_ends_the_shift_before_it() -> None:
    early = ShiftDay(shifts=(Shift(name="Audit", begin="04:00", end="12:00"),))
    plant = calendar(exceptions=(ShiftException(on=date(2026, 12, 1), day=early),))
    assert told(plant.at(at("2026-12-01 03:59"), VIENNA)) == ("Night", "2026-11-30", 6)
    assert told(plant.at(at("2026-12-01 04:00"), VIENNA)) == ("Audit", "2026-12-01", 8)


def test_a_shift_around_the_clock_ends_where_it_begins() -> None:
    plant = calendar(ShiftDay(shifts=(Shift(name="Day", begin="06:00", end="06:00"),)))
    assert told(plant.at(at("2026-11-17 05:59"), VIENNA)) == ("Day", "2026-11-16", 24)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([[("A", "06:00", "14:00"), ("B", "13:00", "22:00")]], "'B' begins before 'A' has ended"),
        ([[("N", "22:00", "06:30")], [("E", "06:00", "14:00")]], "'E' of day 2 begins before 'N' has ended"),
        ([[("E", "06:00", "14:00")], [("N", "22:00", "06:30")]], "'E' of day 1 begins before 'N' has ended"),
        ([[("A", "22:00", "06:00"), ("B", "05:00", "06:00")]], "'B' begins before 'A' has ended"),
    ],
)
def test_shifts_that_overlap_are_refused_by_name(days: list[list[tuple[str, str, str]]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        calendar(*(ShiftDay(shifts=tuple(Shift(name=n, begin=b, end=e) for n, b, e in day)) for day in days))


def test_two_exceptions_of_one_date_are_refused() -> None:
    with pytest.raises(ValidationError, match="the same date"):
        calendar(exceptions=(ShiftException(on=MONDAY), ShiftException(on=MONDAY, name="again")))


def test_no_question_is_answered_for_more_than_its_limit() -> None:
    with pytest.raises(ValueError, match=f"for {SPAN_DAYS_MAX} days at once"):
        calendar().spans(0, (SPAN_DAYS_MAX + 1) * DAY, VIENNA)
    assert calendar().spans(DAY, DAY, VIENNA) == []


# --- whatever the calendar ---------------------------------------------------------------------------------------


@st.composite
def shift_days(draw: st.DrawFn) -> ShiftDay:
    """Shifts that follow each other within 24 hours of the first."""
    times = sorted(draw(st.sets(st.integers(0, MINUTES_PER_DAY - 1), max_size=6)))
    if len(times) < 2:
        return ShiftDay()
    text = [f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in times]
    return ShiftDay(shifts=tuple(Shift(name=f"S{begin}", begin=begin, end=end) for begin, end in pairwise(text)))


@st.composite
def calendars(draw: st.DrawFn) -> ShiftCalendar:
    days = tuple(draw(st.lists(st.one_of(shift_days(), st.just(THREE)), min_size=1, max_size=10)))
    if not any(day.shifts for day in days):
        days = (THREE,)
    on = st.dates(date(2026, 3, 1), date(2026, 11, 30))
    exceptions = draw(
        st.lists(st.builds(ShiftException, on=on, day=shift_days()), max_size=5, unique_by=lambda e: e.on)
    )
    try:
        return calendar(*days, anchor=draw(on), exceptions=tuple(exceptions))
    except ValidationError:  # A night of three shifts runs into an early beginner.
        assume(False)
        raise


ZONES = st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe"]).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30), timezones=st.just(UTC)).map(micros)  # noqa: DTZ001


@settings(max_examples=60, deadline=None)
@given(calendars(), MOMENTS, ZONES)
def test_shifts_never_overlap_and_no_moment_has_two(plant: ShiftCalendar, begin: int, zone: ZoneInfo) -> None:
    spans = plant.spans(begin, begin + 20 * DAY, zone)
    assert all(earlier.end_at <= later.begin_at for earlier, later in pairwise(spans))
    assert all(span.begin_at < span.end_at for span in spans)
    for span in spans[:6]:
        assert plant.at(span.begin_at, zone) == plant.at(span.end_at - 1, zone) == span
        assert on_wall(span.begin_at, zone).date() == span.on


@settings(max_examples=40, deadline=None)
@given(calendars(), MOMENTS, ZONES, st.integers(1, 20 * 24))
def test_a_span_that_is_asked_for_in_two_pieces_has_the_same_shifts(
    plant: ShiftCalendar, begin: int, zone: ZoneInfo, hours: int
) -> None:
    end, middle = begin + 20 * DAY, begin + hours * HOUR
    pieces = [*plant.spans(begin, middle, zone), *plant.spans(middle, end, zone)]
    assert list(dict.fromkeys(pieces)) == plant.spans(begin, end, zone)


@settings(max_examples=30, deadline=None)
@given(MOMENTS, ZONES)
def test_three_shifts_a_day_leave_no_gap_also_where_clocks_change(begin: int, zone: ZoneInfo) -> None:
    spans = calendar().spans(begin, begin + 40 * DAY, zone)
    assert spans[0].begin_at <= begin
    assert spans[-1].end_at >= begin + 40 * DAY
    assert all(earlier.end_at == later.begin_at for earlier, later in pairwise(spans))


def test_a_pattern_of_four_weeks_comes_back_after_four_weeks() -> None:
    crews = [ShiftDay(shifts=(Shift(name="Day", begin="06:00", end="18:00", crew=f"C{day}"),)) for day in range(28)]
    plant = calendar(*crews)
    now = at("2026-11-18 12:00")
    here = plant.at(now, VIENNA)
    later = plant.at(now + 28 * DAY, VIENNA)
    assert here is not None
    assert later is not None
    assert (here.crew, later.crew) == ("C2", "C2")
    assert later.on - here.on == timedelta(days=28)
