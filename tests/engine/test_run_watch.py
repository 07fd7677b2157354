"""Runs found as samples come: names, breaks, late samples, crashes, and what is kept in full around them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.ports import Fence
from pdm_app.domain.runs import Run, RunQuery, RunRule
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.run_watch import CONSUMER, RunWatch
from pdm_app.engine.supervisor import Supervisor
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import P_501, SIGNALS
from tests.engine.memory import MemoryBuffer

FLOW, SUCTION = SIGNALS[0], SIGNALS[1]


def rule(**facts: Any) -> RunRule:
    given = {"id": "rule-1", "site_id": P_501.site_id, "asset_id": P_501.id, "name": "Pumping",
             "condition": f"{FLOW.name} > 4.5", "gap_s": 0, "revision": 1, **facts}  # fmt: skip
    return RunRule.model_validate(given)


class Plant:
    """A watch with everything around it, over a real database; time is set by hand."""

    def __init__(self, work: SqlUnitOfWork, database: Database, clock: HandClock) -> None:
        self.work, self.clock, self.database = work, clock, database
        self.buffer = MemoryBuffer()
        self.historian = SqlHistorian(database, clock)
        self.died: list[BaseException] = []
        self.fence: Fence | None = None

    async def put(self, one: RunRule) -> None:
        async with self.work(EVERY_SITE) as work:
            await work.runs.put_rule(one)
            await work.commit()

    async def _held(self) -> Fence:
        if self.fence is None:
            self.fence = await SqlLease(self.database, self.clock).acquire("tests", 86_400)
            assert self.fence is not None
        return self.fence

    async def start(self) -> None:
        self.watch = RunWatch(self.buffer, self.historian, self.work, self.clock, self._held)
        self.supervisor = Supervisor(self.clock, lambda _child, error: self.died.append(error))
        self.supervisor.start("runs", self.watch.run, backoff=self.watch.backoff, on_retry=self.watch.retrying)
        await until(lambda: self.watch._runs)

    async def crash(self) -> None:
        """End as a kill would: nothing is drained."""
        await self.supervisor.stop()
        await self.start()

    def send(self, *values: float | None, at_s: float, signal: Any = FLOW) -> None:
        """Offer samples of a signal, a second apart."""
        rows = [
            Sample(SignalId(signal.id), value, Quality.GOOD if value is not None else Quality.BAD_STALE,
                   Micros(NOON + round((at_s + place) * MICROS_PER_S)))
            for place, value in enumerate(values)
        ]  # fmt: skip
        self.clock.at = max(self.clock.at, rows[-1].source_at)
        self.buffer.offer(Batch.of("plc", rows, self.clock.now()))

    async def looked(self) -> None:
        """Let the watch look at everything that was sent."""
        await self._until(lambda: self.buffer.positions.get(CONSUMER, 0) == len(self.buffer.batches))

    async def _until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(90):
            while not condition():
                await self.clock.advance(0.2)
                await asyncio.sleep(0.002)  # For the thread that reckons.

    async def found(self) -> list[Run]:
        async with self.work(EVERY_SITE) as work:
            return list(reversed(await work.runs.page(RunQuery())))

    async def spans(self) -> list[tuple[float, float | None]]:
        def seconds(at: int | None) -> float | None:
            return None if at is None else (at - NOON) / MICROS_PER_S

        return [((run.started_at - NOON) / MICROS_PER_S, seconds(run.ended_at)) for run in await self.found()]


@asynccontextmanager
async def standing(work: SqlUnitOfWork, url: str, clock: HandClock, *rules: RunRule) -> AsyncIterator[Plant]:
    database = Database(url)
    plant = Plant(work, database, clock)
    try:
        for one in rules:
            await plant.put(one)
        await plant.start()
        yield plant
        await plant.supervisor.stop()
        assert not plant.died
    finally:
        await database.close()


async def test_a_run_is_there_while_it_goes_on_and_ends_with_its_condition(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with standing(work, database_url, clock, rule(product="Lacquer")) as plant:
        plant.send(1.0, 2.0, 5.0, 6.0, at_s=0)
        await plant.looked()
        assert await plant.spans() == [(2.0, None)]
        plant.send(1.0, 1.0, at_s=4)
        await plant.looked()
        (run,) = await plant.found()
        assert (run.name, run.product, run.started_by) == ("Pumping 1", "Lacquer", "rule")
        plant.send(9.0, 0.0, 0.0, at_s=10)
        await plant.looked()
        assert await plant.spans() == [(2.0, 4.0), (10.0, 11.0)]
        assert [each.name for each in await plant.found()] == ["Pumping 1", "Pumping 2"]


@pytest.mark.parametrize("crash_after", [1, 2, 3, 4])
async def test_a_crash_anywhere_finds_the_same_runs_once(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock, crash_after: int
) -> None:
    pieces: Sequence[Sequence[float]] = [(1.0, 5.0), (6.0, 1.0), (7.0, 7.0), (0.0, 0.0), (8.0, 8.0)]
    async with standing(sqlite_work, sqlite_url, clock, rule()) as plant:
        for place, piece in enumerate(pieces):
            plant.send(*piece, at_s=2 * place)
            if place == crash_after:
                await plant.crash()  # Whatever of this piece was looked at already.
            await plant.looked()
        assert await plant.spans() == [(1.0, 3.0), (4.0, 6.0), (8.0, None)]
        assert [run.name for run in await plant.found()] == ["Pumping 1", "Pumping 2", "Pumping 3"]


async def test_late_samples_move_edges_and_take_back_what_was_none(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with standing(sqlite_work, sqlite_url, clock, rule(condition=f"{SUCTION.name} > 4.5")) as plant:
        plant.send(0.0, at_s=0, signal=SUCTION)
        plant.send(9.0, 9.0, 0.0, at_s=20, signal=SUCTION)
        plant.send(0.0, at_s=40, signal=SUCTION)
        await plant.looked()
        assert await plant.spans() == [(20.0, 22.0)]
        plant.send(9.0, at_s=18, signal=SUCTION)
        await plant.looked()
        assert await plant.spans() == [(18.0, 22.0)]


async def test_the_name_is_what_a_signal_says_at_the_beginning(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with standing(sqlite_work, sqlite_url, clock, rule(id_signal_id=SUCTION.id)) as plant:
        batch = Batch.of("plc", [Sample(SignalId(SUCTION.id), 4711.0, Quality.GOOD, Micros(NOON))], clock.now())
        await plant.historian.write([batch.numbered(900)], await plant._held())
        plant.send(5.0, 0.0, at_s=1)
        await plant.looked()
        assert [run.name for run in await plant.found()] == ["4711"]


async def test_every_sample_around_an_event_is_kept_also_from_before_it(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    wanted = rule(full_rate=True, pre_s=3, post_s=2, signals=(SUCTION.id,), kind="event", gap_s=0)
    async with standing(sqlite_work, sqlite_url, clock, wanted) as plant:
        plant.send(*[float(step) for step in range(20)], at_s=0, signal=SUCTION)
        plant.send(*[0.0] * 10, 9.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0, at_s=0)
        await plant.looked()
        kept = (await plant.historian.samples([SUCTION.id], Micros(NOON), Micros(NOON + 60 * MICROS_PER_S), 100))[
            SUCTION.id
        ]
        assert kept.value.tolist() == [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0], "10 to 12, 3 s before, 2 s after"


async def test_a_rule_whose_signal_is_gone_says_so_and_the_others_go_on(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    broken = rule(id="rule-2", condition="Nothing_of_this_name > 1")
    async with standing(sqlite_work, sqlite_url, clock, rule(), broken) as plant:
        plant.send(5.0, at_s=0)
        await plant.looked()
        assert await plant.spans() == [(0.0, None)]
        assert "Nothing_of_this_name" in plant.watch.faults["rule-2"]


async def test_a_renamed_signal_takes_the_rule_along_only_once_it_is_named_anew(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with standing(sqlite_work, sqlite_url, clock, rule()) as plant:
        async with sqlite_work(EVERY_SITE) as work:
            await work.signals.put([FLOW.model_copy(update={"name": "Flow_of_water"})])
            await work.commit()
        await plant.watch.reload()
        assert FLOW.name in plant.watch.faults["rule-1"]
        await plant.put(rule(condition="Flow_of_water > 4.5"))
        await plant.watch.reload()
        assert plant.watch.faults == {}
        plant.send(5.0, at_s=0)
        await plant.looked()
        assert await plant.spans() == [(0.0, None)]
