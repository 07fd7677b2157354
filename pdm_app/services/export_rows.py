"""The rows of an export, block by block in the order of time, read from the historian in portions."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.exports import ExportOrder, Figure
from pdm_app.domain.ports import Historian
from pdm_app.domain.samples import F8, Micros, Quality, Stretch
from pdm_app.domain.signals import DataType, Signal
from pdm_app.domain.tables import Block, Column, ColumnKind
from pdm_app.domain.units import US_CUSTOMARY, unit
from pdm_app.services.figures import aggregates

STEP_US_FIRST = 6 * 3_600_000_000
STEP_US_MIN = 1_000_000
STEP_US_MAX = 30 * 86_400_000_000
SAMPLES_MAX = 200_000
SAMPLES_WANTED = 60_000
CELLS_PER_BLOCK = 20_000
TEXTS_MAX = 20_000
"""Texts are looked up one by one."""
QUALITIES = {int(quality): quality.name.lower() for quality in Quality}
UNITLESS = (Figure.COUNT,)


def columns_of(order: ExportOrder, signals: Sequence[Signal], names: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns: one row is a sample of some signal, or a stretch of time of all of them."""
    time = Column("Time", ColumnKind.TIME)
    if order.every_us is None:
        kind = (Column("Signal", ColumnKind.TEXT), Column("Value", ColumnKind.NUMBER), Column("Unit", ColumnKind.TEXT))
        return (time, *kind, Column("Text", ColumnKind.TEXT), Column("Quality", ColumnKind.TEXT))
    return (
        time,
        *(
            Column(f"{name} {figure}", ColumnKind.NUMBER, "" if figure in UNITLESS else symbol_of(order, signal))
            for signal, name in zip(signals, names, strict=True)
            for figure in order.figures
        ),
    )


def symbol_of(order: ExportOrder, signal: Signal) -> str:
    """Return what stands after the signal's numbers in this export."""
    other = US_CUSTOMARY.get(signal.unit) if order.us_units else None
    return unit(other.code if other is not None else signal.unit).symbol


async def rows_of(
    historian: Historian, order: ExportOrder, signals: Sequence[Signal], names: Sequence[str], now: Micros
) -> AsyncGenerator[Block, None]:
    """Yield the blocks of an export.

    Raises:
        InvalidInputError: It holds too many texts, or a second of it too many samples.
        UnavailableError: The database does not answer.
    """
    blocks = _figures(historian, order, signals, now) if order.every_us else _samples(historian, order, signals, names)
    async for block in blocks:
        yield block


async def _figures(
    historian: Historian, order: ExportOrder, signals: Sequence[Signal], now: Micros
) -> AsyncGenerator[Block, None]:
    every = order.every_us or 1
    stretches = max(1, CELLS_PER_BLOCK // (len(signals) * len(order.figures)))
    for begin in range(order.start_at, order.end_at, every * stretches):
        end = min(order.end_at, begin + every * stretches)
        edges = np.append(np.arange(begin, end, every, dtype=np.int64), np.int64(end))
        found = await historian.summaries(order.signals, edges)
        block: list[Any] = [edges[:-1]]
        for signal in signals:
            series = await asyncio.to_thread(aggregates, signal, edges, found, now)
            for figure in order.figures:
                numbers = np.array(getattr(series, figure), np.float64)
                if figure not in UNITLESS:
                    is_sum = figure is Figure.TOTAL
                    numbers = _shown(order, signal, numbers, np.array(series.usable, np.float64) if is_sum else 1.0)
                block.append(numbers)
        yield block


async def _samples(
    historian: Historian, order: ExportOrder, signals: Sequence[Signal], names: Sequence[str]
) -> AsyncGenerator[Block, None]:
    begin, step_us, texts_left = order.start_at, STEP_US_FIRST, TEXTS_MAX
    while begin < order.end_at:
        end = min(order.end_at, begin + step_us)
        try:
            found = await historian.samples(order.signals, Micros(begin), Micros(end), SAMPLES_MAX)
        except InvalidInputError:
            if step_us <= STEP_US_MIN:
                raise
            step_us = max(STEP_US_MIN, step_us // 4)
            continue
        inside = {signal.id: _inside(found[signal.id], begin) for signal in signals}
        texts: dict[int, list[str | None]] = {}
        for signal in signals:
            if signal.data_type is DataType.TEXT:
                texts_left -= len(inside[signal.id])
                if texts_left < 0:
                    raise InvalidInputError(
                        f"{signal.label} makes more than {TEXTS_MAX:,} texts in this span. Choose a shorter one.",
                        texts_max=TEXTS_MAX,
                    )
                texts[signal.id] = await _texts(historian, signal, inside[signal.id])
        block, rows = await asyncio.to_thread(_block, order, signals, names, inside, texts)
        if rows:
            yield block
        begin = end
        if rows < SAMPLES_WANTED // 2:
            step_us = min(step_us * 2, STEP_US_MAX)


def _inside(stretch: Stretch, begin: int) -> Stretch:
    """Leave out what stood when the span began."""
    first = int(np.searchsorted(stretch.source_at, begin))
    return Stretch(stretch.source_at[first:], stretch.value[first:], stretch.quality[first:])


async def _texts(historian: Historian, signal: Signal, stretch: Stretch) -> list[str | None]:
    found: list[str | None] = []
    for at in stretch.source_at.tolist():
        before, _ = (await historian.beside([signal.id], Micros(at)))[signal.id]
        found.append(before.value if before is not None and isinstance(before.value, str) else None)
    return found


def _block(
    order: ExportOrder,
    signals: Sequence[Signal],
    names: Sequence[str],
    inside: dict[int, Stretch],
    texts: dict[int, list[str | None]],
) -> tuple[Block, int]:
    """Lay the samples of all signals together, in the order of time."""
    parts = [inside[signal.id] for signal in signals]
    at = np.concatenate([part.source_at for part in parts])
    order_of_time = np.argsort(at, kind="stable")
    owner = np.repeat(np.arange(len(signals)), [len(part) for part in parts])[order_of_time]
    value = np.concatenate([_shown(order, signal, part.value) for signal, part in zip(signals, parts, strict=True)])
    quality = np.concatenate([part.quality for part in parts])[order_of_time]
    words: list[str | None] = [None] * len(at)
    if texts:
        given = [words for signal in signals for words in texts.get(signal.id, [None] * len(inside[signal.id]))]
        words = [given[row] for row in order_of_time.tolist()]
    symbols = [symbol_of(order, signal) for signal in signals]
    owners = owner.tolist()
    block = (
        at[order_of_time],
        [names[each] for each in owners],
        value[order_of_time],
        [symbols[each] for each in owners],
        words,
        [QUALITIES.get(code, str(code)) for code in quality.tolist()],
    )
    return block, len(at)


def _shown(order: ExportOrder, signal: Signal, numbers: F8, times: F8 | float = 1.0) -> F8:
    """Return numbers in the unit of the export; of sums of several values, the zero of its scale counts ``times``."""
    other = US_CUSTOMARY.get(signal.unit) if order.us_units else None
    return numbers if other is None else np.asarray(numbers * other.factor + other.offset * times, np.float64)
