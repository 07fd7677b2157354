"""The past of the demo plant as its own rules judge it: in order, answered, told to nobody, and always the same."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalEntry, JournalKind, JournalQuery
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.past import PastPiece
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.engine import past_alarms
from pdm_app.engine.past_alarms import ANSWERED_WITHIN_S, HANDED_OVER, PastAlarms, Shift
from pdm_app.services.provisioning import provision
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.past import DAY_US, HOUR_US, DemoPast
from pdm_app.simulation.plant import northfield
from pdm_app.simulation.story import repaired
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.counterparts.templates import begin_migrated

SINCE = Micros(1_795_267_249_940_791)  # 2026-11-21 13:20:49 UTC.
PUMP = "p-501"
PEOPLE = ("olga.operator", "erin.engineer")
EVERYTHING = JournalQuery(limit=500)


class AWeek(DemoPast):
    """The small plant's pieces from a little before its pump cavitated to a little after, and the newest one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, labels_at_start(None, SINCE, PlantSize.SMALL), 30)
        [fault] = [each for each in repaired(SINCE) if each.asset_code == "P-501"]
        assert fault.cleared_at is not None
        touched = (fault.injected_at - HOUR_US, fault.cleared_at + 2 * HOUR_US)
        near = [piece for piece in self.pieces if piece.end_at > touched[0] and piece.start_at < touched[1]]
        running = next(piece for piece in self.pieces if not piece.is_sketch)
        self.pieces: Sequence[PastPiece] = (running, *near)


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    await begin_migrated(database)
    await provision(SqlUnitOfWork(database), northfield(size=PlantSize.SMALL), SINCE)
    yield database
    await database.close()


async def judging(database: Database, folder: Path) -> PastAlarms:
    clock = WallClock()
    fence = await SqlLease(database, clock).acquire("test", 600)
    assert fence is not None

    async def held() -> Fence:
        assert fence is not None
        return fence

    filled = asyncio.Event()
    filled.set()
    return PastAlarms(AWeek(folder), filled.wait, SqlUnitOfWork(database), clock, held, PEOPLE)


async def stored(database: Database) -> tuple[list[JournalEntry], dict[str, Alarm]]:
    """The whole journal, oldest first, and its alarms."""
    async with SqlUnitOfWork(database)(EVERY_SITE) as work:
        entries = list(reversed(await work.alarms.journal(EVERYTHING)))
        found = [await work.alarms.get(id) for id in {entry.alarm_id for entry in entries}]
        assert await work.alarms.standing() == []
    return entries, {alarm.id: alarm for alarm in found if alarm is not None}


async def test_a_pump_that_cavitated_a_week_ago_has_its_alarm_answered_and_over(
    database: Database, tmp_path: Path
) -> None:
    await (await judging(database, tmp_path)).run()
    entries, alarms = await stored(database)
    [fault] = [each for each in repaired(SINCE) if each.asset_code == "P-501"]
    low = [entry for entry in entries if entry.rule_id == "p-501-suction-pressure-low"]
    assert [entry.kind for entry in low[:1]] == [JournalKind.RAISED]
    assert fault.cleared_at is not None
    assert fault.injected_at < low[0].at < fault.cleared_at
    assert {entry.kind for entry in low} == {JournalKind.RAISED, JournalKind.ACKNOWLEDGED, JournalKind.RETURNED}
    [answered] = [entry for entry in low if entry.kind is JournalKind.ACKNOWLEDGED]
    least, most = ANSWERED_WITHIN_S[2]
    assert least <= (answered.at - low[0].at) / MICROS_PER_S <= most
    assert answered.actor in PEOPLE
    alarm = alarms[low[0].alarm_id]
    assert (alarm.state, alarm.simulated, alarm.acknowledged_by) == (AlarmState.NORMAL, True, answered.actor)
    for one in alarms:
        times = [entry.at for entry in entries if entry.alarm_id == one]
        assert times == sorted(times)
    assert max(entry.at for entry in entries) <= SINCE


