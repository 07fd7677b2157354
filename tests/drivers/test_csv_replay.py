"""The driver of recorded files: pace, times, what is left out and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.samples import MICROS_PER_S, Micros, Quality, Sample
from pdm_app.domain.signals import DataType, Signal
from pdm_app.drivers.csv_replay import ROWS_PER_POLL_MAX, CsvReplayDriver, file_pattern
from pdm_app.drivers.csv_replay_rows import BadRow, CsvForm, Row, last_time, opened
from tests.counterparts.clocks import HandClock
from tests.drivers.sinks import a_connection, a_signal

NOON = Micros(1_780_000_000 * MICROS_PER_S)
FIRST = 1_772_344_800 * MICROS_PER_S  # 2026-03-01 06:00 UTC.
FLOW = a_signal(1, {"column": "flow"})
CURRENT = a_signal(2, {"column": "current"})


def write(folder: Path, text: str, name: str = "pump.csv", encoding: str = "utf-8") -> None:
    (folder / name).write_bytes(text.encode(encoding))


def every_second(count: int) -> str:
    return "time,flow,current\n" + "".join(
        f"2026-03-01T06:00:{second:02d}Z,{100 + second},{second / 2}\n" for second in range(count)
    )


async def playing(folder: Path, clock: HandClock, endpoint: str = "replay://pump.csv", **options: Any) -> Any:
    driver = CsvReplayDriver(a_connection("csv_replay", endpoint, **options), clock, folder)
    await driver.connect()
    return driver


async def read(driver: CsvReplayDriver, *signals: Signal) -> Sequence[Sample]:
    return list((await driver.poll(signals or (FLOW,))).samples())


async def test_rows_come_at_the_pace_at_which_they_were_recorded_and_are_stamped_with_the_present(
    tmp_path: Path,
) -> None:
    write(tmp_path, every_second(5))
    clock = HandClock(NOON)
    driver = await playing(tmp_path, clock)
    assert [sample.value for sample in await read(driver)] == [100.0]
    await clock.advance(2.5)
    samples = await read(driver)
    assert [(sample.value, sample.source_at - NOON) for sample in samples] == [(101.0, 1_000_000), (102.0, 2_000_000)]
    await clock.advance(60)
    assert [sample.value for sample in await read(driver)] == [103.0, 104.0]
    await clock.advance(60)
    assert await read(driver) == [], "without a loop it falls silent after its last row"
    assert driver.health().detail == "the recording has come to its end"
    await driver.close()


async def test_at_six_hundred_times_the_pace_ten_minutes_last_a_second(tmp_path: Path) -> None:
    write(tmp_path, "time,flow\n" + "".join(f"{FIRST // MICROS_PER_S + 60 * row},{row}\n" for row in range(12)))
    clock = HandClock(NOON)
    driver = await playing(tmp_path, clock, speed=600)
    await read(driver)
    await clock.advance(1)
    samples = await read(driver)
    assert [sample.value for sample in samples] == [float(row) for row in range(1, 11)]
    assert [sample.source_at - NOON for sample in samples] == [100_000 * row for row in range(1, 11)]
    await driver.close()


async def test_a_loop_begins_anew_one_step_after_the_last_row(tmp_path: Path) -> None:
    write(tmp_path, every_second(3))
    clock = HandClock(NOON)
    driver = await playing(tmp_path, clock, loop=True)
    await clock.advance(7)
    samples = await read(driver)
    assert [sample.value for sample in samples] == [100.0, 101.0, 102.0, 100.0, 101.0, 102.0, 100.0, 101.0]
    assert [(sample.source_at - NOON) // MICROS_PER_S for sample in samples] == list(range(8))
    await driver.close()


@pytest.mark.parametrize(("times", "first_at"), [("original", FIRST), ("shifted", NOON - 4 * MICROS_PER_S)])
async def test_a_recording_may_come_at_once_as_it_was_or_ending_now(tmp_path: Path, times: str, first_at: int) -> None:
    write(tmp_path, every_second(5))
    driver = await playing(tmp_path, HandClock(NOON), times=times)
    samples = await read(driver)
    assert [sample.source_at for sample in samples] == [first_at + second * MICROS_PER_S for second in range(5)]
    assert [sample.value for sample in samples] == [100.0, 101.0, 102.0, 103.0, 104.0]
    await driver.close()


async def test_a_long_recording_comes_in_parts_of_bounded_size_and_whole(tmp_path: Path) -> None:
    rows = 2 * ROWS_PER_POLL_MAX + 17
    write(tmp_path, "time,flow\n" + "".join(f"{1_700_000_000 + row},{row}\n" for row in range(rows)))
    driver = await playing(tmp_path, HandClock(NOON), times="original")
    parts = [await read(driver) for _ in range(4)]
    assert [len(part) for part in parts] == [ROWS_PER_POLL_MAX, ROWS_PER_POLL_MAX, 17, 0]
    assert [sample.value for part in parts for sample in part] == [float(row) for row in range(rows)]
    await driver.close()


async def test_several_files_are_played_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "time,flow\n2026-03-02T00:00:00Z,2\n", "press-2.csv")
    write(tmp_path, "time,flow\n2026-03-01T00:00:00Z,1\n", "press-1.csv")
    write(tmp_path, "time,flow\n2026-02-01T00:00:00Z,0\n", "pump.csv")
    driver = await playing(tmp_path, HandClock(NOON), "replay://press-*.csv", times="original")
    assert [sample.value for sample in await read(driver)] == [1.0, 2.0]
    await driver.close()


async def test_bad_rows_and_cells_are_counted_with_their_first_line_and_why_and_spoil_no_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        "time,flow,current\n2026-03-01T06:00:00Z,1,10\nyesterday,2,20\n2026-03-01T06:00:02Z,3\n"
        "2026-03-01T06:00:03Z,broken,40\n2026-03-01T06:00:01Z,5,50\n2026-03-01T06:00:04Z,,60\n"
        "2026-03-01T06:00:05Z,1e999,70\n",
    )
    clock = HandClock(NOON)
    driver = await playing(tmp_path, clock)
    await clock.advance(60)
    samples = await read(driver, FLOW, CURRENT)
    assert [sample.value for sample in samples if sample.signal == 2] == [10.0, 40.0, 60.0, 70.0]
    flow = [(sample.value, sample.quality) for sample in samples if sample.signal == 1]
    assert flow == [(1.0, Quality.GOOD), (None, Quality.BAD_NOT_A_NUMBER), (None, Quality.BAD_NOT_A_NUMBER)]
    faults = driver.health().faults
    assert "3 of 7 rows were left out, the first at line 3 of pump.csv: its time 'yesterday'" in faults[2]
    assert "2 cells were left out, the first at line 5 of pump.csv: 'broken' is no number." in faults[1]
    assert "cells" not in faults[2]
    await driver.close()


async def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path, every_second(1))
    driver = await playing(tmp_path, HandClock(NOON))
    samples = await read(driver, a_signal(3, {"column": "speed"}), FLOW)
    assert [(sample.signal, sample.value) for sample in samples] == [(1, 100.0), (3, None)]
    assert driver.health().faults == {3: "The recording has no column 'speed'; it has flow, current."}
    await driver.close()


async def test_texts_and_truth_values_are_read_by_the_type_of_their_signal(tmp_path: Path) -> None:
    write(tmp_path, "time,state,open\n2026-03-01T06:00:00Z,running,TRUE\n")
    state = a_signal(1, {"column": "state"}, data_type=DataType.TEXT)
    is_open = a_signal(2, {"column": "Open"}, data_type=DataType.BOOLEAN)
    driver = await playing(tmp_path, HandClock(NOON))
    assert [sample.value for sample in await read(driver, state, is_open)] == ["running", 1.0]
    await driver.close()


@pytest.mark.parametrize("endpoint", ["replay://../secret.csv", "/etc/passwd", "replay://a/b.csv", "pump.txt", "..csv"])
async def test_nothing_outside_the_folder_of_recordings_can_be_named(tmp_path: Path, endpoint: str) -> None:
    assert file_pattern(endpoint) is None
    with pytest.raises(ConnectionFailedError, match="no recording; write it like replay"):
        await playing(tmp_path, HandClock(NOON), endpoint)


async def test_a_link_that_leads_out_of_the_folder_is_no_recording(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    write(tmp_path, every_second(1), "secret.csv")
    (folder / "pump.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(ConnectionFailedError, match="is not in the folder of recordings"):
        await playing(folder, HandClock(NOON))


async def test_a_file_without_a_heading_or_time_column_is_refused_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, "")
    with pytest.raises(ConnectionFailedError, match="it has no heading"):
        await playing(tmp_path, HandClock(NOON))
    write(tmp_path, "a,b\n1,2\n")
    with pytest.raises(ConnectionFailedError, match="has no column 'when' for the time; it has a, b"):
        await playing(tmp_path, HandClock(NOON), time_column="when")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_files_of_other_encodings_separators_and_decimal_marks_are_read(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, "Zeit;Öldruck\r\n2026-03-01 07:00:00;1.234,5\r\n", encoding=encoding)
    form = CsvForm(zone="Europe/Vienna", decimal=",")
    with opened(tmp_path / "pump.csv", form) as recording:
        assert recording.columns == ["Öldruck"]
        assert list(recording) == [Row(2, FIRST, ["2026-03-01 07:00:00", "1.234,5"])]
    assert last_time(tmp_path / "pump.csv", form) == FIRST


@pytest.mark.parametrize(
    ("written", "format"),
    [("1772344800", "auto"), ("1772344800000", "auto"), ("1772344800000000", "auto"), ("1772344800.0", "epoch_s")],
)
def test_times_since_1970_are_told_by_their_size(tmp_path: Path, written: str, format: Any) -> None:
    write(tmp_path, f"t,flow\n{written},1\n")
    with opened(tmp_path / "pump.csv", CsvForm(time_format=format)) as recording:
        assert [row.at for row in recording if isinstance(row, Row)] == [FIRST]


def test_an_hour_that_clocks_leave_out_is_a_bad_row(tmp_path: Path) -> None:
    write(tmp_path, "time,flow\n2026-03-29 02:30:00,1\n2026-03-29 03:30:00,2\n")
    with opened(tmp_path / "pump.csv", CsvForm(zone="Europe/Vienna")) as recording:
        bad, good = recording
    assert isinstance(bad, BadRow)
    assert "does not exist in Europe/Vienna" in bad.reason
    assert isinstance(good, Row)


def test_a_line_without_end_costs_one_row_and_no_memory(tmp_path: Path) -> None:
    write(tmp_path, "time,flow\n2026-03-01T06:00:00Z," + "9" * 1_000_000 + "\n2026-03-01T06:00:01Z,2\n")
    with opened(tmp_path / "pump.csv", CsvForm()) as recording:
        bad, good = recording
    assert isinstance(bad, BadRow)
    assert "longer than" in bad.reason
    assert isinstance(good, Row)
    assert good.cells[1] == "2"


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=400))
def test_no_file_whatever_it_holds_breaks_the_reader(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("any") / "pump.csv"
    path.write_bytes(b"time,flow\n" + content)
    with opened(path, CsvForm()) as recording:
        rows = list(recording)
    assert all(row.line >= 2 for row in rows)
    assert all(np.iinfo(np.int64).min < row.at < np.iinfo(np.int64).max for row in rows if isinstance(row, Row))
