"""Live values: only of signals in reach, only so many, and the newest of each."""

import asyncio
from contextlib import aclosing

import orjson
import pytest

from pdm_app.domain.access import Actor, Role
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.services.live import SIGNALS_MAX, LiveService
from pdm_app.services.signals import SignalService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.frames import LiveFrames
from pdm_app.stream.latest import Latest
from tests.counterparts.alarms import ADA, ANNA, GRETA, HEADER, SUCTION, person
from tests.counterparts.clocks import NOON, HandClock


class Screen:
    """Live values over a stored plant."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self.latest = Latest()
        self.frames = LiveFrames(self.latest, HandClock())
        self.service = LiveService(self.frames, SignalService(work))

    def measure(self, signal: int, value: float) -> None:
        self.latest.merge(Batch.of("plc", [Sample(SignalId(signal), value, Quality.GOOD, Micros(NOON))], Micros(NOON)))


@pytest.fixture
def screen(work: SqlUnitOfWork) -> Screen:
    return Screen(work)


async def refusal(screen: Screen, actor: Actor, signals: list[int]) -> Exception:
    """The one error with which the stream and the snapshot both refuse."""
    with pytest.raises((InvalidInputError, NotFoundError, PermissionDeniedError)) as by_snapshot:
        await screen.service.snapshot(actor, signals)
    async with aclosing(screen.service.watch(actor, signals)) as frames:
        with pytest.raises(type(by_snapshot.value)) as by_stream:
            await anext(frames)
    assert str(by_stream.value) == str(by_snapshot.value)
    assert screen.frames.watchers == 0
    return by_snapshot.value


async def test_a_stream_begins_with_the_newest_values_and_goes_on_with_changes(screen: Screen) -> None:
    screen.measure(SUCTION, 1.5)
    with screen.latest.listening(screen.frames.note):
        async with asyncio.timeout(90), aclosing(screen.service.watch(ANNA, [SUCTION])) as frames:
            assert orjson.loads(await anext(frames))["rows"] == [[SUCTION, 1.5, 0, NOON, NOON]]
            screen.measure(SUCTION, 1.1)
            assert orjson.loads(await anext(frames))["rows"][0][1] == 1.1
    assert screen.frames.watchers == 0, "who leaves is forgotten"
    assert orjson.loads(await screen.service.snapshot(ANNA, [SUCTION]))["rows"][0][1] == 1.1


async def test_a_signal_of_another_site_is_answered_like_one_that_does_not_exist(screen: Screen) -> None:
    screen.measure(HEADER, 7.0)
    for signal in (HEADER, 4_000_000_000):
        error = await refusal(screen, ANNA, [SUCTION, signal])
        assert str(error) == f"There is no signal {signal}."
    assert orjson.loads(await screen.service.snapshot(GRETA, [HEADER]))["rows"][0][1] == 7.0


async def test_one_question_is_about_one_to_five_hundred_signals(screen: Screen) -> None:
    for signals in ([], [SUCTION] * (SIGNALS_MAX + 1)):
        error = await refusal(screen, ADA, signals)
        assert str(error) == f"Ask for 1 to {SIGNALS_MAX} signals at once, not {len(signals)}."
    assert len(orjson.loads(await screen.service.snapshot(ADA, [SUCTION] * SIGNALS_MAX))["rows"]) == 1


async def test_a_device_key_watches_nothing(screen: Screen) -> None:
    assert "signals.read" in str(await refusal(screen, person("p-501", Role.SERVICE), [SUCTION]))
