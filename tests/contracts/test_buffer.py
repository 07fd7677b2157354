"""Every durable buffer gives back what it promised, in order, once it has said so; kill -9 or not."""

import asyncio
import os
import signal as signals
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.errors import BufferFullError, UnavailableError
from pdm_app.domain.ports import Ticket
from pdm_app.domain.samples import Batch
from pdm_app.storage import buffer as buffer_module
from pdm_app.storage.blobs import CorruptBlobError, pack, unpack
from pdm_app.storage.buffer import DiskBuffer
from tests.storage.data import batch, ramp

MEGABYTE = 1_000_000
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "buffer.sqlite"


@pytest.fixture
async def buffer(path: Path) -> AsyncIterator[DiskBuffer]:
    buffer = DiskBuffer(path, MEGABYTE)
    yield buffer
    await buffer.close()


def assert_same(found: Batch, given: Batch, seq: int) -> None:
    assert (found.seq, found.device, found.received_at) == (seq, given.device, given.received_at)
    assert dict(found.text) == dict(given.text)
    for column in ("signal", "source_at", "value", "quality"):
        before, after = getattr(given, column), getattr(found, column)
        assert after.dtype == before.dtype
        assert after.tobytes() == before.tobytes()


async def stored(buffer: DiskBuffer, given: list[Batch]) -> list[int]:
    """Offer batches and wait until all are on disk."""
    tickets = [buffer.offer(each) for each in given]
    for ticket in tickets:
        await ticket.durable
    return [ticket.seq for ticket in tickets]


async def settled(buffer: DiskBuffer, bytes_used: int) -> None:
    """Wait until deletion has caught up."""
    async with asyncio.timeout(90):
        while buffer.bytes_used != bytes_used:  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0.01)


MIXED = batch([(1, 0, 1.5), (2, 0.000001, "läuft 🏭"), (4_000_000_000, -5, float("nan"), 204), (1, 1, float("inf"))])


async def test_batches_come_back_in_order_and_bit_for_bit_from_memory_and_from_disk(path: Path) -> None:
    given = [MIXED, ramp(7, 0, 500), batch([], seq=0), ramp(8, 0, 1)]
    buffer = DiskBuffer(path, MEGABYTE)
    assert await stored(buffer, given) == [1, 2, 3, 4]
    for _ in range(2):
        found = await buffer.read(0, 10_000)
        assert len(found) == 4
        for seq, (after, before) in enumerate(zip(found, given, strict=True), start=1):
            assert_same(after, before, seq)
        await buffer.close()
        buffer = DiskBuffer(path, MEGABYTE)
    await buffer.close()


async def test_what_is_not_committed_yet_is_not_read(buffer: DiskBuffer) -> None:
    ticket = buffer.offer(ramp(1, 0, 5))
    assert not ticket.durable.done()
    assert await buffer.read(0, 100) == []
    await ticket.durable
    assert [found.seq for found in await buffer.read(0, 100)] == [1]


async def test_a_read_is_limited_in_samples_but_gives_at_least_one_batch(buffer: DiskBuffer) -> None:
    await stored(buffer, [ramp(1, 0, 10), ramp(1, 10, 10), ramp(1, 20, 10)])
    assert [found.seq for found in await buffer.read(0, 5)] == [1]
    assert [found.seq for found in await buffer.read(0, 20)] == [1, 2]
    assert [found.seq for found in await buffer.read(1, 20)] == [2, 3]
    assert await buffer.read(3, 20) == []


async def test_waiting_ends_with_the_next_commit_and_leaves_nothing_behind_when_cancelled(buffer: DiskBuffer) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(buffer.wait(0), 0.01)
    waiting = [asyncio.ensure_future(buffer.wait(0)) for _ in range(3)]
    await asyncio.sleep(0)
    buffer.offer(ramp(1, 0, 5))
    async with asyncio.timeout(90):
        await asyncio.gather(*waiting)
        await buffer.wait(0)


async def test_a_batch_is_deleted_when_the_last_consumer_has_confirmed_it(buffer: DiskBuffer, path: Path) -> None:
    await stored(buffer, [ramp(1, 0, 100), ramp(1, 100, 50)])
    assert buffer.depth == 150
    await buffer.confirm("recorder", 2)
    assert buffer.depth == 150
    await buffer.confirm("alarms", 1)
    assert buffer.depth == 50
    assert [found.seq for found in await buffer.read(1, 1000)] == [2]
    await buffer.confirm("alarms", 2)
    assert buffer.depth == 0
    await settled(buffer, 0)
    with sqlite3.connect(path) as look:
        assert look.execute("SELECT COUNT(*) FROM batches").fetchone() == (0,)
    look.close()
    assert buffer.depth == 0


