"""Closed days are compacted by themselves; one that cannot be does not keep the others hot."""

from collections.abc import Sequence

import pytest

from pdm_app.domain.cold import ColdFile, Compacted, DueDay, DueHours
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Micros
from pdm_app.engine.cooling import FIRST_LOOK_S, HOT_DAYS, LOOK_EVERY_S, Cooling

DAY_US = 86_400_000_000


class StopsAfter:
    """A clock that lets so many waits pass and then ends the loop."""

    def __init__(self, waits: int) -> None:
        self.waits = waits
        self.slept: list[float] = []

    def now(self) -> Micros:
        return Micros(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self.waits:
            raise EOFError


class Store:
    """Days that are due until they are compacted; some never can be."""

    def __init__(self, *days: int, damaged: Sequence[int] = ()) -> None:
        self.days = list(days)
        self.damaged = damaged
        self.hours: DueHours | None = None

    async def due(self, hot_days: int) -> list[DueDay]:
        assert hot_days == HOT_DAYS
        return [DueDay(start_at=day * DAY_US, samples=1, signals=1, bytes=8, trouble=None) for day in self.days]

    async def compact(self, fence: Fence, start: int) -> Compacted | None:
        assert fence.token == 7
        day = start // DAY_US
        if day in self.damaged:
            raise UnavailableError(f"The file of day {day} is damaged.")
        self.days.remove(day)
        file = ColdFile(
            start_at=start, end_at=start + DAY_US, name=f"{day}.1.parquet", samples=1, signals=1, bytes=8,
            sha256="", made_at=0, trouble=None,
        )  # fmt: skip
        return Compacted(file=file, samples=1)

    async def move(self, fence: Fence) -> int:
        return 0

    async def due_hours(self) -> DueHours | None:
        return self.hours

    async def compact_hours(self, fence: Fence, due: DueHours) -> Compacted | None:
        assert (fence.token, due) == (7, self.hours)
        self.hours = None
        file = ColdFile(
            start_at=due.start_at, end_at=due.end_at, name="hours.1.parquet", samples=due.samples, signals=1, bytes=8,
            sha256="", made_at=0, trouble=None,
        )  # fmt: skip
        return Compacted(file=file, samples=due.samples)


async def held() -> Fence:
    return Fence(7)


async def run(store: Store, waits: int) -> tuple[Cooling, StopsAfter]:
    clock = StopsAfter(waits)
    cooling = Cooling(store, held, clock)
    with pytest.raises(EOFError):
        await cooling.run()
    return cooling, clock


async def test_every_due_day_is_compacted_and_then_it_waits_for_the_next() -> None:
    store = Store(1, 2, 3)
    cooling, clock = await run(store, waits=4)
    assert (store.days, cooling.days, cooling.trouble) == ([], 3, "")
    assert (clock.slept[0], clock.slept[-1]) == (FIRST_LOOK_S, LOOK_EVERY_S)


async def test_a_day_that_cannot_be_compacted_stays_hot_and_the_others_go_on() -> None:
    store = Store(1, 2, 3, damaged=[2])
    cooling, _ = await run(store, waits=3)
    assert (store.days, cooling.days) == ([2], 2)
    assert "day 2 is damaged" in cooling.trouble


async def test_closed_hours_of_fast_signals_follow_the_days() -> None:
    store = Store(1)
    store.hours = DueHours(start_at=5 * DAY_US, end_at=5 * DAY_US + 1, signals=(7,), samples=36_000)
    cooling, _ = await run(store, waits=2)
    assert (len(store.days), cooling.days, cooling.hours) == (0, 1, 1)
