"""A replay of the plant: the engine under one clock, the same whatever else the computer does meanwhile."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import JournalKind, JournalQuery
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.engine.replay_clock import ReplayClock
from pdm_app.runtime.plant_replay import Pace, paced, replaying
from pdm_app.settings import load_settings
from pdm_app.simulation.labels import Labels, read_labels
from pdm_app.simulation.past import DAY_US
from pdm_app.simulation.replay import Replayed
from pdm_app.simulation.schedule import scheduled
from pdm_app.simulation.truth import Truth
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork

MINUTE_US = 60 * MICROS_PER_S
SHIFT_ENDS = Micros(1_795_266_000 * MICROS_PER_S)  # 2026-11-21 13:00 UTC, 14:00 in Graz.
START, END = Micros(SHIFT_ENDS - 9 * MINUTE_US), Micros(SHIFT_ENDS + 6 * MINUTE_US)
OF_THE_RUN = frozenset({"leases", "audit_entries", "audit_head", "sqlite_sequence"})
"""Who ran it, and entries whose ids are drawn: all else says what happened on the plant."""


def labels() -> Labels:
    """A strainer clogs after two minutes, and is cleaned after seven."""
    begin, end = 2 * MINUTE_US / DAY_US, 7 * MINUTE_US / DAY_US
    return Labels(START, scheduled([f"cavitation@day{begin:.6f}-day{end:.6f}:P-501=90%"], START, END))


async def replay(folder: Path, pace: Pace | None = None) -> None:
    settings = load_settings(demo=True, data_dir=folder, database_url="", host="127.0.0.1")
    known = labels()
    async with replaying(settings, known, Replayed(known, START, END), pace) as running:
        await running.run()
        assert running.progress.at == END
        assert running.progress.share == 1.0


def halting(clock: ReplayClock) -> Callable[[], Awaitable[None]]:
    """A computer that does something else between steps, now longer, now shorter."""
    assert clock.now() == START

    async def wait() -> None:
        await asyncio.sleep(clock.now() // MICROS_PER_S % 7 * 0.01)

    return wait


def stored(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with sqlite3.connect(folder / "pdm.sqlite") as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608 - from the schema
            for name in names
            if name not in OF_THE_RUN
        }


async def test_two_replays_come_out_the_same_and_as_the_plant_was(tmp_path: Path) -> None:
    await replay(tmp_path / "one")
    await replay(tmp_path / "two", halting)
    assert read_labels(tmp_path / "one") == labels()
    with pytest.raises(ConflictError, match="holds a plant already"):
        await replay(tmp_path / "one")

    one, two = stored(tmp_path / "one"), stored(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
    assert len(one["samples"]) > 30_000

    database = Database(f"sqlite+aiosqlite:///{(tmp_path / 'one' / 'pdm.sqlite').as_posix()}")
    try:
        async with SqlUnitOfWork(database)(EVERY_SITE) as work:
            journal = await work.alarms.journal(JournalQuery(limit=500))
            shifts = await work.production.sums(["c-42"], START, END)
            assert await work.outbox.events(10) == []
    finally:
        await database.close()
    raised = [entry for entry in journal if entry.kind is JournalKind.RAISED and entry.asset_id == "p-501"]
    assert raised
    assert all(START < entry.at <= entry.recorded_at <= END for entry in raised)
    assert [shift.end_at for shift in shifts if shift.is_over] == [SHIFT_ENDS]
    truth = Truth(labels().faults)
    made = truth.shift("C-42", START).made
    assert 0 < sum(shift.totals.made for shift in shifts if shift.is_over) < made


def test_a_replay_waits_only_where_it_is_ahead_of_its_speed() -> None:
    async def run() -> list[float]:
        wall, clock, waits = _Wall(), ReplayClock(START), []
        wait = paced(600.0, wall)(clock)
        for took_s, plant_s in ((0.1, 300), (2.0, 300), (0.1, 300)):
            wall.at += round(took_s * MICROS_PER_S)
            clock.move(Micros(clock.now() + plant_s * MICROS_PER_S))
            await wait()
            waits.append(wall.slept_s)
        return waits

    # Half a second is due for each step: after the first 0.4 s are waited, the second and the third are late.
    assert asyncio.run(run()) == pytest.approx([0.4, 0.0, 0.0])


class _Wall:
    """A wall clock that moves when it is slept on."""

    def __init__(self) -> None:
        self.at: int = START
        self.slept_s = 0.0

    def now(self) -> Micros:
        return Micros(self.at)

    async def sleep(self, seconds: float) -> None:
        self.slept_s = seconds
        self.at += round(seconds * MICROS_PER_S)
