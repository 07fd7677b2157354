"""Production as samples come: live as from history, after restarts, with late samples and what people say of stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import Totals
from pdm_app.domain.oee_explained import Kpi
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.shifts import Shift, ShiftDay
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.domain.stop_edits import EditKind, StopEditFacts
from pdm_app.engine.production_watch import ProductionWatch
from pdm_app.services.production import ProductionService
from pdm_app.services.stops import StopService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus, Overflow, Reader
from pdm_app.stream.production_book import ProductionBook
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import C_201
from tests.counterparts.production import BEGIN_AT, HOUR_US, calendar, reason_id, reasons, unit

S = MICROS_PER_S
STATE, MADE, GOOD = 71, 72, 73
RUNS, WAITS, STANDS, BROKEN = 0.0, 1.0, 3.0, 5.0
LINE = C_201.line_id
SIGNALS = tuple(
    Signal(
        id=number,
        site_id="graz",
        asset_id=C_201.id,
        name=name,
        label=name,
        data_type=DataType.INTEGER,
        shape=Shape.STEP,
    )
    for number, name in ((STATE, "Stop_Reason"), (MADE, "In_Count"), (GOOD, "Out_Count"))
)
UNIT = unit(
    "graz", C_201.id, LINE, STATE, made_signal_id=MADE, good_signal_id=GOOD, counter_modulus=65_536, gap_s=86_400
)


def person(role: Role, *sites: str) -> Actor:
    return Actor(
        id=str(role), name=f"{role}.one", role=role, scope=Scope(sites=frozenset(sites or ("graz",))),
        permissions=ROLE_PERMISSIONS[role],
    )  # fmt: skip


OLGA, MAX, VERA = person(Role.OPERATOR), person(Role.MANAGER), person(Role.VIEWER)


class Plant:
    """A watch with all around it over a real database; it goes a step when told."""

    def __init__(self, work: SqlUnitOfWork, database: Database, clock: HandClock) -> None:
        self.work, self.clock, self.database = work, clock, database
        self.historian = SqlHistorian(database, clock)
        self.seq = 0
        self.fence: Fence | None = None
        self.known_since = 0
        self.begin()

    def begin(self) -> None:
        """Begin as a process does: nothing of the one before is known but what is stored."""
        self.bus, self.book = Bus[Batch](), ProductionBook()
        self.watch = ProductionWatch(
            self.book, self.bus, self.historian, self.work, self.clock, self.held, lambda: self.known_since
        )
        self.production = ProductionService(self.work, self.book, self.clock)
        self.stops = StopService(self.work, self.book, self.clock)

    async def held(self) -> Fence:
        if self.fence is None:
            self.fence = await SqlLease(self.database, self.clock).acquire("tests", 10 * 86_400)
            assert self.fence is not None
        return self.fence

    async def send(self, *samples: tuple[int, float, float | None], reader: bool = True) -> None:
        """Record samples as (signal, second of the shift, value) and publish them; None is a bad one."""
        rows = [
            Sample(
                SignalId(signal), value, Quality.GOOD if value is not None else Quality.BAD_STALE,
                Micros(BEGIN_AT + round(at_s * S)),
            )
            for signal, at_s, value in samples
        ]  # fmt: skip
        self.seq += 1
        batch = Batch.of("plc", rows, self.clock.now()).numbered(self.seq)
        await self.historian.write([batch], await self.held())
        if reader:
            self.bus.publish(batch)

    async def step(self, reader: Reader[Batch], at_s: float) -> None:
        self.clock.at = BEGIN_AT + round(at_s * S)
        await self.watch.step(reader)

    async def totals(self, begin_h: float = 0, end_h: float = 8) -> Totals:
        line = await self.production.line(
            OLGA, LINE, BEGIN_AT + round(begin_h * HOUR_US), BEGIN_AT + round(end_h * HOUR_US)
        )
        return line.overview.period.totals


@asynccontextmanager
async def standing(work: SqlUnitOfWork, url: str) -> AsyncIterator[Plant]:
    database = Database(url)
    try:
        async with work(EVERY_SITE) as writing:
            await writing.signals.put(SIGNALS)
            await writing.shifts.put(calendar("graz"))
            for reason in reasons("graz"):
                await writing.production.put_reason(reason)
            await writing.production.put_unit(UNIT)
            await writing.commit()
        yield Plant(work, database, HandClock(BEGIN_AT))
    finally:
        await database.close()


async def first_hours(plant: Plant, reader: Reader[Batch]) -> None:
    """From 06:00: two hours of running, a stop of twenty minutes, a short one, a breakdown; 8,000 pieces, 40 lost."""
    await plant.step(reader, 1)
    await plant.send((STATE, 0, RUNS), (MADE, 0, 60_000), (GOOD, 0, 100))
    await plant.step(reader, 3_600)
    await plant.send((MADE, 3_600, 60_000 + 5_000), (GOOD, 3_600, 5_080), (STATE, 7_200, STANDS), (STATE, 8_400, RUNS))
    await plant.step(reader, 8_401)
    await plant.send((MADE, 9_000, 2_464), (GOOD, 9_000, 8_060), (STATE, 9_100, WAITS), (STATE, 9_160, RUNS))
    await plant.send((STATE, 10_000, BROKEN), (STATE, 10_600, RUNS))
    await plant.step(reader, 10_800)


FIRST = Totals(
    idle_us=1_200 * S, minor_us=60 * S, breakdown_us=600 * S, running_us=8_940 * S, uncategorised_us=1_800 * S,
    order_us=10_800 * S, stops=2, minor_stops=1, failures=1, made=8_000, good=7_960, scrap=40, ideal_made_s=4_000,
    ideal_good_s=3_980,
)  # fmt: skip


async def test_a_shift_is_told_live_and_the_same_from_history_after_a_restart(
    work: SqlUnitOfWork, database_url: str
) -> None:
    async with standing(work, database_url) as plant:
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await first_hours(plant, reader)
            assert await plant.totals() == FIRST
        plant.begin()
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.step(reader, 10_800)
            assert await plant.totals() == FIRST
            await plant.step(reader, 10_861)
            states = await plant.production.timeline(OLGA, C_201.id, BEGIN_AT, BEGIN_AT + 8 * HOUR_US)
            assert [(edge - BEGIN_AT) // S for edge in states.edge_at] == [
                0,
                7_200,
                8_400,
                9_100,
                9_160,
                10_000,
                10_600,
                10_861,
            ]
            assert states.state[3] is MachineState.MINOR_STOP


async def test_what_is_over_is_stored_and_derived_again_for_late_samples_unless_it_is_locked(
    sqlite_work: SqlUnitOfWork, sqlite_url: str
) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await first_hours(plant, reader)
            await plant.step(reader, 28_830)
            whole = await plant.totals()
            assert whole == FIRST.model_copy(update={"running_us": 26_940 * S, "order_us": 28_800 * S})
            await plant.send((STATE, 20_000, STANDS), (STATE, 20_300, RUNS))
            await plant.step(reader, 28_840)
            assert (await plant.totals()).idle_us == 1_500 * S
            overview = (await plant.production.line(MAX, LINE, BEGIN_AT, BEGIN_AT + 8 * HOUR_US)).shifts[0]
            await plant.stops.lock(MAX, overview.shift_id)
            await plant.send((STATE, 21_000, STANDS), (STATE, 21_300, RUNS))
            await plant.step(reader, 28_850)
            assert (await plant.totals()).idle_us == 1_500 * S
            with pytest.raises(InvalidInputError, match="for a reason"):
                await plant.stops.unlock(MAX, overview.shift_id, " ")
            await plant.stops.unlock(MAX, overview.shift_id, "the counter was repaired")
            await plant.step(reader, 28_860)
            await plant.step(reader, 28_861)
            assert (await plant.totals()).idle_us == 1_800 * S


async def test_a_process_that_was_down_finds_the_shifts_it_has_missed(
    sqlite_work: SqlUnitOfWork, sqlite_url: str
) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        await plant.send((STATE, 0, RUNS), (MADE, 0, 0), (GOOD, 0, 0), reader=False)
        await plant.send((MADE, 20_000, 10_000), (GOOD, 20_000, 10_000), (STATE, 28_000, BROKEN), reader=False)
        await plant.send((STATE, 30_000, RUNS), (MADE, 40_000, 20_000), (GOOD, 40_000, 19_000), reader=False)
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            for second in range(5):
                await plant.step(reader, 60_000 + second)
        day = await plant.totals(0, 24)
        assert day.calendar_us == 60_004 * S
        assert (day.made, day.good, day.scrap) == (20_000, 19_000, 1_000)
        assert day.breakdown_us == 2_000 * S
        assert day.failures == 1  # It goes on over the change of shifts, and is one.
        assert added_up(day)


async def test_a_past_that_is_put_in_later_counts_in_the_shift_that_runs(
    sqlite_work: SqlUnitOfWork, sqlite_url: str
) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        plant.known_since = BEGIN_AT + 1
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.send((STATE, 7_000, RUNS))
            await plant.step(reader, 7_200)
            assert (await plant.totals()).no_data_us == 7_000 * S
            await plant.send((STATE, 0, BROKEN), (STATE, 3_600, RUNS), reader=False)
            await plant.step(reader, 7_210)
            assert (await plant.totals()).no_data_us == 7_000 * S
            plant.known_since = BEGIN_AT
            await plant.step(reader, 7_220)
            await plant.step(reader, 7_221)
            totals = await plant.totals()
            assert (totals.no_data_us, totals.breakdown_us) == (0, 3_600 * S)


async def test_days_worked_by_another_calendar_stay_as_they_were_and_count_once(
    sqlite_work: SqlUnitOfWork, sqlite_url: str
) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        await plant.send((STATE, 0, RUNS), (MADE, 0, 0), (GOOD, 0, 0), reader=False)
        await plant.send((MADE, 20_000, 10_000), (GOOD, 20_000, 10_000), reader=False)
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.step(reader, 28_900)
            assert (await plant.totals()).made == 10_000
            async with plant.work(EVERY_SITE) as writing:
                long = ShiftDay(shifts=(Shift(name="Long", begin="07:00", end="07:00"),))
                await writing.shifts.put(calendar("graz").model_copy(update={"days": (long,)}))
                await writing.commit()
            for second in range(4):
                await plant.step(reader, 150_000 + 700 * second)
        async with plant.work(EVERY_SITE) as reading:
            kept = await reading.production.sums([C_201.id], BEGIN_AT - 48 * HOUR_US, BEGIN_AT + 96 * HOUR_US)
        assert all(one.end_at <= other.begin_at for one, other in pairwise(kept))
        assert sum(one.totals.made for one in kept) == 10_000


def added_up(totals: Totals) -> bool:
    return totals.calendar_us == totals.busy_us + totals.planned_us + totals.no_data_us + totals.unscheduled_us


async def test_time_of_which_nothing_is_stored_is_time_without_data(
    sqlite_work: SqlUnitOfWork, sqlite_url: str
) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await first_hours(plant, reader)
        totals = await plant.totals(-48, 8)
        assert totals.no_data_us == 48 * HOUR_US
        assert totals.calendar_us == 48 * HOUR_US + 10_800 * S
        (line,) = await plant.production.overview(OLGA, "graz", BEGIN_AT - 48 * HOUR_US, BEGIN_AT + 8 * HOUR_US)
        assert sum(bar.seconds for bar in line.period.waterfall) + line.period.productive_s == pytest.approx(
            line.period.calendar_s, abs=0.5
        )
        assert (line.rated_by, line.target_oee, line.uncategorised) == (("C-201",), 0.75, 2)
        assert line.week_before.figures.oee is None


async def test_a_reason_counts_at_once_and_stays_when_late_samples_move_the_stop(
    work: SqlUnitOfWork, database_url: str
) -> None:
    async with standing(work, database_url) as plant:
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await first_hours(plant, reader)
            span = (BEGIN_AT, BEGIN_AT + 8 * HOUR_US)
            await plant.step(reader, 10_870)  # A minute later it is stored, too.
            stops = await plant.stops.all(OLGA, LINE, *span, open_only=True)
            assert [(stop.begin_at - BEGIN_AT) // S for stop in stops] == [10_000, 7_200]
            said = await plant.stops.say(OLGA, C_201.id, reasoned(7_900, "mould"))
            totals = await plant.totals()
            assert (totals.setup_us, totals.idle_us, totals.uncategorised_us) == (1_200 * S, 0, 600 * S)
            await plant.send((STATE, 8_350, RUNS))  # It ended earlier than was thought.
            await plant.step(reader, 10_871)
            await plant.step(reader, 10_872)
            assert (await plant.totals()).setup_us == 1_150 * S
            assert len(await plant.stops.all(OLGA, LINE, *span, open_only=True)) == 1
            await plant.stops.take_back(OLGA, said.shift_id, said.id)
            totals = await plant.totals()
            assert (totals.setup_us, totals.idle_us) == (0, 1_150 * S)
            with pytest.raises(NotFoundError):
                await plant.stops.take_back(OLGA, said.shift_id, said.id)
        async with plant.work(EVERY_SITE) as reading:
            entries = await reading.audit.page(AuditQuery(site_id="graz", limit=10))
        assert [entry.action for entry in entries] == ["stops.taken_back", "stops.reasoned"]


async def test_who_may_not_or_says_it_of_no_stop_is_refused(sqlite_work: SqlUnitOfWork, sqlite_url: str) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await first_hours(plant, reader)
            with pytest.raises(PermissionDeniedError):
                await plant.stops.say(VERA, C_201.id, reasoned(7_900, "jam"))
            with pytest.raises(InvalidInputError, match="C-201 has no stop"):
                await plant.stops.say(OLGA, C_201.id, reasoned(100, "jam"))
            with pytest.raises(InvalidInputError, match="Nothing is known"):
                await plant.stops.say(OLGA, C_201.id, reasoned(-100, "jam"))
            with pytest.raises(NotFoundError, match="no reason"):
                await plant.stops.say(OLGA, C_201.id, reasoned(7_900, "jim"))
            with pytest.raises(NotFoundError):
                await plant.stops.say(person(Role.OPERATOR, "pune"), C_201.id, reasoned(7_900, "jam"))
            await plant.stops.say(OLGA, C_201.id, StopEditFacts(kind=EditKind.CUT, at=BEGIN_AT + 7_800 * S))
            await plant.stops.say(OLGA, C_201.id, reasoned(7_799, "jam"))
            assert (await plant.totals()).failures == 2
            await plant.step(reader, 10_900)
            shift = (await plant.production.line(MAX, LINE, BEGIN_AT, BEGIN_AT + 8 * HOUR_US)).shifts[0]
            with pytest.raises(ConflictError, match="runs still"):
                await plant.stops.lock(MAX, shift.shift_id)
            with pytest.raises(PermissionDeniedError):
                await plant.stops.lock(OLGA, shift.shift_id)
            await plant.step(reader, 28_900)
            await plant.stops.lock(MAX, shift.shift_id)
            with pytest.raises(ConflictError, match="locked this shift"):
                await plant.stops.say(OLGA, C_201.id, reasoned(7_900, "jam"))


async def test_a_figure_says_why_it_is_what_it_is(sqlite_work: SqlUnitOfWork, sqlite_url: str) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await first_hours(plant, reader)
        told = await plant.production.explain(VERA, LINE, BEGIN_AT, BEGIN_AT + 8 * HOUR_US, Kpi.OEE)
        assert told.value == pytest.approx(3_980 / 10_800)
        line = await plant.production.line(VERA, LINE, BEGIN_AT, BEGIN_AT + 8 * HOUR_US)
        assert [(one.state, one.seconds, one.count) for one in line.reasons] == [
            ("idle", 1_200, 1), ("down", 600, 1), ("minor_stop", 60, 1),
        ]  # fmt: skip
        assert line.machines[0].state is MachineState.RUNNING


def reasoned(at_s: int, use: str) -> StopEditFacts:
    return StopEditFacts(kind=EditKind.REASON, at=max(BEGIN_AT + at_s * S, 0), reason_id=reason_id("graz", use))
