"""The limit on failed attempts."""

import pytest

from pdm_app.domain.errors import TooManyAttemptsError
from pdm_app.services.attempts import KEYS_MAX, Attempts
from tests.counterparts.clocks import HandClock


async def test_the_span_slides() -> None:
    clock = HandClock()
    attempts = Attempts(clock, attempts_max=2, window_s=60)
    attempts.begin("olga")
    await clock.advance(40)
    attempts.begin("olga")
    with pytest.raises(TooManyAttemptsError, match="Try again in 21 s") as caught:
        attempts.begin("olga")
    assert caught.value.facts["retry_after_s"] == 21
    await clock.advance(20)
    attempts.begin("olga")
    with pytest.raises(TooManyAttemptsError):
        attempts.begin("olga")


def test_success_forgets_and_a_refused_attempt_does_not_count() -> None:
    attempts = Attempts(HandClock(), attempts_max=2, window_s=60)
    for _ in range(10):
        attempts.begin("olga")
        attempts.succeeded("olga")
    for _ in range(10):
        attempts.begin("olga")
        attempts.take_back("olga")
    attempts.begin("olga")
    attempts.begin("olga")
    for _ in range(3):
        with pytest.raises(TooManyAttemptsError):
            attempts.begin("olga")


def test_a_flood_of_names_neither_fills_the_memory_nor_frees_the_guesser() -> None:
    attempts = Attempts(HandClock(), attempts_max=2, window_s=60)
    attempts.begin("olga")
    attempts.begin("olga")
    for number in range(KEYS_MAX + 50):
        attempts.begin(f"name {number}")
        if number % 1000 == 0:
            with pytest.raises(TooManyAttemptsError):
                attempts.begin("olga")
    assert len(attempts._at) == KEYS_MAX
    with pytest.raises(TooManyAttemptsError):
        attempts.begin("olga")
