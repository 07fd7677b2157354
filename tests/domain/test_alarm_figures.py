"""The figures of alarm management against vectors worked out by hand."""

import pytest

from pdm_app.domain.alarm_figures import DAY, HOUR, Happening, S, scorecard
from pdm_app.domain.alarms import AlarmState, JournalKind

A, B, C, D, *_ = AlarmState
G = AlarmState.SHELVED
START = 1_800_000_000 * S
RAISED, RETURNED = JournalKind.RAISED, JournalKind.RETURNED


def raised(second: float, rule_id: str = "a", priority: int = 3) -> Happening:
    return Happening(START + round(second * S), rule_id, RAISED, B, priority)


def returned(second: float, rule_id: str = "a", priority: int = 3) -> Happening:
    return Happening(START + round(second * S), rule_id, RETURNED, D, priority)


def figures(*happenings: Happening, days: float = 1.0) -> dict[str, float | None]:
    card = scorecard(sorted(happenings), START, START + round(days * DAY))
    return {figure.key: figure.value for figure in card.figures}


def test_a_day_worked_out_by_hand() -> None:
    """Two days, four rules.

    Rule f floods: 12 raisings, one a minute from 1:00 on, each standing 30 s. Rule c chatters: three raisings in 40 s
    at 5:00, each standing 5 s. Rule q is fleeting: once, 4 s, at 10:00. Rule s stands from 2:00 of the first day to the
    end: 46 h, stale from 2:00 of the second day on.

    12 + 3 + 1 + 1 = 17 raisings in 2 days = 8.5 a day, 17/48 an hour, 17/288 in ten minutes. No hour has more than 30.
    From 1:00 on, ten fall into the first ten minutes and two into the next: none above ten, so no flood, most is 10.
    """
    events = [
        each
        for minute in range(12)
        for each in (raised(3600 + 60 * minute, "f", 4), returned(3630 + 60 * minute, "f", 4))
    ]
    events += [
        each for second in (0, 20, 40) for each in (raised(18_000 + second, "c", 4), returned(18_005 + second, "c", 4))
    ]
    events += [raised(36_000, "q", 1), returned(36_004, "q", 1), raised(7200, "s", 2)]
    card = scorecard(sorted(events), START, START + 2 * DAY)
    assert {figure.key: figure.value for figure in card.figures} == {
        "per_day": 8.5,
        "per_hour": 17 / 48,
        "per_ten_minutes": 17 / 288,
        "busy_hours": 0.0,
        "busy_periods": 0.0,
        "most_in_ten_minutes": 10.0,
        "in_flood": 0.0,
        "top_ten": 1.0,
        "chattering": 1.0,
        "fleeting": 1.0,
        "stale": 1.0,
    }
    assert [(share.priority, share.count) for share in card.priorities] == [(1, 1), (2, 1), (3, 0), (4, 15)]
    assert [(actor.rule_id, actor.count) for actor in card.bad_actors[:2]] == [("f", 12), ("c", 3)]
    assert {actor.rule_id: actor.advice for actor in card.bad_actors} == {
        "f": "frequent",
        "c": "chattering",
        "s": "stale",
        "q": "fleeting",
    }
    assert (card.days, card.annunciated, card.per_hour[1], card.per_hour[5], sum(card.per_hour)) == (2.0, 17, 12, 3, 17)


def test_a_flood_begins_above_ten_and_lasts_until_fewer_than_five_come_in_ten_minutes() -> None:
    """Ten-minute periods with 11, 5, 4 and 6 raisings: the first two are a flood; the fourth begins none."""
    counts = (11, 5, 4, 6)
    events = [
        raised(600 * period + place, f"r{place}") for period, count in enumerate(counts) for place in range(count)
    ]
    found = figures(*events, days=4 * 600 / 86_400)
    assert found["in_flood"] == 0.5
    assert found["busy_periods"] == 0.25
    assert found["most_in_ten_minutes"] == 11.0


def test_an_hour_is_busy_above_thirty() -> None:
    thirty = [raised(90 * place, f"r{place}") for place in range(30)]
    assert figures(*thirty)["busy_hours"] == 0.0
    assert figures(*thirty, raised(3599, "one-more"))["busy_hours"] == 1 / 24


def test_only_what_calls_for_an_operator_counts() -> None:
    at = START + HOUR
    silent = Happening(at, "a", RAISED, G, 3)
    back = Happening(at + S, "a", JournalKind.UNSHELVED, B, 3)
    seen = Happening(at + 2 * S, "a", JournalKind.ACKNOWLEDGED, C, 3)
    over = Happening(at + 3 * S, "a", RETURNED, A, 3)
    assert figures(silent, back, seen, over)["per_day"] == 0.0
    assert figures(raised(1), returned(2), silent)["per_day"] == 1.0


@pytest.mark.parametrize(
    ("seconds", "chatters"), [((0, 30, 60), 1.0), ((0, 30, 61), 0.0), ((0, 1), 0.0), ((0, 100, 130, 160), 1.0)]
)
def test_three_raisings_within_a_minute_chatter(seconds: tuple[int, ...], chatters: float) -> None:
    events = [each for second in seconds for each in (raised(second), returned(second + 0.5))]
    assert figures(*events)["chattering"] == chatters


@pytest.mark.parametrize(
    ("stood_s", "again_s", "fleeting"), [(9.9, None, 1.0), (10, None, 0.0), (5, 61, 2.0), (5, 60, 0.0)]
)
def test_what_is_over_within_ten_seconds_and_does_not_come_again_is_fleeting(
    stood_s: float, again_s: float | None, fleeting: float
) -> None:
    events = [raised(0), returned(stood_s)]
    if again_s is not None:
        events += [raised(again_s), returned(again_s + stood_s)]
    assert figures(*events)["fleeting"] == fleeting


def test_what_stood_before_the_period_is_stale_in_it_but_counts_no_second_time() -> None:
    old = Happening(START - 2 * DAY, "a", RAISED, B, 3)
    found = figures(old, returned(3600))
    assert (found["stale"], found["per_day"]) == (1.0, 0.0)


def test_shelving_ends_what_stands_so_that_it_does_not_turn_stale() -> None:
    shelved = Happening(START + HOUR, "a", JournalKind.SHELVED, G, 3)
    assert figures(raised(0), shelved, days=3)["stale"] == 0.0


def test_a_period_without_alarms_has_no_share_of_the_worst_and_nothing_else_but_zeros() -> None:
    found = figures()
    assert found.pop("top_ten") is None
    assert set(found.values()) == {0.0}


def test_each_figure_says_whether_it_is_good_manageable_or_too_much() -> None:
    for count, rating in ((150, "good"), (151, "manageable"), (300, "manageable"), (301, "over")):
        card = scorecard([raised(place * 200, f"r{place}") for place in range(count)], START, START + DAY)
        assert next(figure.rating for figure in card.figures if figure.key == "per_day") == rating
