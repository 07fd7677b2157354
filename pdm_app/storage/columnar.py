"""Batches as one set of columns in the order of the samples' key, ready for one bulk statement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from pdm_app.domain.samples import F8, I8, Batch, plain_text

ROW_BITS = 20
ROWS_MAX = 1 << ROW_BITS
"""Rows of one batch; more would run into the next seq in `place`."""
JSON_BYTES_MAX = 4_000_000
"""Well below max_allowed_packet, which is 16 MB on MariaDB and 64 MB on MySQL unless set otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Samples of many batches, sorted by (signal, source_at, received_at, place), all columns of one length.

    ``place`` is ``seq << 20 | row in the batch``: together with ``received_at`` it tells any two samples apart, and of
    two with the same key the later one, in whatever order they come.
    """

    signal: I8
    source_at: I8
    value: F8
    quality: I8
    received_at: I8
    place: I8
    text: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.signal)

    def take(self, rows: NDArray[Any]) -> "Columns":
        """Return the rows at ``rows``, either indexes or a mask of shape (rows,)."""
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        text: dict[int, str] = {}
        if self.text:
            text = {new: self.text[old] for new, old in enumerate(index.tolist()) if old in self.text}
        return Columns(
            self.signal[index],
            self.source_at[index],
            self.value[index],
            self.quality[index],
            self.received_at[index],
            self.place[index],
            text,
        )

    def split_winners(self) -> tuple["Columns", "Columns"]:
        """Return per key the row that counts, and all others."""
        if not len(self):
            return self, self
        is_last = np.ones(len(self), dtype=np.bool_)
        is_last[:-1] = (self.signal[1:] != self.signal[:-1]) | (self.source_at[1:] != self.source_at[:-1])
        if is_last.all():
            return self, self.take(np.zeros(0, dtype=np.int64))
        return self.take(is_last), self.take(~is_last)

    def newest(self) -> "Columns":
        """Return the newest row of each signal; the rows must be winners."""
        if not len(self):
            return self
        is_last = np.ones(len(self), dtype=np.bool_)
        is_last[:-1] = self.signal[1:] != self.signal[:-1]
        return self.take(is_last)

    def tuples(self) -> list[tuple[int, int, float | None, str | None, int, int, int]]:
        """Return rows of (signal_id, source_at, value, text, quality, received_at, place); no number is None."""
        values: list[float | None] = self.value.tolist()
        for row in np.flatnonzero(~np.isfinite(self.value)).tolist():
            values[row] = None
        texts: list[str | None] = [None] * len(self)
        for row, words in self.text.items():
            texts[row] = words
        return list(
            zip(
                self.signal.tolist(),
                self.source_at.tolist(),
                values,
                texts,
                self.quality.tolist(),
                self.received_at.tolist(),
                self.place.tolist(),
                strict=True,
            )
        )

    def keys_json(self) -> str:
        """Return rows of [signal_id, source_at, received_at, place]."""
        rows = np.column_stack((self.signal, self.source_at, self.received_at, self.place))
        return orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY).decode()

    def json_parts(self) -> Iterator[tuple[str, int]]:
        """Yield the rows as JSON arrays with their count, each part short enough for one packet."""
        yield from json_parts(self.tuples())


def json_parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, int]]:
    """Yield rows as JSON arrays with their count, each part short enough for one packet."""
    encoded = orjson.dumps(rows)
    if len(encoded) <= JSON_BYTES_MAX or len(rows) == 1:
        yield encoded.decode(), len(rows)
        return
    middle = len(rows) // 2
    yield from json_parts(rows[:middle])
    yield from json_parts(rows[middle:])


def columns_of_batches(batches: Sequence[Batch]) -> Columns:
    """Join batches into sorted columns.

    Raises:
        ValueError: A batch has more than 1,048,576 rows.
    """
    full = [batch for batch in batches if len(batch)]
    too_long = next((len(batch) for batch in full if len(batch) > ROWS_MAX), None)
    if too_long is not None:
        raise ValueError(f"a batch of {too_long} rows is too long; cut it into batches of at most {ROWS_MAX}")
    if not full:
        nothing = np.zeros(0, dtype=np.int64)
        return Columns(nothing, nothing, np.zeros(0), nothing, nothing, nothing)
    lengths = [len(batch) for batch in full]
    signal = np.concatenate([batch.signal for batch in full]).astype(np.int64)
    source_at = np.concatenate([batch.source_at for batch in full])
    received_at = np.repeat(np.array([batch.received_at for batch in full], dtype=np.int64), lengths)
    place = np.concatenate([np.arange(len(batch), dtype=np.int64) + (batch.seq << ROW_BITS) for batch in full])
    text: dict[int, str] = {}
    start = 0
    for batch, length in zip(full, lengths, strict=True):
        text.update({start + row: plain_text(words) for row, words in batch.text.items()})
        start += length
    unsorted = Columns(
        signal=signal,
        source_at=source_at,
        value=np.concatenate([batch.value for batch in full]),
        quality=np.concatenate([batch.quality for batch in full]).astype(np.int64),
        received_at=received_at,
        place=place,
        text=text,
    )
    step = np.diff(signal)
    if bool(((step > 0) | ((step == 0) & (np.diff(source_at) > 0))).all()):
        return unsorted  # As whole days of the past are given: sorting them anew takes longer than all the rest.
    return unsorted.take(np.lexsort((place, received_at, source_at, signal)))
