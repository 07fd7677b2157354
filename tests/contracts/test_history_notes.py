"""Beside an answer stands what of its time is damaged or was removed, and of nothing else."""

from pathlib import Path

import pytest

from pdm_app.domain.history import Tier
from pdm_app.domain.history_notes import NoteKind
from pdm_app.domain.ports import Fence
from pdm_app.storage.compaction import DAY_US
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.history_notes import SqlHistoryNotes
from tests.contracts.cold_stores import each_store_in_time, file_at
from tests.contracts.historian_checks import damage
from tests.contracts.test_cold_tier import DAY, RAW, cold_historian
from tests.contracts.test_historian import fence
from tests.contracts.test_removal import carried_out, order, two_signals
from tests.counterparts.s3_server import s3_server
from tests.storage.data import NOON, S

__all__ = ["each_store_in_time", "fence", "s3_server"]

pytestmark = pytest.mark.usefixtures("each_store_in_time")


@pytest.fixture
def historian(database: Database, tmp_path: Path) -> SqlHistorian:
    return cold_historian(database, tmp_path)


async def test_a_damaged_file_is_named_by_the_answer_that_met_it(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    notes = SqlHistoryNotes(database)
    assert await notes.notes([1], NOON, NOON + 60 * S) == []
    path = file_at(historian)
    damage(path)
    await historian.samples([1, 2], NOON, NOON + 60 * S, 1_000)  # type: ignore[arg-type]
    [note] = await notes.notes([1], NOON, NOON + 60 * S)
    assert (note.kind, note.start_at, note.end_at) == (NoteKind.DAMAGED, DAY, DAY + DAY_US)
    assert path.name in note.text
    assert await notes.notes([1], DAY + DAY_US, DAY + 2 * DAY_US) == []


async def test_what_was_removed_is_named_tier_by_tier_for_its_signals(
    database: Database, historian: SqlHistorian, fence: Fence
) -> None:
    await two_signals(historian, fence)
    await carried_out(historian, fence, order(Tier.RAW, 1), order(Tier.ROLLUP_10S, 1))
    found = await SqlHistoryNotes(database).notes([1, 2], NOON, NOON + 3 * DAY_US)
    assert [(note.kind, note.tier, note.signals) for note in found] == [
        (NoteKind.REMOVED, "raw", (1,)), (NoteKind.REMOVED, "10s", (1,)),
    ]  # fmt: skip
    assert {(note.start_at, note.end_at) for note in found} == {(NOON, DAY + DAY_US)}
    assert await SqlHistoryNotes(database).notes([2], *(RAW.start_at, RAW.end_at)) == []
