"""Which alarms a route asks for: by place, class, day, time and shift; and when people may be told."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from pdm_app.domain.notice_routes import Circumstances, ContactFacts, NoticeRouteFacts, RouteStep
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.samples import Micros, micros
from pdm_app.domain.shifts import Shift, ShiftCalendar, ShiftDay
from tests.storage import data
from tests.storage.data import MINE

VIENNA = ZoneInfo("Europe/Vienna")
DAY = ShiftDay(shifts=(Shift(name="Day", begin="06:00", end="18:00"),))
CALENDAR = ShiftCalendar(id="site-graz", site_id="site-graz", anchor=date(2026, 11, 16), days=(DAY,))


def at(text: str) -> Micros:
    return micros(datetime.fromisoformat(text).replace(tzinfo=VIENNA))


def asks(moment: str = "2026-11-20 12:00", calendar: ShiftCalendar | None = CALENDAR, **route: Any) -> bool:
    """Whether a route asks for an alarm of class Safety in the area of pumps, raised at a moment of a Friday."""
    step = RouteStep(user_ids=("olga",), channels=(ChannelKind.EMAIL,))
    facts = NoticeRouteFacts.model_validate({"site_id": "site-graz", "name": "Night", "steps": (step,), **route})
    found = Circumstances(at(moment), VIENNA, area_id="pumps", alarm_class="Safety", calendar=calendar)
    return facts.asks_for(data.alarm(MINE, 1), found)


@pytest.mark.parametrize(
    ("route", "is_asked"),
    [
        ({}, True),
        ({"area_ids": ("pumps", "presses")}, True),
        ({"area_ids": ("presses",)}, False),
        ({"classes": ("safety",)}, True),
        ({"classes": ("Quality",)}, False),
        ({"priorities": (1,)}, False),
        ({"weekdays": (4,)}, True),
        ({"weekdays": (5, 6)}, False),
        ({"from_time": "08:00", "to_time": "16:00"}, True),
        ({"from_time": "12:00", "to_time": "12:01"}, True),
        ({"from_time": "11:00", "to_time": "12:00"}, False),
        ({"from_time": "22:00", "to_time": "06:00"}, False),
        ({"hours": "in_shifts"}, True),
        ({"hours": "outside_shifts"}, False),
        ({"enabled": False}, False),
    ],
)
def test_a_route_asks_for_what_it_names_and_nothing_else(route: dict[str, Any], is_asked: bool) -> None:
    assert asks(**route) is is_asked


@pytest.mark.parametrize(
    ("moment", "is_asked"),
    [("2026-11-20 22:00", True), ("2026-11-21 05:59", True), ("2026-11-21 06:00", False), ("2026-11-20 05:59", False)],
)
def test_a_night_belongs_to_the_day_of_its_evening(moment: str, is_asked: bool) -> None:
    assert asks(moment, weekdays=(4,), from_time="22:00", to_time="06:00") is is_asked


def test_without_a_calendar_no_shift_runs() -> None:
    assert not asks(calendar=None, hours="in_shifts")
    assert asks(calendar=None, hours="outside_shifts")
    assert asks("2026-11-20 18:00", hours="outside_shifts")


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        ({"from_time": "08:00"}, "a beginning and an end"),
        ({"from_time": "08:00", "to_time": "08:00"}, "at different times"),
        ({"weekdays": (7,)}, "less than or equal to 6"),
    ],
)
def test_times_that_mean_nothing_are_refused(route: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        asks(**route)


def test_a_step_names_somebody() -> None:
    with pytest.raises(ValidationError, match="names people, or a rota"):
        RouteStep(channels=(ChannelKind.EMAIL,))
    assert RouteStep(rota_ids=("fitters", "fitters"), channels=(ChannelKind.EMAIL,)).rota_ids == ("fitters",)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("2026-11-20 21:59", "2026-11-20 21:59"),
        ("2026-11-20 22:00", "2026-11-21 06:30"),
        ("2026-11-21 06:29", "2026-11-21 06:30"),
        ("2026-11-21 06:30", "2026-11-21 06:30"),
        ("2026-03-28 23:00", "2026-03-29 06:30"),  # A night of seven and a half hours.
    ],
)
def test_what_is_due_in_quiet_hours_waits_for_their_end(now: str, told: str) -> None:
    contact = ContactFacts(quiet_from="22:00", quiet_to="06:30", zone="Europe/Vienna")
    assert contact.told_from(at(now), 2) == at(told)
    assert contact.told_from(at(now), 1) == at(now)
