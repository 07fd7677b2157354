"""The loop that stores a past: newest first, each piece noted once it is stored, resumed where it was."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.history_facts import Imported
from pdm_app.domain.past import PastPiece
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.engine import backfill
from pdm_app.engine.backfill import Backfill
from tests.counterparts.clocks import NOON, WallClock

HOUR = 3600 * MICROS_PER_S
ROWS = backfill.SAMPLES_AT_ONCE // 4
BATCHES = 5  # Four of them are one import.


class Yesterday:
    """Three hours, each of a few batches; what is stored is noted."""

    def __init__(self) -> None:
        self.pieces = tuple(
            PastPiece(number, Micros(NOON - (number + 1) * HOUR), Micros(NOON - number * HOUR)) for number in range(3)
        )
        self.kept: set[int] = set()
        self.asked: list[int] = []

    def done(self) -> frozenset[int]:
        return frozenset(self.kept)

    def batches(self, piece: PastPiece) -> Iterator[Batch]:
        self.asked.append(piece.number)
        for _ in range(BATCHES):
            yield Batch(
                device="past",
                signal=np.ones(ROWS, dtype=np.uint32),
                source_at=piece.start_at + np.arange(ROWS) * MICROS_PER_S,
                value=np.zeros(ROWS),
                quality=np.zeros(ROWS, dtype=np.uint16),
                received_at=piece.end_at,
            )

    def keep(self, piece: PastPiece) -> None:
        self.kept.add(piece.number)


class Memory:
    """Takes imports, or refuses the n-th."""

    def __init__(self, fails_at: int = -1) -> None:
        self.sizes: list[int] = []
        self._fails_at = fails_at

    async def import_past(self, batches: Sequence[Batch], fence: Fence) -> Imported:
        assert fence == Fence(7)
        if len(self.sizes) == self._fails_at:
            self._fails_at = -1
            raise UnavailableError("The disk is full. Free space.")
        self.sizes.append(len(batches))
        return Imported(samples=sum(map(len, batches)), days=1, hot=0)


async def fence() -> Fence:
    return Fence(7)


async def test_pieces_are_stored_newest_first_and_in_bounded_parts() -> None:
    source, memory = Yesterday(), Memory()
    filling = Backfill(source, memory, fence, WallClock())
    before = filling.progress()
    assert (before.pieces, before.pieces_done, before.back_to, before.is_done) == (3, 0, None, False)
    await filling.run()
    assert source.asked == [0, 1, 2]
    assert memory.sizes == [4, 1] * 3
    after = filling.progress()
    assert (after.pieces_done, after.is_done, after.back_to) == (3, True, NOON - 3 * HOUR)
    assert after.samples == 3 * ROWS * BATCHES


async def test_after_a_refusal_it_says_why_and_goes_on_with_the_piece_it_was_at() -> None:
    source, memory = Yesterday(), Memory(fails_at=3)
    filling = Backfill(source, memory, fence, WallClock())
    with pytest.raises(UnavailableError):
        await filling.run()
    assert filling.progress().trouble == "The disk is full. Free space."
    assert filling.progress().back_to == NOON - HOUR, "nothing is claimed that is not stored"
    again = Backfill(source, memory, fence, WallClock())
    await again.run()
    assert source.asked == [0, 1, 1, 2]
    assert (again.progress().is_done, again.progress().trouble) == (True, "")


async def test_a_past_that_is_stored_is_not_asked_for_again() -> None:
    source, memory = Yesterday(), Memory()
    source.kept = {0, 1, 2}
    filling = Backfill(source, memory, fence, WallClock())
    await filling.run()
    assert (source.asked, memory.sizes) == ([], [])
    assert filling.progress().is_done


async def test_what_has_to_be_there_before_is_prepared_once_after_the_sketches() -> None:
    source, memory, order = Yesterday(), Memory(), list[str]()
    sketch = PastPiece(3, source.pieces[-1].start_at, source.pieces[0].end_at, is_sketch=True)
    source.pieces = (sketch, *source.pieces)

    async def prepared() -> None:
        order.append(f"prepared after {sorted(source.kept)}")

    await Backfill(source, memory, fence, WallClock(), prepare=prepared).run()
    assert order == ["prepared after [3]"]
    await Backfill(source, memory, fence, WallClock(), prepare=prepared).run()
    assert len(order) == 1, "and no more where nothing is owed"
