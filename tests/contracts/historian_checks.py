"""What the suites of historians share: random deliveries, and how answers and rows are held against the reference."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.history import ROLLUPS, Envelope, HistoryQuery
from pdm_app.domain.ports import Fence, Historian
from pdm_app.domain.samples import Batch
from pdm_app.storage.database import Database
from tests.storage.data import NOON, S, batch
from tests.storage.reference import Reference, ascending

TABLES = ("samples", "latest", "rollups_10s", "rollups_60s", "rollups_1h", "rollup_marks", "rollup_positions")


SIGNALS = (1, 2, 4_000_000_000)
rows: st.SearchStrategy[Any] = st.tuples(
    st.sampled_from(SIGNALS),
    st.one_of(
        st.integers(0, 90).map(lambda halves: halves / 2),
        st.sampled_from([59.9, 60, 119.5, 600, 3599, 3600, 3600.5, 7100, 7201, 10_900]),
    ),
    st.one_of(
        st.floats(-1e6, 1e6),
        st.sampled_from([0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1e22, 2**53 + 2.0]).filter(
            lambda v: abs(v) < 1e300
        ),
        st.sampled_from([float("nan"), float("inf"), "läuft", 'a "quoted" \\ text\n%s', "🏭", ""]),
    ),
    st.sampled_from([0, 0, 0, 100, 101, 200, 204]),
)


RECEIVED_S = (0, 20, 45, 90, 120, 700, 3640, 9000, 15_000)


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[list[Batch], bool]]:
    """Batches in any order, some more than once, in writes of any size, with or without a roll-up in between."""
    batches = [
        batch(
            draw(st.lists(rows, min_size=1, max_size=25)),
            seq=seq,
            received_s=draw(st.sampled_from([0, 20, 45, 90, 120, 700, 3640, 9000, 15_000])),
        )
        for seq in range(1, draw(st.integers(2, 6)))
    ]
    again = draw(st.lists(st.sampled_from(batches), max_size=4))
    order = draw(st.permutations([*batches, *again]))
    writes: list[tuple[list[Batch], bool]] = []
    while order:
        size = draw(st.integers(1, 4))
        writes.append((order[:size], draw(st.booleans())))
        order = order[size:]
    return writes


QUERIES = (
    [
        HistoryQuery(signals=SIGNALS, start_at=NOON, end_at=NOON + 50 * S, buckets=buckets)
        for buckets in (1, 2, 4, 5, 9, 40, 500)
    ]
    + [
        HistoryQuery(signals=(2, 1), start_at=NOON + 7 * S + 1, end_at=NOON + 33 * S, buckets=buckets)
        for buckets in (2, 3, 7)
    ]
    + [
        HistoryQuery(signals=SIGNALS, start_at=NOON - 100 * S, end_at=NOON + 11_000 * S, buckets=buckets)
        for buckets in (1, 3, 100, 185, 1000)
    ]
)


async def rolled_up(historian: Historian, fence: Fence) -> int:
    """Roll up until nothing is due, and return the steps it took."""
    steps = 0
    while await historian.roll_up(fence):
        steps += 1
        assert steps < 2000
    return steps


async def table(database: Database, statement: str) -> list[dict[str, Any]]:
    async with database.connected("look") as connection:
        return [dict(row) for row in (await connection.execute(text(statement))).mappings()]


def assert_same(found: Envelope, wanted: Envelope) -> None:
    exact = {"mean"}
    assert found.model_dump(exclude=exact) == wanted.model_dump(exclude=exact), (found, wanted)
    assert [mean is None for mean in found.mean] == [mean is None for mean in wanted.mean]
    np.testing.assert_allclose(_numbers(found.mean), _numbers(wanted.mean), rtol=1e-9, atol=1e-9)


def damage(path: Path) -> None:
    """Overwrite the first of a cold file's times, which every reader of samples needs."""
    content = bytearray(path.read_bytes())
    at = pq.read_metadata(path).row_group(0).column(1).data_page_offset
    content[at : at + 40] = bytes(40)
    path.write_bytes(content)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


async def assert_answers(historian: Historian, reference: Reference, queries: Sequence[HistoryQuery]) -> None:
    for query in queries:
        found = await historian.envelope(query)
        assert [envelope.signal for envelope in found] == list(query.signals)
        for envelope in found:
            assert ascending(envelope.at), (query, envelope, reference.envelope(query, envelope.signal))
            assert_same(envelope, reference.envelope(query, envelope.signal))


async def assert_rows(database: Database, reference: Reference) -> None:
    """The row holds the two latest candidates, to the last bit."""
    stored = {(row["signal_id"], row["source_at"]): row for row in await table(database, "SELECT * FROM samples")}
    wanted = reference.kept()
    assert stored.keys() == wanted.keys()
    for key, row in stored.items():
        for prefix, place in (("", 0), ("other_", 1)):
            names = ("received_at", "place", "value", "text", "quality")
            found = tuple(row[prefix + name] for name in names)
            if place >= len(wanted[key]):
                assert found == (None,) * 5
            else:
                received_at, seq, number, value, words, quality = wanted[key][place]
                assert found == (received_at, (seq << 20) | number, value, words, quality)


async def assert_rollups(database: Database, reference: Reference) -> None:
    """Every rollup row is what raw gives, and none is missing where all its time is derived."""
    assert not await table(database, "SELECT * FROM rollup_marks")
    positions = await table(database, "SELECT rolled_to FROM rollup_positions")
    done_to = positions[0]["rolled_to"]
    for tier in ROLLUPS:
        rows = await table(database, f"SELECT * FROM rollups_{tier}")  # noqa: S608
        for row in rows:
            assert_rollup(row, reference, tier.width_us)
        width = tier.width_us
        due = {(signal, at - at % width) for signal, at in reference.instants if at - at % width + width <= done_to}
        assert due <= {(row["signal_id"], row["bucket_at"]) for row in rows}


def assert_rollup(row: dict[str, Any], reference: Reference, width: int) -> None:
    span = (row["signal_id"], row["bucket_at"], row["bucket_at"] + width)
    series = reference.series(*span)
    usable = [(at, value) for at, value, quality in series if value is not None and quality < 200]
    assert row["samples"] == len(series)
    assert row["good"] == sum(quality < 100 for _, _, quality in series)
    assert row["usable"] == len(usable)
    assert (row["begins_at"], row["ends_at"], row["ends_quality"]) == (series[0][0], series[-1][0], series[-1][2])
    assert (row["good_us"], row["usable_us"]) == (reference.good_us(*span), reference.usable_us(*span))
    assert (row["first_at"], row["first"]) == (usable[0] if usable else (None, None))
    assert (row["last_at"], row["last"]) == (usable[-1] if usable else (None, None))
    assert row["low"] == (min(value for _, value in usable) if usable else None)
    assert row["high"] == (max(value for _, value in usable) if usable else None)
    size = max((abs(value) for _, value in usable), default=0.0)
    if usable:
        assert row["total"] == pytest.approx(sum(value for _, value in usable), rel=1e-9, abs=1e-12 * size + 1e-9)
    held, line = reference.areas(*span)
    seconds = row["usable_us"] / 1e6
    assert row["held"] == pytest.approx(held, rel=1e-9, abs=1e-12 * size * seconds + 1e-9)
    assert row["line"] == pytest.approx(line, rel=1e-9, abs=1e-12 * size * seconds + 1e-9)
