"""A power cut, by a file layer that drops what was not synced: acknowledged samples are there, rollups agree with raw.

For SQLite and the durable buffer. A MariaDB server is only killed (see `test_database.py`): its files cannot be put
through such a layer from here.
"""

import ctypes
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from pdm_app.domain.history import ROLLUPS
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros, Stretch
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.migrations import migrate
from tests.contracts.historian_checks import rolled_up, table
from tests.counterparts.power_cut import Disk, find_library, recording_writes
from tests.storage.data import NOON, S, SteppedClock, ramp

BATCHES, ROWS = 60, 40
CUTS = 25
SEED = 42


@pytest.fixture
def library(need: Callable[[str, object], None]) -> ctypes.CDLL:
    found = find_library()
    need("a Python that shares SQLite's library", found)
    assert found is not None
    return found


def moments(disk: Disk, begin: int, cuts: int) -> list[int]:
    """Return moments for cuts, anywhere from ``begin`` on, the last one after everything."""
    chance = Random(SEED)
    return [*(chance.randint(begin, disk.now) for _ in range(cuts - 1)), disk.now]


@pytest.mark.parametrize("cuts", [CUTS, pytest.param(400, marks=pytest.mark.long)])
async def test_what_the_buffer_acknowledged_is_there_after_a_power_cut(
    tmp_path: Path, library: ctypes.CDLL, cuts: int
) -> None:
    acknowledged: list[tuple[int, int, int]] = []
    with recording_writes(library, tmp_path / "before") as disk:
        buffer = DiskBuffer(tmp_path / "before" / "buffer.sqlite", 10**8)
        for number in range(BATCHES):
            ticket = buffer.offer(ramp(1, number * ROWS, ROWS, seq=0))
            await ticket.durable
            acknowledged.append((disk.now, ticket.seq, number))
            if number % 10 == 9:
                await buffer.confirm("recorder", ticket.seq - 5)
        begin = acknowledged[0][0]
        await buffer.close()
    chance = Random(SEED)
    assert any(step.kind == "sync" for step in disk.steps)
    for number, moment in enumerate(moments(disk, begin, cuts)):
        folder = tmp_path / f"cut-{number}"
        disk.at(moment, chance, folder)
        found = DiskBuffer(folder / "buffer.sqlite", 10**8)
        position = await found.position("recorder")
        batches = {each.seq: each for each in await found.read(0, 10**6)}
        assert found.quarantined == 0
        for at, seq, place in acknowledged:
            if at <= moment and seq > position:
                assert batches[seq].source_at.tolist() == ramp(1, place * ROWS, ROWS).source_at.tolist()
        await found.close()


@pytest.mark.parametrize("cuts", [8, pytest.param(100, marks=pytest.mark.long)])
async def test_what_the_historian_recorded_is_there_after_a_power_cut_and_rollups_agree_with_it(
    tmp_path: Path, library: ctypes.CDLL, cuts: int
) -> None:
    recorded: list[tuple[int, int]] = []
    with recording_writes(library, tmp_path / "before") as disk:
        (tmp_path / "before").mkdir()
        async with opened(tmp_path / "before") as (historian, fence, _):
            begin = disk.now
            for number in range(BATCHES):
                await historian.write([written(number)], fence)
                recorded.append((disk.now, (number + 1) * ROWS))
                if number % 7 == 6:
                    await historian.roll_up(fence)
    chance = Random(SEED)
    for number, moment in enumerate(moments(disk, begin, cuts)):
        folder = tmp_path / f"cut-{number}"
        disk.at(moment, chance, folder)
        promised = max((samples for at, samples in recorded if at <= moment), default=0)
        async with opened(folder) as (historian, fence, database):
            await rolled_up(historian, fence)
            found = await historian.samples([1], NOON, Micros(NOON + BATCHES * ROWS * S), BATCHES * ROWS)
            whole, rest = divmod(len(found[1]), ROWS)
            assert (whole * ROWS >= promised, rest) == (True, 0), "each write is there or not"
            assert found[1].value.tolist() == [float(place) for place in range(ROWS)] * whole
            await assert_rollups_agree(database, found[1])


async def assert_rollups_agree(database: Database, raw: Stretch) -> None:
    """Every row of every tier is what the samples of its span come to, and all closed spans have one."""
    for tier in ROLLUPS:
        width = tier.width_us
        rows = await table(database, f"SELECT * FROM rollups_{tier} ORDER BY bucket_at")  # noqa: S608
        for row in rows:
            inside = raw.value[(raw.source_at >= row["bucket_at"]) & (raw.source_at < row["bucket_at"] + width)]
            assert (row["samples"], row["low"], row["high"]) == (len(inside), inside.min(), inside.max())
            assert row["total"] == pytest.approx(inside.sum(), rel=1e-12)
        (position,) = await table(database, "SELECT rolled_to FROM rollup_positions") or [{"rolled_to": 0}]
        starts = np.unique(raw.source_at - raw.source_at % width)
        assert [row["bucket_at"] for row in rows] == starts[starts + width <= position["rolled_to"]].tolist()


def test_the_layer_loses_what_nobody_synced(tmp_path: Path, library: ctypes.CDLL) -> None:
    """Without it no test of a power cut could fail: what is written unsynced is lost in some of its cuts."""
    (tmp_path / "before").mkdir()
    with recording_writes(library, tmp_path / "before") as disk:
        connection = sqlite3.connect(tmp_path / "before" / "careless.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("CREATE TABLE promised (number INTEGER)")
        for number in range(30):
            connection.execute("INSERT INTO promised VALUES (?)", (number,))
        moment = disk.now
        connection.close()
    lost = 0
    for number in range(20):
        folder = tmp_path / f"cut-{number}"
        disk.at(moment, Random(number), folder)
        after = sqlite3.connect(folder / "careless.sqlite")
        try:
            lost += after.execute("SELECT COUNT(*) FROM promised").fetchone()[0] < 30
        except sqlite3.DatabaseError:
            lost += 1
        after.close()
    assert lost > 10


def written(number: int) -> Batch:
    """Forty seconds of one signal, received when they are over."""
    return replace(ramp(1, number * ROWS, ROWS, seq=number + 1), received_at=Micros(NOON + (number + 1) * ROWS * S))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[SqlHistorian, Fence, Database]]:
    """A process's way to the database in a folder; the lease is taken over from whoever was cut off."""
    database = Database(f"sqlite+aiosqlite:///{folder / 'pdm.sqlite'}")
    clock = SteppedClock(NOON + 10 * 86_400 * S)
    try:
        await migrate(database)
        fence = await SqlLease(database, clock).acquire("tests", 3600)
        assert fence is not None
        yield SqlHistorian(database, clock), fence, database
    finally:
        await database.close()