async def test_nobody_is_told_and_nothing_is_said_to_have_been_done_by_a_person(
    database: Database, tmp_path: Path
) -> None:
    await (await judging(database, tmp_path)).run()
    async with SqlUnitOfWork(database)(EVERY_SITE) as work:
        assert list(await work.outbox.events(100)) == []
        trail = await work.audit.page(AuditQuery(limit=100))
    assert not {entry.action for entry in trail if entry.action.startswith("alarms.")}


async def test_what_was_cut_short_is_found_again_and_what_is_judged_is_left_alone(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_alarms, "ENTRIES_PER_SAVE", 2)
    cut = await judging(database, tmp_path)
    fence, asked = cut._fence, 0

    async def fails_the_second_time() -> Fence:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise UnavailableError("The database does not answer.")
        return await fence()

    cut._fence = fails_the_second_time
    with pytest.raises(UnavailableError):
        await cut.run()
    half, _ = await stored(database)
    assert len(half) == 2
    again = await judging(database, tmp_path)
    await again.run()
    whole, alarms = await stored(database)
    assert [entry.id for entry in half] == [entry.id for entry in whole if entry in half]
    assert len(whole) > len(half)

    async def not_again() -> Fence:
        raise AssertionError("it is judged")

    done = await judging(database, tmp_path)
    done._fence = not_again
    await done.run()
    assert await stored(database) == (whole, alarms)


async def test_what_stands_when_the_live_plant_begins_is_ended_there(database: Database, tmp_path: Path) -> None:
    work = SqlUnitOfWork(database)
    signal = northfield(size=PlantSize.SMALL).signal("P-501", "Motor_RPM")
    always = AlarmRule(
        id="always", site_id="pune", asset_id=PUMP, signal_id=signal.id, name="Runs", priority=4,
        condition=HighLimit(limit=100.0),
    )  # fmt: skip
    async with work(EVERY_SITE) as transaction:
        await transaction.alarms.put_rule(always)
        await transaction.commit()
    await (await judging(database, tmp_path)).run()
    entries, alarms = await stored(database)
    mine = [entry for entry in entries if entry.rule_id == "always"]
    assert [entry.kind for entry in mine] == [JournalKind.RAISED, JournalKind.ACKNOWLEDGED, JournalKind.CLEARED]
    assert (mine[-1].at, mine[-1].actor, mine[-1].comment) == (SINCE, "system", HANDED_OVER)
    assert alarms[mine[0].alarm_id].state is AlarmState.NORMAL
    assert SINCE - mine[0].at > 6 * DAY_US


async def test_an_answer_waits_for_a_delay_that_runs_so_that_all_that_happens_to_an_alarm_is_told_in_order() -> None:
    rule = AlarmRule(
        id="warm", site_id="pune", asset_id=PUMP, signal_id=1, name="Warm", priority=1,
        condition=HighLimit(limit=80.0), on_delay_s=60.0, off_delay_s=60.0,
    )  # fmt: skip
    for cooled_after_s in range(300, 900, 15):  # Among them some that are answered within the minute of the off-delay.
        shift = Shift([rule], frozenset({1}), PEOPLE)
        own, other = [0, 60, cooled_after_s, 1500, 3000], list(range(5, 3000, 10))  # The other one is heard more often.
        at_s = np.array([*own, *other])
        value = np.array([90.0, 90.0, *[20.0] * (len(at_s) - 2)])
        signal = np.array([*[1] * len(own), *[2] * len(other)], dtype=np.uint32)
        order = np.argsort(at_s, kind="stable")
        batch = Batch(
            device="", signal=signal[order], source_at=SINCE + at_s[order] * MICROS_PER_S, value=value[order],
            quality=np.zeros(len(at_s), dtype=np.uint16), received_at=SINCE,
        )  # fmt: skip
        for part in past_alarms._parts(batch, PastPiece(0, SINCE, Micros(SINCE + HOUR_US))):
            shift.judge(*part, SINCE)
        assert {entry.kind for entry in shift.entries} == {
            JournalKind.RAISED, JournalKind.RETURNED, JournalKind.ACKNOWLEDGED,
        }, cooled_after_s  # fmt: skip
        times = [entry.at for entry in shift.entries]
        assert times == sorted(times), cooled_after_s
