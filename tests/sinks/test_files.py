"""Files of a sink: when one ends, what it is called, and what a crash or a full disk leaves."""

from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.sinks import FileOptions, SentSamples, SinkError
from pdm_app.sinks.csv_files import CsvFile
from pdm_app.sinks.files import FileTarget, OpenFile
from pdm_app.sinks.parquet_files import ParquetFile
from tests.counterparts.clocks import HandClock
from tests.counterparts.sink_servers import FileSide
from tests.sinks.test_target import GOOD, samples

OPTIONS = FileOptions(kind="csv", folder="copy")


def some(*values: float, at_s: float = 0.0) -> SentSamples:
    return samples([(1, at_s + place, value, GOOD) for place, value in enumerate(values)])


def target(root: Path, clock: HandClock, **facts: Any) -> FileTarget:
    return FileTarget(root, OPTIONS, clock, CsvFile, **facts)


@pytest.fixture
def side(tmp_path: Path) -> FileSide:
    return FileSide(tmp_path, OPTIONS)


async def test_a_file_gets_its_name_when_what_vouches_for_it_is_stored(
    side: FileSide, tmp_path: Path, clock: HandClock
) -> None:
    one = target(tmp_path, clock)
    await one.open("")
    await one.write(some(1.0))
    clock.at += 3600 * 1_000_000
    checkpoint = await one.write(some(2.0, at_s=5))
    assert side.names() == ["copy-20270115T080000Z-000001.csv.part", "copy-20270115T090000Z-000002.csv.part"]
    assert checkpoint is not None
    await one.confirm(checkpoint)
    assert side.names() == ["copy-20270115T080000Z-000001.csv", "copy-20270115T090000Z-000002.csv.part"]
    await one.close()


async def test_a_file_ends_with_the_day_and_when_it_is_large(tmp_path: Path, clock: HandClock, side: FileSide) -> None:
    one = FileTarget(tmp_path, OPTIONS.model_copy(update={"megabytes_max": 1, "minutes_max": 1440}), clock, CsvFile)
    await one.open("")
    clock.at += 15 * 3600 * 1_000_000 + 59 * 60 * 1_000_000  # A minute to midnight.
    await one.write(some(1.0))
    assert await one.settle(at_once=False) is None
    clock.at += 61 * 1_000_000
    assert await one.settle(at_once=False) is not None
    await one.write(samples([(4, place, "x" * 900, GOOD) for place in range(1200)]))
    assert len(side.names()) == 2
    last = await one.write(some(2.0))
    assert len(side.names()) == 3
    assert last is not None
    await one.confirm(last)
    assert [Path(name).suffix for name in side.names()] == [".csv", ".csv", ".part"]
    await one.close()


async def test_what_no_stored_checkpoint_vouches_for_is_cut_off_and_written_again(
    side: FileSide, tmp_path: Path, clock: HandClock
) -> None:
    one = target(tmp_path, clock)
    await one.open("")
    stored = await one.write(some(1.0, 2.0))
    await one.write(some(3.0, at_s=7))  # The crash comes before this is known to be safe.
    await one.close()
    assert stored is not None
    (side.folder / "copy-of-a-time-before-000000.csv.part").write_text("nobody vouches for it")
    two = target(tmp_path, clock)
    await two.open(stored)
    await two.write(some(3.0, at_s=7))
    done = await two.settle(at_once=True)
    assert done is not None
    await two.confirm(done)
    await two.close()
    assert side.names() == ["copy-20270115T080000Z-000001.csv"]
    assert [row[2] for row in await side.rows()] == [1.0, 2.0, 3.0]


async def test_a_crash_between_storing_and_naming_is_made_good_when_it_is_opened(
    side: FileSide, tmp_path: Path, clock: HandClock
) -> None:
    one = target(tmp_path, clock)
    await one.open("")
    await one.write(some(1.0))
    stored = await one.settle(at_once=True)
    await one.close()
    assert stored is not None
    for _ in range(2):
        two = target(tmp_path, clock)
        await two.open(stored)
        await two.close()
        assert [path.suffix for path in side.whole()] == [".csv"]


async def test_a_file_that_somebody_has_taken_away_is_begun_anew(
    side: FileSide, tmp_path: Path, clock: HandClock
) -> None:
    one = target(tmp_path, clock)
    await one.open("")
    stored = await one.write(some(1.0))
    await one.close()
    for path in side.folder.iterdir():
        path.unlink()
    assert stored is not None
    two = target(tmp_path, clock)
    await two.open(stored)
    await two.write(some(2.0))
    done = await two.settle(at_once=True)
    assert done is not None
    await two.confirm(done)
    assert [row[2] for row in await side.rows()] == [2.0]


async def test_a_parquet_file_that_has_no_end_is_not_there_after_a_crash(tmp_path: Path, clock: HandClock) -> None:
    options = OPTIONS.model_copy(update={"kind": "parquet"})
    one = FileTarget(tmp_path, options, clock, ParquetFile)
    await one.open("")
    assert await one.write(some(1.0)) is None, "it may still be lost"
    await one.close()
    assert list((tmp_path / "copy").iterdir()) == []


class OnFullDisk(CsvFile):
    """A file on a device that takes nothing: the kernel's own."""

    def __init__(self, path: Path, after: int) -> None:
        super().__init__(path, after)
        self._file.close()
        self._file = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - closed by `leave`.
        import csv

        self._csv = csv.writer(self._file)


async def test_a_full_disk_is_told_with_what_to_do_and_loses_nothing(
    side: FileSide, tmp_path: Path, clock: HandClock
) -> None:
    one = target(tmp_path, clock)
    await one.open("")
    stored = await one.write(some(1.0))
    await one.close()
    assert stored is not None
    full: type[OpenFile] = OnFullDisk
    two = FileTarget(tmp_path, OPTIONS, clock, full)
    await two.open(stored)
    with pytest.raises(SinkError, match=r"No space left on device\. Make room"):
        await two.write(some(2.0))
    await two.close()
    three = target(tmp_path, clock)
    await three.open(stored)
    await three.write(some(2.0, at_s=1))
    done = await three.settle(at_once=True)
    assert done is not None
    await three.confirm(done)
    assert [row[2] for row in await side.rows()] == [1.0, 2.0]


async def test_the_last_room_of_a_disk_is_left_to_the_product(tmp_path: Path, clock: HandClock) -> None:
    one = target(tmp_path, clock, free_bytes_min=10**18)
    await one.open("")
    with pytest.raises(SinkError, match="are kept for the product itself"):
        await one.write(some(1.0))
    with pytest.raises(SinkError, match="are kept for the product itself"):
        await one.probe()
    await one.close()
