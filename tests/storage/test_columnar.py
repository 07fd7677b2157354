"""Batches become columns in key order, and nothing a device can send breaks the statement made of them."""

import numpy as np
import orjson
import pytest

from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage import columnar
from pdm_app.storage.columnar import ROWS_MAX, columns_of_batches
from tests.storage.data import NOON, batch, ramp


def test_columns_are_sorted_by_key_then_by_who_came_later() -> None:
    early = batch([(2, 5, 1.0), (1, 5, 2.0), (1, 5, 3.0)], seq=1, received_s=10)
    late = batch([(1, 5, 4.0), (1, 4, 5.0)], seq=2, received_s=9)
    columns = columns_of_batches([early, late])
    assert columns.value.tolist() == [5.0, 4.0, 2.0, 3.0, 1.0]
    winners, losers = columns.split_winners()
    assert winners.value.tolist() == [5.0, 3.0, 1.0]
    assert losers.value.tolist() == [4.0, 2.0]
    assert winners.newest().value.tolist() == [3.0, 1.0]


def test_the_place_tells_apart_two_samples_of_one_batch_and_one_microsecond() -> None:
    columns = columns_of_batches([batch([(1, 0, 1.0), (1, 0, 2.0)], seq=3)])
    assert columns.place.tolist() == [3 * 2**20, 3 * 2**20 + 1]


def test_texts_follow_their_rows() -> None:
    columns = columns_of_batches([ramp(9, 0, 3), batch([(1, 2, "b"), (1, 1, "a"), (2, 1, 5.0)], seq=2)])
    assert [row[3] for row in columns.tuples()] == ["a", "b", None, None, None, None]
    assert [row[3] for row in columns.take(np.array([1, 2])).tuples()] == ["b", None]


def test_what_is_no_number_is_none() -> None:
    columns = columns_of_batches([batch([(1, 0, float("nan")), (1, 1, float("-inf")), (1, 2, -0.0)])])
    assert [row[2] for row in columns.tuples()] == [None, None, -0.0]


def test_rows_are_cut_into_parts_that_fit_into_a_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "JSON_BYTES_MAX", 500)
    columns = columns_of_batches([batch([(1, number, "x" * 90) for number in range(20)])])
    parts = list(columns.json_parts())
    assert sum(count for _, count in parts) == 20
    assert [row for part, _ in parts for row in orjson.loads(part)] == [list(row) for row in columns.tuples()]
    assert all(len(part) <= 500 for part, _ in parts)


def test_a_batch_too_long_for_its_place_is_refused() -> None:
    rows = ROWS_MAX + 1
    zeros = np.zeros(rows)
    long = Batch(
        "d", zeros.astype(np.uint32), zeros.astype(np.int64) + NOON, zeros, zeros.astype(np.uint16), Micros(NOON)
    )
    with pytest.raises(ValueError, match="too long"):
        columns_of_batches([long])


def test_no_batches_are_no_columns() -> None:
    assert len(columns_of_batches([])) == 0
    assert len(columns_of_batches([batch([])]).split_winners()[0]) == 0
