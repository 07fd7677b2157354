"""A disk that fills and a clock that jumps are noticed; what is in order is not made a trouble."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.engine.host_checks import ClockCheck, DiskCheck, elapsed_s
from tests.counterparts.clocks import HandClock

GB = 1_000_000_000


@dataclass
class Room:
    total: int
    free: int


@pytest.mark.parametrize(
    ("room", "ok"),
    [
        (Room(100 * GB, 50 * GB), True),
        (Room(16 * GB, 2 * GB), True),  # A small card, an eighth of it free.
        (Room(16 * GB, 1 * GB), False),
        (Room(4_000 * GB, 20 * GB), True),  # Half a per cent, and room for days.
        (Room(4_000 * GB, 4 * GB), False),
        (Room(0, 0), False),
    ],
)
async def test_a_disk_is_almost_full_by_share_and_by_size(room: Room, ok: bool) -> None:
    check = await DiskCheck(Path("/data"), lambda _: room).check()
    assert (check.ok, check.needed) == (ok, False)
    assert "free" in check.detail


async def test_the_real_disk_is_read_and_one_that_is_gone_is_said(tmp_path: Path) -> None:
    assert "GB free" in (await DiskCheck(tmp_path).check()).detail
    gone = await DiskCheck(tmp_path / "gone").check()
    assert not gone.ok
    assert "cannot be read" in gone.detail


class Machine:
    """A machine whose two clocks a test moves."""

    def __init__(self, clock: HandClock) -> None:
        self.clock, self.elapsed = clock, 1_000.0
        self.check = ClockCheck(clock, lambda: self.elapsed)

    async def after(self, seconds: float, jump_s: float = 0.0) -> bool:
        self.elapsed += seconds
        self.clock.at += round((seconds + jump_s) * MICROS_PER_S)
        return (await self.check.check()).ok


async def test_a_clock_that_runs_evenly_is_sound_however_seldom_it_is_looked_at(clock: HandClock) -> None:
    machine = Machine(clock)
    assert await machine.after(10)
    assert await machine.after(86_400, jump_s=1.5), "synchronisation takes small steps"


async def test_a_jump_is_told_for_ten_minutes_forth_and_back(clock: HandClock) -> None:
    machine = Machine(clock)
    assert not await machine.after(10, jump_s=3_600)
    assert "+3600 s" in (await machine.check.check()).detail
    assert not await machine.after(300)
    assert await machine.after(301)
    assert not await machine.after(10, jump_s=-7_200)
    assert "-7200 s" in (await machine.check.check()).detail
    assert await machine.after(601)


def test_the_clock_that_is_compared_with_only_goes_forward() -> None:
    assert 0 < elapsed_s() <= elapsed_s()
