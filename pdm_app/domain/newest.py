"""The newest sample of each signal, as columns; who looks at a handful of them finds samples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from pdm_app.domain.samples import F8, I8, Micros, Quality, Sample, SignalId


@dataclass(frozen=True, slots=True, eq=False)
class Newest(Sequence[Sample]):
    """Columns of one length, sorted by signal, none twice; a sample is made when one is looked at.

    Attributes:
        signal: Dense signal ids.
        source_at: Microseconds UTC.
        value: NaN where ``text`` holds the value or there is none.
        quality: `Quality` codes.
        text: Values of string signals by row.
    """

    signal: I8
    source_at: I8
    value: F8
    quality: I8
    text: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.signal)

    @overload
    def __getitem__(self, row: int) -> Sample: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Sample]: ...

    def __getitem__(self, row: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(row, slice):
            return [self._sample(each) for each in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)} newest samples")
        return self._sample(row % len(self))

    def __iter__(self) -> Iterator[Sample]:
        return map(self._sample, range(len(self)))

    def times(self) -> dict[int, int]:
        """Return the source time of each signal's newest sample."""
        return dict(zip(self.signal.tolist(), self.source_at.tolist(), strict=True))

    def _sample(self, row: int) -> Sample:
        number = float(self.value[row])
        return Sample(
            SignalId(int(self.signal[row])),
            self.text.get(row, None if np.isnan(number) else number),
            Quality(int(self.quality[row])),
            Micros(int(self.source_at[row])),
        )