async def test_positions_and_the_numbering_survive_a_restart(path: Path) -> None:
    buffer = DiskBuffer(path, MEGABYTE)
    assert await buffer.position("alarms") == 0
    await stored(buffer, [ramp(1, 0, 10), ramp(1, 10, 10), ramp(1, 20, 10)])
    await buffer.confirm("recorder", 3)
    await buffer.confirm("alarms", 2)
    await buffer.confirm("alarms", 1)  # A position never goes back.
    await buffer.close()
    buffer = DiskBuffer(path, MEGABYTE)
    assert (await buffer.position("recorder"), await buffer.position("alarms")) == (3, 2)
    assert [found.seq for found in await buffer.read(2, 100)] == [3]
    assert buffer.depth == 10
    await buffer.confirm("alarms", 3)
    await buffer.close()
    buffer = DiskBuffer(path, MEGABYTE)
    assert buffer.depth == 0
    assert buffer.offer(ramp(1, 30, 10)).seq == 4
    await buffer.close()


async def test_a_full_buffer_refuses_and_keeps_what_it_has(path: Path) -> None:
    buffer = DiskBuffer(path, 100_000)
    accepted: list[Ticket] = []

    def fill() -> None:
        while True:
            accepted.append(buffer.offer(ramp(1, 0, 100)))

    with pytest.raises(BufferFullError, match="can be sent again") as refused:
        fill()
    assert refused.value.facts["bytes_max"] == 100_000
    assert buffer.trouble == refused.value.message
    assert buffer.bytes_used <= 100_000
    assert buffer.refused_samples == 100
    for ticket in accepted:
        await ticket.durable
    assert len(await buffer.read(0, 10**9)) == len(accepted) > 20
    for consumer in ("recorder", "alarms"):
        await buffer.confirm(consumer, accepted[-1].seq)
    await settled(buffer, 0)
    assert buffer.trouble == "", "whoever waits for room is told of it without having to try"
    assert buffer.offer(ramp(1, 0, 100)).seq == accepted[-1].seq + 1
    await buffer.close()


async def test_a_consumer_that_fell_behind_the_memory_reads_the_rest_from_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer_module, "TAIL_BYTES_MAX", 20_000)
    buffer = DiskBuffer(path, MEGABYTE)
    await stored(buffer, [ramp(1, number, 50) for number in range(100)])
    seen: list[int] = []
    while batches := await buffer.read(seen[-1] if seen else 0, 120):
        seen += [found.seq for found in batches]
    assert seen == list(range(1, 101))
    await buffer.close()


async def test_a_buffer_keeps_its_identity_and_one_in_its_place_has_another(path: Path) -> None:
    found: list[str] = []
    for _ in range(2):
        buffer = DiskBuffer(path, MEGABYTE)
        found.append(buffer.identity)
        await buffer.close()
    buffer = DiskBuffer(path.with_name("another.sqlite"), MEGABYTE)
    assert found[0] == found[1] != buffer.identity
    await buffer.close()


