"""A rate holds over any minute, allows a burst, and forgets nobody who is still calling."""

import pytest

from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services import rates
from pdm_app.services.rates import Rate
from tests.counterparts.clocks import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def pass_time(clock: HandClock, seconds: float) -> None:
    clock.at += round(seconds * MICROS_PER_S)


def admitted(rate: Rate, calls: int, key: str = "a") -> int:
    return sum(rate.take(key) == 0 for _ in range(calls))


def test_a_quarter_of_a_minutes_calls_may_come_at_once_and_no_more(clock: HandClock) -> None:
    assert admitted(Rate(clock, 60), 100) == 15


def test_a_refusal_says_when_the_next_call_is_admitted_and_then_it_is(clock: HandClock) -> None:
    rate = Rate(clock, 6)
    while (wait_s := rate.take("a")) == 0:
        pass
    assert 1 <= wait_s <= 11
    pass_time(clock, wait_s)
    assert rate.take("a") == 0


def test_somebody_who_never_stops_knocking_gets_the_rate_and_not_more(clock: HandClock) -> None:
    rate, count = Rate(clock, 60), 0
    for _ in range(600):  # Ten times a second for a minute.
        count += rate.take("a") == 0
        pass_time(clock, 0.1)
    assert 74 <= count <= 75  # The burst of 15 and one each second.


def test_one_caller_does_not_use_up_what_is_anothers(clock: HandClock) -> None:
    rate = Rate(clock, 60)
    assert admitted(rate, 100, "a") == admitted(rate, 100, "b") == 15


def test_a_slow_rate_still_admits_the_first_call(clock: HandClock) -> None:
    rate = Rate(clock, 1)
    assert [rate.take("a") > 0 for _ in range(2)] == [False, True]


def test_zero_is_no_limit(clock: HandClock) -> None:
    assert admitted(Rate(clock, 0), 10_000) == 10_000


def test_what_is_remembered_is_bounded_and_who_calls_now_is_kept(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "KEYS_MAX", 100)
    rate = Rate(clock, 60)
    assert admitted(rate, 20, "guesser") == 15
    for number in range(1000):
        rate.take(f"passer-by {number}")
        assert rate.take("guesser") > 0
    assert len(rate._used_to) <= 101


def test_time_set_back_does_not_shut_anybody_out_for_long(clock: HandClock) -> None:
    rate = Rate(clock, 60)
    admitted(rate, 100)
    pass_time(clock, -5)
    assert 0 < rate.take("a") <= 7
