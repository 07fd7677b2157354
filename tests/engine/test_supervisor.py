"""The supervisor: who is run again, who ends the process, and in which order all stop."""

import asyncio
from itertools import pairwise
from random import Random

import pytest

from pdm_app.domain.errors import ConnectionFailedError, FencedError, UnavailableError
from pdm_app.engine import supervisor as supervisor_module
from pdm_app.engine.supervisor import Backoff, ChildState, Retry, Stage, Supervisor, first_of
from tests.counterparts.clocks import HandClock, settle


class Fatal:
    """Collects what would end the process."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, BaseException]] = []

    def __call__(self, name: str, error: BaseException) -> None:
        self.calls.append((name, error))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_child_that_the_world_fails_is_run_again_after_a_wait(clock: HandClock) -> None:
    fatal = Fatal()
    supervisor = Supervisor(clock, fatal, Random(1))
    attempts: list[int] = []
    retries: list[Retry] = []

    async def unlucky() -> None:
        attempts.append(clock.now())
        if len(attempts) < 4:
            raise ConnectionFailedError("Nothing listens there.")
        await for_ever()

    child = supervisor.start("unlucky", unlucky, backoff=Backoff(1.0, 3.0), on_retry=retries.append)
    await clock.advance(60)
    assert len(attempts) == 4
    assert child.state is ChildState.RUNNING
    assert [retry.attempts for retry in retries] == [1, 2, 3]
    waits_s = [(later - earlier) / 1e6 for earlier, later in pairwise(attempts)]
    assert 0.5 <= waits_s[0] <= 1 <= waits_s[1] <= 2
    assert 1.5 <= waits_s[2] <= 3, "the third wait would be 4 s without the cap"
    assert not fatal.calls
    await supervisor.stop()


async def test_a_bug_in_one_child_is_fatal_and_touches_no_other(clock: HandClock) -> None:
    fatal = Fatal()
    supervisor = Supervisor(clock, fatal)

    async def broken() -> None:
        raise ZeroDivisionError

    other = supervisor.start("other", for_ever)
    child = supervisor.start("broken", broken)
    second = supervisor.start("broken too", broken)
    await clock.advance(100)
    assert [name for name, _ in fatal.calls] == ["broken"], "once is enough to end a process"
    assert (child.state, second.state, other.state) == (ChildState.FAILED, ChildState.FAILED, ChildState.RUNNING)
    await supervisor.stop()


async def test_a_lost_lease_is_fatal_although_it_is_an_expected_error(clock: HandClock) -> None:
    fatal = Fatal()
    supervisor = Supervisor(clock, fatal)

    async def fenced() -> None:
        raise FencedError("Another process records.")

    supervisor.start("recorder", fenced)
    await settle()
    assert isinstance(fatal.calls[0][1], FencedError)
    await supervisor.stop()


async def test_producers_end_before_consumers_are_drained(clock: HandClock) -> None:
    supervisor = Supervisor(clock, Fatal())
    told: list[str] = []

    async def tell_the_end(name: str) -> None:
        try:
            await for_ever()
        finally:
            told.append(f"{name} ends")

    async def drain() -> None:
        told.append("consumer drains")

    supervisor.start("consumer", lambda: tell_the_end("consumer"), stage=Stage.CONSUMER, drain=drain)
    supervisor.start("lease", lambda: tell_the_end("lease"), stage=Stage.SERVICE)
    supervisor.start("producer", lambda: tell_the_end("producer"))
    await settle()
    await supervisor.stop()
    assert told == ["producer ends", "consumer drains", "consumer ends", "lease ends"]
    assert not supervisor.children()


async def test_a_drain_that_takes_too_long_is_given_up(clock: HandClock) -> None:
    supervisor = Supervisor(clock, Fatal())
    supervisor.start("consumer", for_ever, stage=Stage.CONSUMER, drain=for_ever)
    await settle()
    async with asyncio.timeout(90):
        await supervisor.stop(drain_s=0.05)


async def test_stopping_cuts_a_wait_short(clock: HandClock) -> None:
    supervisor = Supervisor(clock, Fatal())

    async def unlucky() -> None:
        raise UnavailableError("Not now.")

    child = supervisor.start("unlucky", unlucky)
    await settle()
    assert child.state is ChildState.WAITING
    await supervisor.stop()
    assert len(asyncio.all_tasks()) == 1


async def test_a_name_is_free_again_once_its_child_is_cancelled(clock: HandClock) -> None:
    supervisor = Supervisor(clock, Fatal())
    supervisor.start("line", for_ever)
    with pytest.raises(ValueError, match="already running"):
        supervisor.start("line", for_ever)
    await supervisor.cancel("line")
    supervisor.start("line", for_ever)
    await supervisor.stop()


def test_a_back_off_never_waits_longer_than_its_cap() -> None:
    backoff, random = Backoff(0.5, 2.0), Random(7)
    waits_s = [backoff.next_s(random) for _ in range(2000)]
    assert max(waits_s) <= 2.0
    assert 0.25 <= waits_s[0] <= 0.5
    assert min(waits_s[10:]) < 1.1 < 1.9 < max(waits_s[10:]), "jitter spreads the attempts of many devices"
    backoff.reset()
    assert backoff.next_s(random) <= 0.5


async def test_first_of_ends_the_others_and_prefers_an_error() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await for_ever()
        finally:
            ended.append("the other")

    async def answer() -> str:
        return "answer"

    async def fail() -> None:
        raise TimeoutError

    assert await first_of(wait(), answer()) == "answer"
    assert ended == ["the other"]
    with pytest.raises(TimeoutError):
        await first_of(answer(), fail(), wait())


async def test_a_part_that_drops_its_first_cancellation_is_cancelled_again() -> None:
    """As `asyncio.wait_for` does on Python 3.11 when the answer arrives in the same turn of the loop."""
    dropped = 0

    async def deaf_once() -> None:
        nonlocal dropped
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if dropped:
                    raise
                dropped += 1

    async def answer() -> str:
        return "lost"

    async with asyncio.timeout(90):
        assert await first_of(deaf_once(), answer()) == "lost"
    assert dropped == 1


async def test_a_child_that_drops_its_first_cancellation_is_cancelled_again(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "CANCEL_S_MAX", 0.01)
    ended = asyncio.Event()
    dropped = 0

    async def deaf_once() -> None:
        nonlocal dropped
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if dropped:
                    ended.set()
                    raise
                dropped += 1

    supervisor = Supervisor(clock, lambda child, error: None)
    supervisor.start("deaf", deaf_once)
    await settle()
    async with asyncio.timeout(90):
        await supervisor.stop()
    assert ended.is_set()
