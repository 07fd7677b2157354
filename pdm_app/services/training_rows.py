"""A machine's past as rows for models: evenly spaced means, short gaps bridged as live scoring bridges them.

What is read is what the historian has at hand: raw samples where rows are close together, rollups where they are not.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.asset_health import HEALTH_SIGNAL, SCORE_SIGNAL
from pdm_app.domain.assets import STATE_OF_NUMBER, Asset, AssetState
from pdm_app.domain.history import SIGNALS_MAX, Envelope, HistoryQuery
from pdm_app.domain.ports import Historian
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.domain.scores import Flags
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.domain.training import Span

BRIDGED_ROWS = 10
"""So many rows a missing value is stood in for by the one before; the same as where live values are scored."""
ROWS_AT_ONCE = 10_000
RUNNING = next(number for number, state in STATE_OF_NUMBER.items() if state is AssetState.RUNNING)


@dataclass(frozen=True, slots=True)
class Rows:
    """A machine over a span.

    Attributes:
        at: Beginning of each row, microseconds UTC, shape (rows,).
        values: Means, shape (rows, signals), in the order asked; NaN where there is no usable value.
        running: Shape (rows,): it ran all through the row; true everywhere where its state is not known.
    """

    at: I8
    values: F8
    running: Flags

    @property
    def whole(self) -> Flags:
        """Return where every signal has a value and the machine ran."""
        return np.asarray(np.isfinite(self.values).all(axis=1) & self.running, dtype=np.bool_)

    def outside(self, spans: Sequence[Span]) -> Flags:
        """Return which rows lie in none of the spans."""
        keep = np.ones(len(self.at), dtype=np.bool_)
        for span in spans:
            keep &= (self.at < span.start_at) | (self.at >= span.end_at)
        return keep


def watchable(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """Return the signals that a model can watch: measured numbers that change continuously; not the score of one."""
    return tuple(
        signal for signal in signals
        if signal.data_type is DataType.NUMBER and signal.shape is Shape.CONTINUOUS and not signal.is_derived
        and signal.name not in (SCORE_SIGNAL, HEALTH_SIGNAL)
    )  # fmt: skip


async def rows_of(historian: Historian, asset: Asset, signals: Sequence[int], span: Span, row_s: float) -> Rows:
    """Read a machine's past; it costs one read for each 10,000 rows of 50 signals."""
    row_us = round(row_s * MICROS_PER_S)
    first, last = -(-span.start_at // row_us), span.end_at // row_us
    at = np.arange(first, max(last, first), dtype=np.int64) * row_us
    asked = [*signals, *([asset.state_signal_id] if asset.state_signal_id is not None else [])]
    columns = np.full((len(at), len(asked)), np.nan)
    for begin in range(0, len(at), ROWS_AT_ONCE):
        piece = at[begin : begin + ROWS_AT_ONCE]
        for start in range(0, len(asked), SIGNALS_MAX):
            numbers = asked[start : start + SIGNALS_MAX]
            query = HistoryQuery(
                signals=tuple(numbers), start_at=int(piece[0]), end_at=int(piece[-1]) + row_us, buckets=len(piece)
            )
            found = await historian.envelope(query)
            place = columns[begin : begin + len(piece), start : start + len(numbers)]
            await asyncio.to_thread(_fill, place, numbers, found, piece, row_us)
    bridged = await asyncio.to_thread(_bridged, columns)
    state = bridged[:, -1] if asset.state_signal_id is not None else None
    running = np.ones(len(at), dtype=np.bool_) if state is None or not np.isfinite(state).any() else state == RUNNING
    return Rows(at, bridged[:, : len(signals)], running)


def _fill(place: F8, numbers: Sequence[int], found: Sequence[Envelope], rows: I8, row_us: int) -> None:
    """Put what was found into its columns; away from the event loop, for it is some hundred thousand numbers."""
    for envelope in found:
        told = np.array([np.nan if value is None else value for value in envelope.mean], dtype=np.float64)
        column = numbers.index(envelope.signal)
        place[:, column] = _averaged(np.array(envelope.at, dtype=np.int64), told, rows, row_us)


def _averaged(at: I8, value: F8, rows: I8, row_us: int) -> F8:
    """Put points into rows; a row with several holds their mean."""
    place = (at - rows[0]) // row_us
    good = np.isfinite(value) & (place >= 0) & (place < len(rows))
    total = np.bincount(place[good], weights=value[good], minlength=len(rows))
    count = np.bincount(place[good], minlength=len(rows))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _bridged(columns: F8) -> F8:
    """Stand in for short gaps by the value before."""
    place = np.where(np.isfinite(columns), np.arange(len(columns))[:, None], -1)
    before = np.maximum.accumulate(place, axis=0) if len(place) else place
    age = np.arange(len(columns))[:, None] - before
    filled = np.take_along_axis(columns, np.maximum(before, 0), axis=0) if len(columns) else columns
    return np.where((before >= 0) & (age <= BRIDGED_ROWS), filled, np.nan)
