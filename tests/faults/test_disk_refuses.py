"""A disk that is full, read-only or failing: whoever sends hears it in words, nothing acknowledged is lost."""

import ctypes
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import Micros
from pdm_app.storage.buffer import DiskBuffer
from tests.contracts.historian_checks import rolled_up
from tests.counterparts.power_cut import find_library, recording_writes
from tests.faults.test_power_cut import ROWS, assert_rollups_agree, opened, written
from tests.storage.data import NOON, S, ramp

REFUSALS = {
    "full": sqlite3.SQLITE_FULL, "read-only": sqlite3.SQLITE_READONLY, "failing": sqlite3.SQLITE_IOERR_WRITE,
}  # fmt: skip


@pytest.fixture
def library(need: Callable[[str, object], None]) -> ctypes.CDLL:
    found = find_library()
    need("a Python that shares SQLite's library", found)
    assert found is not None
    return found


@pytest.mark.parametrize("disk_is", REFUSALS)
async def test_the_buffer_refuses_in_words_and_takes_on_when_the_disk_is_back(
    tmp_path: Path, library: ctypes.CDLL, disk_is: str
) -> None:
    with recording_writes(library, tmp_path) as disk:
        buffer = DiskBuffer(tmp_path / "buffer.sqlite", 10**8)
        kept = [buffer.offer(ramp(1, 0, ROWS))]
        await kept[0].durable
        disk.refusal = REFUSALS[disk_is]
        with pytest.raises(UnavailableError) as refused:
            await buffer.offer(ramp(1, ROWS, ROWS)).durable
        assert str(tmp_path) in str(refused.value), "who"
        assert buffer.trouble, "what the health page says"
        disk.refusal = 0
        kept.append(buffer.offer(ramp(1, 2 * ROWS, ROWS)))
        await kept[1].durable
        assert not buffer.trouble
        await buffer.close()
    again = DiskBuffer(tmp_path / "buffer.sqlite", 10**8)
    found = await again.read(0, 10**6)
    assert {ticket.seq for ticket in kept} <= {batch.seq for batch in found}
    assert again.quarantined == 0
    await again.close()


@pytest.mark.parametrize("disk_is", REFUSALS)
async def test_the_database_refuses_in_words_and_agrees_with_its_rollups_when_the_disk_is_back(
    tmp_path: Path, library: ctypes.CDLL, disk_is: str
) -> None:
    with recording_writes(library, tmp_path) as disk:
        async with opened(tmp_path) as (historian, fence, database):
            for number in range(4):
                await historian.write([written(number)], fence)
            disk.refusal = REFUSALS[disk_is]
            with pytest.raises(UnavailableError) as refused:
                await historian.write([written(4)], fence)
            assert "pdm.sqlite" in str(refused.value)
            with pytest.raises(UnavailableError):
                await historian.roll_up(fence)
            disk.refusal = 0
            for number in range(4, 8):  # What was refused is written again, as the recorder does.
                await historian.write([written(number)], fence)
            await rolled_up(historian, fence)
            found = await historian.samples([1], NOON, Micros(NOON + 8 * ROWS * S), 8 * ROWS)
            assert len(found[1]) == 8 * ROWS
            await assert_rollups_agree(database, found[1])
