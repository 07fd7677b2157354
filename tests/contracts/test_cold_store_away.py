"""A bucket that does not answer for a while: closed days stay hot, answers say what they lack, nothing is lost."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.cold import LEAVES_OUT
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.history_notes import NoteKind
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.history_notes import SqlHistoryNotes
from tests.contracts.cold_stores import ENDPOINT, tier_of
from tests.contracts.historian_checks import rolled_up, table
from tests.contracts.test_cold_tier import DAY, RAW, TWO_DAYS_S, cold_historian, compacted, hot_rows, roll_over
from tests.contracts.test_historian import fence
from tests.counterparts.s3_server import S3Server, own_s3_server
from tests.storage.data import NOON, S, batch, ramp

__all__ = ["fence", "own_s3_server"]

FAULTS = [None, {"status": 503, "code": "SlowDown"}, {"status": 403, "code": "AccessDenied"}, {"half": True}]


@pytest.fixture
async def historian(
    database: Database, own_s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SqlHistorian]:
    monkeypatch.setenv(ENDPOINT, own_s3_server.endpoint)
    historian = cold_historian(database, tmp_path)
    yield historian
    await tier_of(historian).place.close()


def goes(server: S3Server, fault: dict[str, object] | None) -> None:
    if fault is None:
        server.stop()
    else:
        server.fails(**fault)


def comes_back(server: S3Server, fault: dict[str, object] | None) -> None:
    if fault is None:
        server.start()
    else:
        server.fails()


def forget_copies(historian: SqlHistorian) -> None:
    for path in tier_of(historian).folder.glob("*.parquet"):
        path.unlink()


async def counted(historian: SqlHistorian, query: HistoryQuery = RAW) -> list[int]:
    return [sum(envelope.count) for envelope in await historian.envelope(query)]


@pytest.mark.parametrize("fault", FAULTS, ids=["gone", "busy", "refusing", "half"])
async def test_days_stay_hot_and_go_when_it_is_back(
    database: Database, historian: SqlHistorian, fence: Fence, own_s3_server: S3Server, fault: dict[str, object] | None
) -> None:
    await historian.write([ramp(1, 0, 100)], fence)
    await roll_over(historian, fence)
    goes(own_s3_server, fault)
    before = await counted(historian)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="bucket"):
            await compacted(historian, fence)
    assert (await hot_rows(database), await table(database, "SELECT * FROM cold_files")) == (100, [])
    assert list(tier_of(historian).folder.glob("*.parquet*")) == [], "nothing is left of what could not be kept"
    assert "bucket" in (await tier_of(historian).place.facts()).trouble or fault == {"half": True}
    comes_back(own_s3_server, fault)
    await compacted(historian, fence)
    assert await hot_rows(database) == 0
    forget_copies(historian)
    assert await counted(historian) == before
    assert (await tier_of(historian).place.facts()).trouble == ""


@pytest.mark.parametrize("fault", FAULTS, ids=["gone", "busy", "refusing", "half"])
async def test_what_cannot_be_fetched_is_refused_or_left_out_with_a_note_and_never_kept_as_an_answer(
    database: Database, historian: SqlHistorian, fence: Fence, own_s3_server: S3Server, fault: dict[str, object] | None
) -> None:
    await historian.write([ramp(1, 0, 100)], fence)
    await roll_over(historian, fence)
    before = await counted(historian)
    await compacted(historian, fence)
    forget_copies(historian)
    goes(own_s3_server, fault)
    rollups = HistoryQuery(signals=(1,), start_at=DAY, end_at=DAY + DAY_US, buckets=24)
    assert await counted(historian, rollups) == [100], "rollups do not need it"
    with pytest.raises(UnavailableError, match="bucket"):
        await historian.samples([1], Micros(NOON), Micros(NOON + 100 * S), 1000)
    token = LEAVES_OUT.set(True)
    assert sum(await counted(historian)) == 0
    LEAVES_OUT.reset(token)
    notes = SqlHistoryNotes(database, tier_of(historian))
    [note] = await notes.notes([1], RAW.start_at, RAW.end_at)
    assert note.kind is NoteKind.AWAY
    assert "cannot be had now" in note.text
    [file] = await table(database, "SELECT trouble FROM cold_files")
    assert file["trouble"] is None, "a file that nobody could look at is not damaged"
    comes_back(own_s3_server, fault)
    assert sum(before) > 0
    assert await counted(historian) == before
    assert await notes.notes([1], RAW.start_at, RAW.end_at) == []


async def test_late_samples_of_a_day_out_of_reach_wait_and_hold_up_nobody(
    database: Database, historian: SqlHistorian, fence: Fence, own_s3_server: S3Server
) -> None:
    await historian.write([ramp(1, 0, 100)], fence)
    await roll_over(historian, fence)
    await compacted(historian, fence)
    forget_copies(historian)
    own_s3_server.stop()
    late = batch([(1, 50.5, 7.0)], seq=901, received_s=TWO_DAYS_S + 70)
    beside = batch([(1, 86_400 + 5.0, 8.0)], seq=902, received_s=TWO_DAYS_S + 71)
    await historian.write([late, beside], fence)
    await rolled_up(historian, fence)
    marks = await table(database, "SELECT bucket_at FROM rollup_marks")
    assert [int(mark["bucket_at"]) < DAY + DAY_US for mark in marks] == [True], "only that of the file waits"
    own_s3_server.start()
    await rolled_up(historian, fence)
    assert await table(database, "SELECT bucket_at FROM rollup_marks") == []
    found = await historian.samples([1], Micros(NOON), Micros(NOON + 100 * S), 1000)
    assert np.sort(found[1].value[found[1].source_at >= NOON]).tolist() == sorted([*map(float, range(100)), 7.0])
