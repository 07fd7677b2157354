"""Footers of cold files: read once, read anew when a file is another, and no more of them than there is room for."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pdm_app.storage import cold_files, cold_footers
from pdm_app.storage.cold_files import ROWS_PER_GROUP, ColdFileError, Writer, read, signals_of
from pdm_app.storage.cold_footers import Footers
from pdm_app.storage.cold_rows import ColdRows, schema


def rows(signal: int, times: range) -> ColdRows:
    count = len(times)
    columns = {
        "signal": np.full(count, signal), "source_at": np.array(times), "value": np.array(times, float),
        "quality": np.zeros(count), "received_at": np.full(count, 5), "place": np.arange(count),
        "other_value": np.full(count, np.nan), "other_quality": np.zeros(count), "other_received_at": np.zeros(count),
        "other_place": np.full(count, -1),
    }  # fmt: skip
    arrays = [
        pa.array(columns[field.name]).cast(field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in schema()
    ]
    return ColdRows(pa.table(arrays, schema=schema()))


def written(path: Path, *parts: ColdRows) -> Path:
    with Writer(path) as writer:
        for part in parts:
            writer.write(part)
        writer.finish()
    return path


def test_a_large_part_becomes_groups_of_which_a_zoom_reads_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "2026-06-01.1.parquet", rows(1, range(3 * ROWS_PER_GROUP)), rows(2, range(10)))
    footer = cold_footers.footer_of(path)
    assert len(footer) == 4
    assert [footer.owner(group) for group in range(4)] == [1, 1, 1, 2]
    assert footer.times(1) == (ROWS_PER_GROUP, 2 * ROWS_PER_GROUP - 1)
    opened: list[int] = []
    inner = cold_files._rows_of

    def counted(*given: object, **named: bool) -> object:
        opened.append(int(given[2]))  # type: ignore[call-overload]
        return inner(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(cold_files, "_rows_of", counted)
    begin = ROWS_PER_GROUP + 5
    found = read(path, {1: [(begin, begin + 3)], 2: [(90, 99)]}, 100)
    assert found.source_at.tolist() == [begin, begin + 1, begin + 2]
    assert (found.signal.tolist(), found.received_at.tolist()) == ([1] * 3, [5] * 3)
    assert opened == [1], "neither what lies beside it nor the other signal's group"


def test_without_ranks_the_same_rows_come_and_nothing_that_orders_them(tmp_path: Path) -> None:
    path = written(tmp_path / "2026-06-01.1.parquet", rows(1, range(10)), rows(4, range(10)))
    wanted = {1: [(2, 4), (7, 8)], 3: [(0, 9)], 4: [(0, 1)]}
    found = read(path, wanted, 100, ranked=False)
    assert list(zip(found.signal.tolist(), found.value.tolist(), strict=True)) == [(1, 2), (1, 3), (1, 7), (4, 0)]
    assert not found.place.any()
    assert read(path, wanted, 100).place.tolist() == [2, 3, 7, 0]


def test_a_footer_is_read_once_and_anew_when_the_file_is_another(tmp_path: Path) -> None:
    footers = Footers()
    path = written(tmp_path / "2026-06-01.1.parquet", rows(1, range(10)))
    first = footers.of(path)
    assert footers.of(path) is first
    path.unlink()
    written(path, rows(2, range(20)))
    assert footers.of(path).owner(0) == 2
    assert signals_of(path) == [2]
    path.write_bytes(b"no file of ours")
    with pytest.raises(ColdFileError, match=path.name):
        read(path, {2: [(0, 9)]}, 100)
    path.unlink()
    with pytest.raises(ColdFileError, match=path.name):
        read(path, {2: [(0, 9)]}, 100)


def test_the_footers_that_were_not_asked_for_the_longest_make_room(tmp_path: Path) -> None:
    paths = [
        written(tmp_path / f"2026-06-0{day}.1.parquet", rows(1, range(10)), rows(2, range(10))) for day in (1, 2, 3)
    ]
    footers = Footers(groups_max=4)
    kept = [footers.of(path) for path in paths[:2]]
    assert footers.of(paths[0]) is kept[0]
    footers.of(paths[2])
    assert len(footers) == 2
    assert footers.of(paths[0]) is kept[0]
    assert footers.of(paths[1]) is not kept[1]
