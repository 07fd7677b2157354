"""The month behind the demo plant as history answers it: whole, once, and after a kill in the middle."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from pdm_app.domain.past import PastPiece
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.engine.backfill import Backfill
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.past import DAY_US, HOUR_US, DemoPast
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.templates import begin_migrated

VIBRATION = 1  # Of P-101A.
PIECES = 4


class OnePump(DemoPast):
    """The newest pieces of one machine, and a sketch: enough to be stored in a second."""

    def __init__(self, folder: Path, since: Micros) -> None:
        super().__init__(folder, labels_at_start(None, since), 30)
        sketch = next(piece for piece in self.pieces if piece.is_sketch)
        told_in_full = [piece for piece in self.pieces if not piece.is_sketch]
        self.pieces: Sequence[PastPiece] = (sketch, *told_in_full[: PIECES - 1], told_in_full[-1])

    def batches(self, piece: PastPiece) -> Iterator[Batch]:
        return (batch for batch in super().batches(piece) if VIBRATION in batch.signal)


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    await begin_migrated(database)
    yield database
    await database.close()


async def test_a_past_that_was_cut_short_is_whole_after_the_next_start_and_nothing_is_there_twice(
    database: Database, tmp_path: Path
) -> None:
    clock = WallClock()
    since = clock.now()
    historian = SqlHistorian(database, clock, _nothing_waits, ColdTier(database, tmp_path / "cold"))
    fence = await SqlLease(database, clock).acquire("test", 600)
    assert fence is not None

    async def held() -> Fence:
        assert fence is not None
        return fence

    first = Backfill(OnePump(tmp_path, since), historian, held, clock)
    running = asyncio.create_task(first.run())
    await until(lambda: first.progress().pieces_done >= 2, within_s=120)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    past = OnePump(tmp_path, since)
    second = Backfill(past, historian, held, clock)
    await second.run()
    assert second.progress().is_done
    sketch, newest, hour, *_ = past.pieces
    for piece in past.pieces[1:]:
        [batch] = past.batches(piece)
        expected = batch.rows(batch.signal == VIBRATION)
        kept = (await historian.samples([VIBRATION], piece.start_at, piece.end_at, 20_000))[VIBRATION]
        inside = kept.source_at >= piece.start_at
        assert kept.source_at[inside].tolist() == expected.source_at.tolist()
        assert kept.value[inside].tolist() == expected.value.tolist()
    day_before = Micros(newest.start_at - 2 * DAY_US)
    kept = (await historian.samples([VIBRATION], day_before, Micros(day_before + DAY_US), 20_000))[VIBRATION]
    inside = kept.source_at >= day_before
    assert kept.source_at[inside].tolist() == list(range(day_before, day_before + DAY_US, HOUR_US)), "as sketched"
    assert sketch.start_at < day_before
    oldest = past.pieces[-1]
    assert since - 31 * DAY_US < oldest.start_at < since - 29 * DAY_US
    assert hour.end_at - hour.start_at == HOUR_US


async def _nothing_waits() -> Sequence[Batch]:
    return ()
