"""Tables of signals, as other programs write them."""

from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError
from pdm_app.inference.signal_tables import SignalTable, read_signal_table


def read(tmp_path: Path, text: str) -> SignalTable:
    (tmp_path / "t.csv").write_bytes(text.encode())
    return read_signal_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("first", "second", "row_s"),
    [
        ("2020-03-09 10:34:33", "2020-03-09 10:34:43", 10),
        ("2020-03-09T10:34:33.000Z", "2020-03-09T10:34:33.500Z", 0.5),
        ("2020-03-09T10:34:33+01:00", "2020-03-09T10:35:33+01:00", 60),
        ("09.03.2020 10:34:33", "09.03.2020 10:34:35", 2),
        ("3/19/2020 10:34", "3/19/2020 10:35", 60),
        ("1583750073", "1583750074", 1),
        ("1583750073000", "1583750074000", 1),
        ("1583750073000000", "1583750074000000", 1),
    ],
)
def test_times_are_read_in_their_usual_shapes(tmp_path: Path, first: str, second: str, row_s: float) -> None:
    told = read(tmp_path, f"when,a\n{first},1\n{second},2\n")
    assert told.names == ("a",)
    assert told.row_s == pytest.approx(row_s)


def test_a_column_called_time_may_count_from_zero(tmp_path: Path) -> None:
    told = read(tmp_path, "Time,a\n0,1\n0.25,2\n0.5,3\n")
    assert (told.names, told.row_s) == (("a",), 0.25)


def test_a_large_reading_is_not_taken_for_the_time(tmp_path: Path) -> None:
    told = read(tmp_path, "energy,timestamp\n900000000,2020-03-09 10:34:33\n900000001,2020-03-09 10:34:34\n")
    assert told.names == ("energy",)
    assert told.values[:, 0].tolist() == [900000000, 900000001]


def test_semicolons_bring_decimal_commas_and_a_mark_of_order(tmp_path: Path) -> None:
    told = read(tmp_path, "\ufeffdatetime;a;b\r\n2020-03-09 10:34:33;1,5;-2\r\n2020-03-09 10:34:34;;nan\r\n")
    assert told.names == ("a", "b")
    assert told.values[0].tolist() == [1.5, -2]
    assert np.isnan(told.values[1]).all()


def test_infinities_are_no_readings_and_words_are_left_out(tmp_path: Path) -> None:
    told = read(tmp_path, "time,a,state\n2020-03-09 10:34:33,inf,on\n2020-03-09 10:34:34,2,off\n")
    assert (told.names, told.skipped) == (("a",), ("state",))
    assert np.isnan(told.values[0, 0])


def test_a_column_that_is_asked_for_and_missing_is_named(tmp_path: Path) -> None:
    told = read(tmp_path, "time,a,b\n2020-03-09 10:34:33,1,2\n")
    with pytest.raises(InvalidInputError, match="no column 'c'"):
        told.only(["a", "c"])
    assert told.only(["b", "a"]).values.tolist() == [[2, 1]]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"time,a\n\xff\xfe,1\n")
    with pytest.raises(InvalidInputError, match="no UTF-8 text"):
        read_signal_table(tmp_path / "t.csv")
