"""Who is on call: turns that change at the handover, crews of the shift, and stand-ins."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.rotas import CrewTurn, Rota, StandIn, Turn
from pdm_app.domain.samples import MICROS_PER_S, micros
from pdm_app.domain.shifts import Shift, ShiftCalendar, ShiftDay
from tests.domain.test_shifts import VIENNA, at, calendar

MONDAY = date(2026, 11, 16)


def turns(*people: str) -> tuple[Turn, ...]:
    return tuple(Turn(user_ids=tuple(each.split("+"))) for each in people)


def rota(*people: str, **more: Any) -> Rota:
    given = {"id": "rota", "site_id": "graz", "name": "Electricians", "anchor": MONDAY, "handover": "08:00"}
    return Rota.model_validate({**given, "turns": turns(*people), **more})


def away(who: str, instead: str, begin: str, end: str) -> StandIn:
    return StandIn(away_id=who, stand_in_id=instead, begin_at=at(begin), end_at=at(end))


def told(found: Rota, moment: str, shifts: ShiftCalendar | None = None) -> tuple[str, ...]:
    return found.on_call(at(moment), VIENNA, shifts).user_ids


def test_turns_change_at_the_handover_and_begin_again_after_the_last() -> None:
    weekly = rota("ann", "bob+cyd")
    assert told(weekly, "2026-11-16 07:59") == ("bob", "cyd")  # The turn before the anchor.
    assert told(weekly, "2026-11-16 08:00") == ("ann",)
    assert told(weekly, "2026-11-23 07:59") == ("ann",)
    assert told(weekly, "2026-11-23 08:00") == ("bob", "cyd")
    assert told(weekly, "2026-11-30 08:00") == ("ann",)


def test_a_turn_says_from_when_until_when_also_over_a_change_of_clocks() -> None:
    found = rota("ann", "bob", anchor=date(2026, 10, 19)).on_call(at("2026-10-24 12:00"), VIENNA)
    assert (found.begin_at, found.end_at) == (at("2026-10-19 08:00"), at("2026-10-26 08:00"))
    assert found.end_at is not None
    assert found.begin_at is not None
    assert (found.end_at - found.begin_at) / 3600 / MICROS_PER_S == 7 * 24 + 1


def test_a_stand_in_is_told_while_somebody_is_away_and_only_then() -> None:
    ill = rota("ann", stand_ins=(away("ann", "dan", "2026-11-18 00:00", "2026-11-19 12:00"),))
    assert told(ill, "2026-11-17 23:59") == ("ann",)
    assert told(ill, "2026-11-18 00:00") == told(ill, "2026-11-19 11:59") == ("dan",)
    assert told(ill, "2026-11-19 12:00") == ("ann",)


def test_a_stand_in_who_is_away_has_one_too_and_a_circle_ends() -> None:
    week = ("2026-11-16 00:00", "2026-11-23 00:00")
    assert told(rota("ann", stand_ins=(away("ann", "bob", *week), away("bob", "cyd", *week))), "2026-11-18 12:00") == (
        "cyd",
    )
    circle = rota("ann", stand_ins=(away("ann", "bob", *week), away("bob", "ann", *week)))
    assert told(circle, "2026-11-18 12:00") == ("bob",)
    both = rota("ann+bob", stand_ins=(away("ann", "bob", *week),))
    assert told(both, "2026-11-18 12:00") == ("bob",)


def test_the_crew_of_the_shift_that_runs_is_told_and_nobody_while_none_runs() -> None:
    day = ShiftDay(
        shifts=(Shift(name="Day", begin="06:00", end="18:00", crew="A"), Shift(name="Rest", begin="18:00", end="20:00"))
    )
    crews = rota(crews=(CrewTurn(crew="A", user_ids=("ann",)), CrewTurn(crew="B", user_ids=("bob",))))
    assert told(crews, "2026-11-18 12:00", calendar(day)) == ("ann",)
    assert told(crews, "2026-11-18 19:00", calendar(day)) == ()  # A shift whose crew has nobody.
    assert told(crews, "2026-11-18 21:00", calendar(day)) == ()
    assert told(crews, "2026-11-18 12:00") == ()  # The site has no calendar.


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"turns": ()}, "one of the two"),
        ({"crews": (CrewTurn(crew="A", user_ids=("ann",)),), "turns": turns("bob")}, "one of the two"),
        ({"turns": (), "crews": (CrewTurn(crew="A", user_ids=("ann",)),) * 2}, "a crew is there twice"),
    ],
)
def test_a_rota_that_says_two_things_at_once_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        rota("ann", **given)


def test_an_absence_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValidationError, match="ends after it has begun"):
        away("ann", "bob", "2026-11-18 12:00", "2026-11-18 12:00")
    with pytest.raises(ValidationError, match="nobody stands in for themselves"):
        away("ann", "ann", "2026-11-18 12:00", "2026-11-19 12:00")


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)).map(micros)  # noqa: DTZ001
ZONES = st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe"]).map(ZoneInfo)
CLOCKS = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))


@settings(max_examples=80, deadline=None)
@given(MOMENTS, ZONES, CLOCKS, st.integers(1, 28), st.integers(1, 5))
def test_at_every_moment_exactly_one_turn_is_on_call(
    moment: int, zone: ZoneInfo, handover: str, turn_days: int, people: int
) -> None:
    found = rota(*(f"p{number}" for number in range(people)), handover=handover, turn_days=turn_days)
    now = found.on_call(moment, zone)
    assert now.begin_at is not None
    assert now.end_at is not None
    assert now.begin_at <= moment < now.end_at
    assert found.on_call(now.begin_at, zone) == found.on_call(now.end_at - 1, zone) == now
    following = found.on_call(now.end_at, zone)
    assert following.begin_at == now.end_at
    expected = (int(now.user_ids[0][1:]) + 1) % people
    assert following.user_ids == (f"p{expected}",)
