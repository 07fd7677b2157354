"""The recorder: batching, outages, replays, fences and the drain at the end."""

import asyncio

import pytest

from pdm_app.domain.errors import FencedError
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.recorder import CONSUMER, SAMPLES_MAX, Recorder
from pdm_app.engine.supervisor import Stage, Supervisor
from tests.counterparts.clocks import HandClock, settle
from tests.engine.memory import MemoryBuffer, MemoryHistorian


class Office:
    """A recorder under a supervisor, between memory on both sides."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.buffer = MemoryBuffer()
        self.historian = MemoryHistorian()
        self.fatal: list[BaseException] = []
        self.supervisor = Supervisor(self.clock, lambda _, error: self.fatal.append(error))
        self.leased = asyncio.Event()
        self.leased.set()
        self.recorder = self.start()
        self._next = 0

    def start(self) -> Recorder:
        recorder = Recorder(self.buffer, self.historian, self._fence, self.clock)
        self.supervisor.start(
            "recorder",
            recorder.run,
            stage=Stage.CONSUMER,
            backoff=recorder.backoff,
            on_retry=recorder.retrying,
            drain=recorder.drain,
        )
        return recorder

    async def _fence(self) -> Fence:
        await self.leased.wait()
        return Fence(1)

    def collect(self, samples: int) -> None:
        """Offer one batch of new samples."""
        now = self.clock.now()
        rows = [Sample(SignalId(1), 1.0, Quality.GOOD, Micros(now + self._next + row)) for row in range(samples)]
        self._next += samples
        self.buffer.offer(Batch.of("line-1", rows, now))


async def test_the_first_sample_is_recorded_at_once_and_the_next_wait_for_company() -> None:
    office = Office()
    office.collect(1)
    await settle()
    assert office.historian.writes == [1], "an idle historian has no reason to wait"
    for _ in range(10):
        office.collect(1)
        await office.clock.advance(0.02)
    assert office.historian.writes == [1]
    await office.clock.advance(0.1)
    assert office.historian.writes == [1, 10]
    assert office.buffer.positions[CONSUMER] == 11
    await office.supervisor.stop()


async def test_a_backlog_is_written_in_full_batches_without_waiting() -> None:
    office = Office()
    for _ in range(10):
        office.collect(SAMPLES_MAX // 4)
    await settle()
    assert office.historian.writes[:2] == [SAMPLES_MAX, SAMPLES_MAX]
    await office.clock.advance(1)
    assert sum(office.historian.writes) == 10 * (SAMPLES_MAX // 4)
    assert len(office.historian.rows) == 10 * (SAMPLES_MAX // 4)
    await office.supervisor.stop()


async def test_an_hour_without_database_loses_nothing_and_is_visible() -> None:
    office = Office()
    office.collect(5)
    await settle()
    office.historian.away = True
    for _ in range(60):
        office.collect(10)
        await office.clock.advance(60)
    status = office.recorder.status()
    assert not status.recording
    assert "db:3306" in status.last_error
    assert status.waiting == 600
    assert status.lag_s == pytest.approx(3600, abs=1)
    office.historian.away = False
    await office.clock.advance(3)
    assert len(office.historian.rows) == 605
    status = office.recorder.status()
    assert (status.recording, status.last_error, status.lag_s, status.waiting) == (True, "", 0.0, 0)
    assert status.samples_total == 605
    await office.supervisor.stop()


async def test_a_write_whose_answer_was_lost_is_repeated_and_changes_nothing() -> None:
    office = Office()
    office.historian.dies_after_commit = True
    office.collect(7)
    await office.clock.advance(5)
    assert len(office.historian.rows) == 7
    assert office.historian.writes == [7, 7]
    assert office.recorder.status().duplicates_total == 7
    await office.supervisor.stop()


async def test_a_new_start_goes_on_where_the_last_confirmation_was() -> None:
    office = Office()
    office.collect(3)
    await settle()
    await office.supervisor.stop()
    later = Office()
    later.buffer, later.historian = office.buffer, office.historian
    await later.supervisor.stop()
    later.supervisor = Supervisor(later.clock, lambda _, error: None)
    later.collect(2)
    later.start()
    await later.clock.advance(1)
    assert later.historian.writes == [3, 2]
    await later.supervisor.stop()


async def test_a_fenced_recorder_ends_the_process_and_writes_nothing_more() -> None:
    office = Office()
    office.historian.token = 2
    office.collect(3)
    await office.clock.advance(60)
    assert isinstance(office.fatal[0], FencedError)
    assert not office.historian.rows
    assert office.buffer.positions.get(CONSUMER, 0) == 0
    await office.supervisor.stop()


async def test_a_stop_writes_what_is_committed_before_it_ends() -> None:
    office = Office()
    office.collect(1)
    await settle()
    for _ in range(5):
        office.collect(2)
    await office.clock.advance(0.01)
    assert len(office.historian.rows) == 1, "they wait for company"
    stopping = asyncio.create_task(office.supervisor.stop())
    for _ in range(20):
        await office.clock.advance(0.05)
        if stopping.done():
            break
    await stopping
    assert len(office.historian.rows) == 11


@pytest.mark.parametrize("why", ["no database", "no lease"])
async def test_a_stop_does_not_wait_for_what_cannot_be_written(why: str) -> None:
    office = Office()
    if why == "no database":
        office.historian.away = True
    else:
        office.leased.clear()
    office.collect(3)
    await office.clock.advance(1)
    async with asyncio.timeout(90):
        await office.supervisor.stop()
    assert office.buffer.depth == 3, "it stays in the buffer"


async def test_the_rate_is_of_the_last_ten_seconds() -> None:
    office = Office()
    for _ in range(20):
        office.collect(50)
        await office.clock.advance(1)
    assert office.recorder.status().samples_per_s == pytest.approx(50, rel=0.1)
    await office.clock.advance(20)
    assert office.recorder.status().samples_per_s == 0
    assert office.recorder.status().last_write_at is not None
    assert office.recorder.status().last_write_at < office.clock.at - 15 * MICROS_PER_S  # type: ignore[operator]
    await office.supervisor.stop()