async def test_a_damaged_row_is_set_aside_and_counted_and_the_rest_is_read(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    buffer = DiskBuffer(path, MEGABYTE)
    await stored(buffer, [ramp(1, 0, 10), ramp(1, 10, 10), ramp(1, 20, 10)])
    await buffer.close()
    with sqlite3.connect(path) as vandal:
        (blob,) = vandal.execute("SELECT blob FROM batches WHERE seq = 2").fetchone()
        vandal.execute("UPDATE batches SET blob = ? WHERE seq = 2", (blob[:60] + b"\x00\x01" + blob[62:],))
    vandal.close()
    buffer = DiskBuffer(path, MEGABYTE)
    for _ in range(2):  # Both consumers see the same.
        assert [(found.seq, len(found)) for found in await buffer.read(0, 100)] == [(1, 10), (2, 0), (3, 10)]
    said = [record.getMessage() for record in caplog.records if "damaged" in record.getMessage()]
    assert len(said) == 1
    assert str(path) in said[0]
    await buffer.confirm("recorder", 3)
    await buffer.confirm("alarms", 3)
    await buffer.close()
    assert buffer.quarantined == 1
    buffer = DiskBuffer(path, MEGABYTE)
    assert (buffer.quarantined, buffer.depth) == (1, 0)
    await buffer.close()
    with sqlite3.connect(path) as look:
        assert look.execute("SELECT seq, reason, length(blob) FROM quarantine").fetchall() == [
            (2, "its checksum is wrong", len(blob))
        ]
    look.close()


@pytest.fixture
def no_database(path: Path) -> Path:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but somebody's only copy" * 100)
    return path


async def test_a_file_that_is_no_database_is_moved_aside_never_deleted(
    no_database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = no_database
    buffer = DiskBuffer(path, MEGABYTE)
    assert await stored(buffer, [ramp(1, 0, 10)]) == [1]
    await buffer.close()
    with sqlite3.connect(path) as look:
        assert look.execute("SELECT COUNT(*) FROM batches").fetchone() == (1,)
    look.close()
    with open(f"{path}.damaged-1", "rb") as kept:  # noqa: ASYNC230, PTH123
        assert kept.read().startswith(b"not a database")
    assert "was moved to" in caplog.text


async def test_a_folder_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnavailableError, match="Check owner and rights"):
        DiskBuffer(tmp_path / "file" / "buffer.sqlite", MEGABYTE)


async def test_when_the_disk_refuses_the_sender_hears_it_and_the_buffer_recovers(path: Path) -> None:
    buffer = DiskBuffer(path, MEGABYTE)
    await stored(buffer, [ramp(1, 0, 10)])
    used = buffer.bytes_used
    # The smallest honest way to a full disk: the database may not grow by one page.
    pages = buffer._file._connection.execute("PRAGMA page_count").fetchone()[0]
    buffer._file._connection.execute(f"PRAGMA max_page_count = {pages}")
    refused = buffer.offer(ramp(1, 10, 5000))
    with pytest.raises(UnavailableError, match="Make room"):
        await refused.durable
    assert (buffer.depth, buffer.bytes_used, buffer.lost_samples) == (10, used, 5000)
    assert "Make room" in buffer.trouble
    buffer._file._connection.execute("PRAGMA max_page_count = 1000000")
    (seq,) = await stored(buffer, [ramp(1, 20, 5000)])
    assert [found.seq for found in await buffer.read(0, 100_000)] == [1, seq]
    assert buffer.trouble == ""
    await buffer.close()


async def test_a_refused_commit_that_nobody_awaits_is_no_noise(path: Path) -> None:
    buffer = DiskBuffer(path, MEGABYTE)
    buffer._file._connection.execute("PRAGMA max_page_count = 1")
    buffer.offer(ramp(1, 10, 5000))
    async with asyncio.timeout(90):
        while not buffer.lost_samples:  # noqa: ASYNC110 - there is nothing to be told by
            await asyncio.sleep(0.01)
    await buffer.close()  # Warnings are errors here: an exception nobody looked at would fail the test.


async def test_closing_commits_what_was_offered_and_refuses_what_comes_after(path: Path) -> None:
    buffer = DiskBuffer(path, MEGABYTE)
    tickets = [buffer.offer(ramp(1, number, 10)) for number in range(20)]
    await buffer.close()
    await buffer.close()
    assert all(ticket.durable.done() and ticket.durable.exception() is None for ticket in tickets)
    with pytest.raises(UnavailableError, match="stopping"):
        buffer.offer(ramp(1, 0, 1))
    buffer = DiskBuffer(path, MEGABYTE)
    assert buffer.depth == 200
    await buffer.close()


async def test_a_change_to_the_senders_arrays_does_not_reach_the_disk(path: Path) -> None:
    buffer = DiskBuffer(path, MEGABYTE)
    given = ramp(1, 0, 10)
    ticket = buffer.offer(given)
    given.value[:] = -1.0
    await ticket.durable
    await buffer.close()
    buffer = DiskBuffer(path, MEGABYTE)
    assert (await buffer.read(0, 100))[0].value.tolist() == list(np.arange(10.0))
    await buffer.close()


def test_no_changed_byte_of_a_blob_goes_unnoticed() -> None:
    blob = pack(MIXED)
    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 0x10
        with pytest.raises(CorruptBlobError):
            unpack(bytes(changed), 1)
    for length in range(len(blob)):
        with pytest.raises(CorruptBlobError):
            unpack(blob[:length], 1)
    assert_same(unpack(blob, 9), MIXED, 9)


SENDER = """
import asyncio, sys
from pathlib import Path
from pdm_app.storage.buffer import DiskBuffer
from tests.storage.data import ramp

async def main():
    buffer = DiskBuffer(Path(sys.argv[1]), 10**9)
    start = buffer._newest
    async def send(lane):
        for number in range(10**6):
            ticket = buffer.offer(ramp(lane, number, 1 + number % 40))
            await ticket.durable
            print(ticket.seq, lane, number, flush=True)
            if number % 10 == 0:
                await buffer.confirm("alarms", ticket.seq)
    await asyncio.gather(*(send(lane) for lane in range(1, 6)))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledgements", [3, 60, 400])
async def test_everything_acknowledged_before_kill_9_is_there_after_it(path: Path, acknowledgements: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, str(path), stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=environment
    )
    assert sender.stdout is not None
    lines: list[bytes] = []
    async with asyncio.timeout(60):
        while len(lines) < acknowledgements:
            lines.append(await sender.stdout.readline())
        sender.send_signal(signals.SIGKILL)
        lines += (await sender.stdout.read()).splitlines(keepends=True)
        await sender.wait()
    # A line without an end was cut by the kill, a whole one is a promise.
    told = [[int(number) for number in line.split()] for line in lines if line.endswith(b"\n")]
    buffer = DiskBuffer(path, 10**9)
    found: dict[int, Batch] = {}
    position = 0
    while batches := await buffer.read(position, 100_000):
        found.update({each.seq: each for each in batches})
        position = batches[-1].seq
    assert list(found) == sorted(found)
    for seq, lane, number in told:
        assert_same(found[seq], ramp(lane, number, 1 + number % 40), seq)
    assert await buffer.position("recorder") == 0
    assert buffer.quarantined == 0
    await buffer.close()
