"""Days get their partitions by themselves, by the number of hot days that holds now and under the lease."""

import pytest

from pdm_app.domain.errors import FencedError
from pdm_app.domain.partitions import RolledForward
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.engine.partitions import LOOK_EVERY_S, PartitionKeeper
from tests.engine.test_cooling import StopsAfter, held


class Partitions:
    """Remembers for how many hot days it was asked."""

    def __init__(self, newest: int = 7) -> None:
        self.newest = newest
        self.asked: list[int] = []

    async def roll_forward(self, fence: Fence, now: Micros, hot_days: int) -> RolledForward:
        assert now == 0
        if fence.token != self.newest:
            raise FencedError("Another process collects now.")
        self.asked.append(hot_days)
        return RolledForward(added=("d20261121",))


async def test_it_looks_at_once_and_again_every_quarter_of_an_hour_by_the_days_that_are_set_now() -> None:
    partitions, clock = Partitions(), StopsAfter(2)
    days = iter([2, 5, 5])
    keeper = PartitionKeeper(partitions, held, clock, lambda: next(days))
    with pytest.raises(EOFError):
        await keeper.run()
    assert partitions.asked == [2, 5, 5]
    assert clock.slept == [LOOK_EVERY_S] * 3


async def test_it_ends_where_another_process_has_taken_over() -> None:
    keeper = PartitionKeeper(Partitions(newest=8), held, StopsAfter(9), lambda: 2)
    with pytest.raises(FencedError):
        await keeper.run()
