"""Derived signals are recalculated over history: exactly, in order, watched, and stopped when somebody says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.history import Tier
from pdm_app.domain.jobs import JobState
from pdm_app.domain.ports import Fence
from pdm_app.domain.recalculations import Recalculation
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.domain.signals import Signal
from pdm_app.services import recalculations
from pdm_app.services.derived_signals import resolved
from pdm_app.services.recalculations import RecalculationService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.history_notes import SqlHistoryNotes
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.removed_spans import note_removed
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, person
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import P_501, SIGNALS

FLOW, SUCTION = SIGNALS[0], SIGNALS[1]
TWICE, ABOVE, OTHER = 901, 902, 903
HOUR = 3600 * MICROS_PER_S


def derived(number: int, name: str, formula: str) -> Signal:
    return Signal(id=number, site_id=P_501.site_id, asset_id=P_501.id, name=name, label=name, formula=formula)


def rows(signal: int, at_s: list[float], value: list[float], seq: int) -> Batch:
    return Batch(
        device="plc",
        signal=np.full(len(value), signal, np.uint32),
        source_at=np.array([NOON + round(second * MICROS_PER_S) for second in at_s], np.int64),
        value=np.array(value),
        quality=np.zeros(len(value), np.uint16),
        received_at=Micros(NOON + 3 * HOUR),
        seq=seq,
    )


class Desk:
    """The service over two hours of one signal: 0, 1, 2 … every ten seconds."""

    def __init__(self, work: SqlUnitOfWork, historian: SqlHistorian, clock: HandClock, fence: Fence) -> None:
        async def held() -> Fence:
            await self.gate.wait()
            return fence

        self.gate = asyncio.Event()
        self.gate.set()
        self.work, self.historian = work, historian
        self.faults: dict[int, str] = {}
        self.service = RecalculationService(work, historian, clock, held, lambda: self.faults)

    async def over(self, job: Recalculation) -> Recalculation:
        def now() -> Recalculation:
            return next(each for each in self.service.all(ADA) if each.id == job.id)

        await until(lambda: now().state.is_over)
        return now()

    async def values(self, signal: int) -> list[float | None]:
        found = await self.historian.samples([signal], Micros(NOON), Micros(NOON + 10 * HOUR), 100_000)
        return [None if np.isnan(value) else value for value in found[signal].value.tolist()]


@asynccontextmanager
async def desk_of(work: SqlUnitOfWork, url: str, clock: HandClock) -> AsyncIterator[Desk]:
    clock.at = NOON + 3 * HOUR
    database = Database(url)
    running = None
    try:
        historian = SqlHistorian(database, clock)
        fence = await SqlLease(database, clock).acquire("tests", 36_000)
        assert fence is not None
        seconds = [10.0 * row for row in range(720)]
        await historian.write([rows(FLOW.id, seconds, [float(row) for row in range(720)], 1)], fence)
        async with work(EVERY_SITE) as stored:
            for signal in (
                derived(TWICE, "Twice", f"{FLOW.name} * 2"),
                derived(ABOVE, "Above", "max(Twice, 1m) + 1"),
                derived(OTHER, "Other", f"{SUCTION.name} + 1"),
            ):
                await stored.signals.put([await resolved(stored, signal)])
            await stored.commit()
        desk = Desk(work, historian, clock, fence)
        running = asyncio.create_task(desk.service.run())
        yield desk
    finally:
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        await database.close()


async def test_the_old_outcomes_go_and_those_of_the_formula_come_with_all_that_read_them(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with desk_of(work, database_url, clock) as desk:
        fence = await desk.service._fence()
        await desk.historian.write([rows(TWICE, [5.0, 7.5], [777.0, 888.0], 2)], fence)
        job = await desk.over(await desk.service.ask(ADA, TWICE, Micros(NOON), Micros(NOON + 2 * HOUR)))
        assert (job.state, job.share, job.problem) == (JobState.DONE, 1.0, "")
        assert job.signals == (TWICE, ABOVE)
        assert (job.written, job.replaced) == (1440, 2)
        assert await desk.values(TWICE) == [2.0 * row for row in range(720)]
        assert await desk.values(ABOVE) == [2.0 * row + 1 for row in range(720)]
        assert await desk.values(OTHER) == []
        async with desk.work(EVERY_SITE) as stored:
            entries = await stored.audit.page(AuditQuery())
        assert [entry.action for entry in entries][:1] == ["signals.recalculated"]


async def test_a_span_of_which_samples_were_removed_is_refused_and_says_from_when_on_they_are_there(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with desk_of(sqlite_work, sqlite_url, clock) as desk:
        database = Database(sqlite_url)
        async with database.writing("note what retention removed") as connection:
            await note_removed(connection, Tier.RAW, {FLOW.id: [(NOON - HOUR, NOON + HOUR)]})
        desk.service._notes = SqlHistoryNotes(database)
        with pytest.raises(InvalidInputError, match="removed by a rule of retention") as refused:
            await desk.service.ask(ADA, TWICE, Micros(NOON), Micros(NOON + 2 * HOUR))
        assert refused.value.facts["from_at"] == NOON + HOUR
        job = await desk.over(await desk.service.ask(ADA, TWICE, Micros(NOON + HOUR), Micros(NOON + 2 * HOUR)))
        assert (job.state, job.written) == (JobState.DONE, 720), "of both derived signals"
        await database.close()


async def test_a_part_of_history_is_put_anew_and_the_rest_stays(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with desk_of(sqlite_work, sqlite_url, clock) as desk:
        begin, end = Micros(NOON + 100 * MICROS_PER_S), Micros(NOON + 200 * MICROS_PER_S)
        await desk.over(await desk.service.ask(ADA, ABOVE, begin, end))
        assert await desk.values(ABOVE) == [], "what it reads has no history yet"
        await desk.over(await desk.service.ask(ADA, TWICE, begin, end))
        assert await desk.values(TWICE) == [2.0 * row for row in range(10, 20)]


async def test_a_rich_span_is_cut_until_it_can_be_read(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalculations, "SAMPLES_MAX", 50)
    monkeypatch.setattr(recalculations, "SAMPLES_WANTED", 40)
    async with desk_of(sqlite_work, sqlite_url, clock) as desk:
        job = await desk.over(await desk.service.ask(ADA, TWICE, Micros(NOON), Micros(NOON + 2 * HOUR)))
        assert job.state is JobState.DONE
        assert await desk.values(ABOVE) == [2.0 * row + 1 for row in range(720)]


async def test_one_that_looks_back_on_more_than_can_be_read_fails_with_the_reason(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalculations, "SAMPLES_MAX", 3)
    async with desk_of(sqlite_work, sqlite_url, clock) as desk:
        job = await desk.over(await desk.service.ask(ADA, TWICE, Micros(NOON), Micros(NOON + HOUR)))
        assert job.state is JobState.FAILED
        assert "looks back on too many samples" in job.problem


async def test_one_that_runs_and_one_that_waits_are_cancelled_and_a_third_is_not_hindered(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with desk_of(sqlite_work, sqlite_url, clock) as desk:
        desk.gate.clear()
        running = await desk.service.ask(ADA, TWICE, Micros(NOON), Micros(NOON + 2 * HOUR))
        await until(lambda: desk.service.all(ADA)[0].state is JobState.RUNNING)
        waiting = await desk.service.ask(ADA, OTHER, Micros(NOON), Micros(NOON + HOUR))
        with pytest.raises(ConflictError, match="already"):
            await desk.service.ask(ADA, ABOVE, Micros(NOON), Micros(NOON + HOUR))
        assert (await desk.service.cancel(ADA, waiting.id)).state is JobState.CANCELLED
        await desk.service.cancel(ADA, running.id)
        desk.gate.set()
        assert (await desk.over(running)).state is JobState.CANCELLED
        with pytest.raises(ConflictError, match="is over"):
            await desk.service.cancel(ADA, running.id)
        third = await desk.service.ask(ADA, TWICE, Micros(NOON), Micros(NOON + HOUR))
        assert (await desk.over(third)).state is JobState.DONE


async def test_who_may_ask_for_what(sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock) -> None:
    async with desk_of(sqlite_work, sqlite_url, clock) as desk:
        with pytest.raises(PermissionDeniedError):
            await desk.service.ask(person("vera", Role.VIEWER), TWICE, Micros(NOON), Micros(NOON + HOUR))
        stranger = person("gustav", Role.ENGINEER, "graz")
        with pytest.raises(NotFoundError):
            await desk.service.ask(stranger, TWICE, Micros(NOON), Micros(NOON + HOUR))
        with pytest.raises(InvalidInputError, match="measured"):
            await desk.service.ask(ADA, FLOW.id, Micros(NOON), Micros(NOON + HOUR))
        with pytest.raises(InvalidInputError, match="empty"):
            await desk.service.ask(ADA, TWICE, Micros(NOON + 9 * HOUR), Micros(NOON + 10 * HOUR))
        job = await desk.over(await desk.service.ask(ADA, TWICE, Micros(NOON), Micros(NOON + HOUR)))
        assert desk.service.all(stranger) == ()
        with pytest.raises(NotFoundError):
            await desk.service.cancel(stranger, job.id)


async def test_the_derived_signals_are_listed_with_what_keeps_one_from_being_reckoned(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with desk_of(sqlite_work, sqlite_url, clock) as desk:
        desk.faults[OTHER] = "Column 1: it was deleted."
        listed = await desk.service.derived(ADA)
        assert [(one.signal.name, one.fault) for one in listed] == [
            ("Above", ""), ("Other", "Column 1: it was deleted."), ("Twice", ""),
        ]  # fmt: skip
        assert await desk.service.derived(person("gustav", Role.ENGINEER, "graz")) == ()
