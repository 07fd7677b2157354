"""Reading the samples themselves: each signal's stretch of a span, with what stood when it began."""

from collections.abc import Sequence

import numpy as np

from pdm_app.domain.samples import Micros, Stretch
from pdm_app.storage.raw_rows import RawRows, of_signal
from pdm_app.storage.sample_reader import Held, SampleReader


async def stretches(
    reader: SampleReader, held: Held, signals: Sequence[int], start_at: Micros, end_at: Micros, rows_max: int
) -> dict[int, Stretch]:
    """Return each signal's samples of the span.

    Raises:
        InvalidInputError: They are more than ``rows_max``.
    """
    signals = list(dict.fromkeys(signals))
    rows = await reader.read(held, signals, [(start_at, end_at)], rows_max=rows_max)
    before = await reader.before(held, signals, start_at)
    return {signal: _stretch(of_signal(before, signal), of_signal(rows, signal)) for signal in signals}


def _stretch(before: RawRows, rows: RawRows) -> Stretch:
    return Stretch(
        source_at=np.concatenate((before.source_at, rows.source_at)),
        value=np.concatenate((before.value, rows.value)),
        quality=np.concatenate((before.quality, rows.quality)).astype(np.uint16),
    )
