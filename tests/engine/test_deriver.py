"""Derived signals in the data path: reckoned as their inputs are committed, found again after a crash."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Signal
from pdm_app.engine.deriver import CONSUMER, Deriver
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Supervisor
from pdm_app.services.derived_signals import resolved
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import NOON, HandClock, settle, until
from tests.counterparts.installation import P_501, SIGNALS
from tests.engine.memory import MemoryBuffer

FLOW, SUCTION = SIGNALS[0], SIGNALS[1]
TWICE, PEAK = 901, 902


def derived(number: int, name: str, formula: str) -> Signal:
    return Signal(id=number, site_id=P_501.site_id, asset_id=P_501.id, name=name, label=name, formula=formula)


class Plant:
    """A deriver with everything around it, over a real database; time is set by hand."""

    def __init__(self, work: SqlUnitOfWork, database: Database, clock: HandClock) -> None:
        self.work, self.clock, self.database = work, clock, database
        self.buffer = MemoryBuffer()
        self.historian = SqlHistorian(database, clock)
        self.recorded_to = 0
        self.died: list[BaseException] = []

    async def put(self, *signals: Signal) -> None:
        async with self.work(EVERY_SITE) as work:
            for signal in signals:
                await work.signals.put([await resolved(work, signal)])
            await work.commit()

    async def start(self) -> None:
        async with self.work(EVERY_SITE) as work:
            signals = await work.signals.all()
        self.latest = Latest()
        self.intake = Intake(signals, Bus[Batch](), self.latest, self.buffer, self.clock)

        async def held() -> Fence:
            return Fence(1)

        self.deriver = Deriver(
            self.buffer, self.intake, self.historian, self.work, self.clock, held, self.intake.settled
        )
        self.supervisor = Supervisor(self.clock, lambda _child, error: self.died.append(error))
        self.supervisor.start(
            "formulas", self.deriver.run, backoff=self.deriver.backoff, on_retry=self.deriver.retrying,
            drain=self.deriver.drain,
        )  # fmt: skip
        await until(lambda: self.deriver._runs)

    async def stop(self) -> None:
        await self.supervisor.stop()
        assert not self.died

    def send(self, signal: Signal, value: float | None, at_s: float, quality: Quality = Quality.GOOD) -> None:
        self.clock.at = max(self.clock.at, NOON + round(at_s * MICROS_PER_S))
        at = Micros(NOON + round(at_s * MICROS_PER_S))
        self.intake.accept(Batch.of("plc", [Sample(SignalId(signal.id), value, quality, at)], self.clock.now()))

    def told(self, number: int) -> list[tuple[float, float | str | None]]:
        return [
            ((sample.source_at - NOON) / MICROS_PER_S, sample.value)
            for sample in self.buffer.samples()
            if sample.signal == number
        ]

    async def reckoned(self, condition: Callable[[], object]) -> None:
        """Let hand-set time pass until something is so."""
        async with asyncio.timeout(90):
            while not condition():
                await self.clock.advance(0.1)
                await asyncio.sleep(0.002)  # For the thread that reckons.

    async def record(self) -> None:
        """Do what the recorder does."""
        fence = await SqlLease(self.database, self.clock).acquire("tests", 3600)
        assert fence is not None
        await self.historian.write(self.buffer.batches[self.recorded_to :], fence)
        self.recorded_to = len(self.buffer.batches)


@asynccontextmanager
async def standing(work: SqlUnitOfWork, url: str, clock: HandClock, *signals: Signal) -> AsyncIterator[Plant]:
    database = Database(url)
    plant = Plant(work, database, clock)
    try:
        await plant.put(*signals)
        await plant.start()
        yield plant
        await plant.stop()
    finally:
        await database.close()


TWICE_FLOW = derived(TWICE, "flow_twice", f"{FLOW.name} * 2")
PEAK_FLOW = derived(PEAK, "flow_peak", f"max({FLOW.name}, 1m)")


async def test_an_outcome_is_shown_and_recorded_at_the_instant_of_its_input(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with standing(work, database_url, clock, TWICE_FLOW) as plant:
        plant.send(FLOW, 4.0, 1.25)
        await plant.reckoned(lambda: plant.told(TWICE))
        assert plant.told(TWICE) == [(1.25, 8.0)]
        shown = plant.latest.sample(TWICE)
        assert shown is not None
        assert (shown.value, shown.quality) == (8.0, Quality.GOOD)
        await plant.record()
        found = (await plant.historian.latest([TWICE]))[0]
        assert (found.value, found.source_at) == (8.0, NOON + 1_250_000)
    assert plant.buffer.positions[CONSUMER] == len(plant.buffer.batches)


async def test_a_lost_input_takes_the_outcome_along_and_its_last_value_stays_on_screen(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with standing(sqlite_work, sqlite_url, clock, TWICE_FLOW) as plant:
        plant.send(FLOW, 4.0, 1)
        await plant.reckoned(lambda: plant.told(TWICE))
        plant.clock.at += 5 * MICROS_PER_S
        plant.intake.stamp([FLOW.id], Quality.BAD_CONNECTION_LOST)
        await plant.reckoned(lambda: len(plant.told(TWICE)) == 2)
        shown = plant.latest.sample(TWICE)
        assert shown is not None
        assert (shown.value, shown.quality) == (8.0, Quality.BAD_WAITING)
        plant.send(FLOW, 5.0, 10)
        await plant.reckoned(lambda: len(plant.told(TWICE)) == 3)
        assert plant.told(TWICE)[-1] == (10.0, 10.0)


async def test_a_derived_signal_of_a_derived_signal_follows(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    again = derived(PEAK, "flow_again", "flow_twice + 1")
    async with standing(sqlite_work, sqlite_url, clock, TWICE_FLOW, again) as plant:
        plant.send(FLOW, 4.0, 1)
        await plant.reckoned(lambda: plant.told(PEAK))
        assert plant.told(PEAK) == [(1.0, 9.0)]


async def test_after_a_crash_the_rest_is_reckoned_over_what_history_and_buffer_hold(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with standing(work, database_url, clock, PEAK_FLOW) as plant:
        plant.send(FLOW, 90.0, 0)
        await plant.reckoned(lambda: len(plant.told(PEAK)) == 1)
        await plant.record()
        plant.send(FLOW, 70.0, 45)  # Confirmed by the deriver, and not recorded yet.
        await plant.reckoned(lambda: len(plant.told(PEAK)) == 2)
    stood = plant.buffer.positions[CONSUMER]
    async with standing(work, database_url, clock) as later:
        # The second life of the same buffer; what came in between was committed and never looked at.
        later.buffer.batches[:] = plant.buffer.batches
        later.buffer.positions[CONSUMER] = stood
        await later.stop()
        missed = Sample(SignalId(FLOW.id), 10.0, Quality.GOOD, Micros(NOON + 61_000_000))
        later.buffer.offer(Batch.of("plc", [missed], clock.now()))
        await later.start()
        await later.reckoned(lambda: len(later.told(PEAK)) == 3)
        assert later.told(PEAK)[-1][0] == 61.0
        assert later.told(PEAK)[-1][1] == pytest.approx(90 - 20 / 45)  # Of the line from 90 to 70, one second on.


async def test_what_was_not_confirmed_is_reckoned_again_and_stored_once(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with standing(work, database_url, clock, TWICE_FLOW) as plant:
        plant.send(FLOW, 4.0, 1)
        await plant.reckoned(lambda: plant.told(TWICE))
        await plant.stop()
        plant.buffer.positions.pop(CONSUMER)
        await plant.start()
        await plant.reckoned(lambda: plant.buffer.positions.get(CONSUMER, 0) >= 2)
        await plant.record()
        assert await plant.historian.count(TWICE, Micros(NOON), Micros(NOON + 10_000_000)) == 1


async def test_a_formula_is_in_force_when_reload_returns_and_looks_back_at_once(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with standing(sqlite_work, sqlite_url, clock) as plant:
        plant.send(FLOW, 50.0, 0)
        await plant.record()
        await plant.put(PEAK_FLOW)
        async with plant.work(EVERY_SITE) as stored:
            plant.intake.reload(await stored.signals.all())
        await plant.deriver.reload()
        plant.send(FLOW, 2.0, 30)
        await plant.reckoned(lambda: plant.told(PEAK))
        assert plant.told(PEAK)[-1] == (30.0, 50.0)
        assert plant.deriver.status.derived == 1


async def test_a_formula_whose_input_has_gone_is_named_and_the_others_go_on(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    broken = derived(PEAK, "broken", f"{SUCTION.name} + 1")
    async with standing(sqlite_work, sqlite_url, clock, TWICE_FLOW, broken) as plant:
        async with plant.work(EVERY_SITE) as stored:
            await stored.plant.delete(Signal, SUCTION.id, "ada", clock.now())
            await stored.commit()
        await plant.deriver.reload()
        assert list(plant.deriver.status.faults) == [PEAK]
        assert "was deleted" in plant.deriver.status.faults[PEAK]
        plant.send(FLOW, 4.0, 1)
        await plant.reckoned(lambda: plant.told(TWICE))


async def test_a_full_buffer_is_tried_again_and_nothing_is_left_out(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with standing(sqlite_work, sqlite_url, clock, TWICE_FLOW) as plant:
        plant.send(FLOW, 4.0, 1)
        plant.buffer.samples_max = 1
        await plant.reckoned(lambda: plant.deriver.status.last_error)
        assert CONSUMER not in plant.buffer.positions
        plant.buffer.samples_max = 1000
        await plant.reckoned(lambda: plant.told(TWICE))
        await plant.reckoned(lambda: not plant.deriver.status.last_error)
        assert plant.told(TWICE)[-1] == (1.0, 8.0)


async def test_what_has_arrived_is_reckoned_before_the_end(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with standing(sqlite_work, sqlite_url, clock, TWICE_FLOW) as plant:
        for second in range(5):
            plant.send(FLOW, float(second), second)
        await settle()
    assert [value for _, value in plant.told(TWICE)] == [0.0, 2.0, 4.0, 6.0, 8.0]


async def test_a_standby_reckons_nothing(sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock) -> None:
    async with standing(sqlite_work, sqlite_url, clock, TWICE_FLOW) as plant:
        stands_by = Intake(plant.intake._book.signals, Bus[Batch](), plant.latest, plant.buffer, clock, lambda: False)
        with pytest.raises(UnavailableError, match="standby"):
            stands_by.derive(Batch.of("x", [Sample(SignalId(TWICE), 1.0, Quality.GOOD, Micros(NOON))], clock.now()))
