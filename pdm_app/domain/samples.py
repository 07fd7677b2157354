"""Samples and batches: a value, its quality and the time at the source.

On the data path nothing but a `Batch` moves: columns, never one object per sample. `Sample` is what
rules and tests read at the edge, where a handful of values is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NewType

import numpy as np
from numpy.typing import NDArray

SignalId = NewType("SignalId", int)
Micros = NewType("Micros", int)
"""Microseconds since 1970-01-01 UTC."""

TEXT_MAX = 1000
"""Characters kept of a text value; a longer one ends in an ellipsis."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROS_PER_S = 1_000_000

U4 = NDArray[np.uint32]
I8 = NDArray[np.int64]
F8 = NDArray[np.float64]
U2 = NDArray[np.uint16]


class Quality(IntEnum):
    """How far a value may be trusted; the severity is the hundreds digit, the rest is the reason."""

    GOOD = 0
    UNCERTAIN = 100
    UNCERTAIN_CLAMPED = 101
    BAD = 200
    BAD_CONNECTION_LOST = 201
    BAD_DEVICE_FAILURE = 202
    BAD_CONFIGURATION = 203
    BAD_NOT_A_NUMBER = 204
    BAD_WAITING = 205
    BAD_STALE = 206

    @property
    def is_good(self) -> bool:
        return self < Quality.UNCERTAIN

    @property
    def is_bad(self) -> bool:
        return self >= Quality.BAD


QUALITY_UNCERTAIN_MIN = int(Quality.UNCERTAIN)
QUALITY_BAD_MIN = int(Quality.BAD)


def micros(moment: datetime) -> Micros:
    """Convert an aware datetime to microseconds UTC, exactly.

    Raises:
        ValueError: The datetime is naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return Micros((moment - EPOCH) // timedelta(microseconds=1))


def moment(at: int) -> datetime:
    """Convert microseconds UTC to an aware datetime."""
    return EPOCH + timedelta(microseconds=at)


def plain_text(words: str) -> str:
    """Return a text value as it can be stored, sent and shown: of bounded length, and valid Unicode.

    Devices send bytes that are no UTF-8; some libraries hand them on as halves of surrogate pairs, which no encoder of
    JSON takes.
    """
    if len(words) > TEXT_MAX:
        words = words[: TEXT_MAX - 1] + "…"
    return words.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one signal."""

    signal: SignalId
    value: float | str | None
    quality: Quality
    source_at: Micros


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """One signal over a span: columns of equal length in the order of time.

    Attributes:
        source_at: Microseconds UTC, strictly increasing; the first may lie before the span: what stood when it began.
        value: Numbers; NaN where there is none.
        quality: `Quality` codes.
    """

    source_at: I8
    value: F8
    quality: U2

    def __len__(self) -> int:
        return len(self.source_at)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples that arrived together, as columns of equal length.

    Attributes:
        device: Id of the connection or device that sent them.
        signal: Dense signal ids.
        source_at: Microseconds UTC on the source's clock.
        value: Numbers; booleans as 0 and 1; NaN where ``text`` holds the value or there is none.
        quality: `Quality` codes.
        received_at: Microseconds UTC on the receiver's clock, one instant for the whole batch.
        seq: Position in the durable buffer; 0 until the collector has offered it there.
        text: Values of string signals by row.
        may_repeat: Whether it may hold what was sent before, because its receipt was never acknowledged; what is in
            it once more says nothing about now. Otherwise a source that repeats a sample announces that it still holds.
    """

    device: str
    signal: U4
    source_at: I8
    value: F8
    quality: U2
    received_at: Micros
    seq: int = 0
    text: Mapping[int, str] = field(default_factory=dict)
    may_repeat: bool = False

    def __post_init__(self) -> None:
        rows = len(self.signal)
        if not (len(self.source_at) == len(self.value) == len(self.quality) == rows):
            raise ValueError("columns of a batch must have equal length")

    def __len__(self) -> int:
        return len(self.signal)

    @classmethod
    def of(cls, device: str, samples: Sequence[Sample], received_at: Micros) -> "Batch":
        """Build a batch from single samples; for edges and tests, not for the data path."""
        text = {row: sample.value for row, sample in enumerate(samples) if isinstance(sample.value, str)}
        numbers = [
            float("nan") if sample.value is None or isinstance(sample.value, str) else float(sample.value)
            for sample in samples
        ]
        return cls(
            device=device,
            signal=np.array([sample.signal for sample in samples], dtype=np.uint32),
            source_at=np.array([sample.source_at for sample in samples], dtype=np.int64),
            value=np.array(numbers, dtype=np.float64),
            quality=np.array([sample.quality for sample in samples], dtype=np.uint16),
            received_at=received_at,
            text=text,
        )

    def numbered(self, seq: int) -> "Batch":
        """Return the same columns with their position in the durable buffer."""
        return replace(self, seq=seq)

    def rows(self, keep: NDArray[np.bool_]) -> "Batch":
        """Return only the rows where ``keep``, shape (rows,), is true."""
        if keep.all():
            return self
        text: dict[int, str] = {}
        if self.text:
            new_row = np.cumsum(keep) - 1
            text = {int(new_row[row]): words for row, words in self.text.items() if keep[row]}
        return replace(
            self,
            signal=self.signal[keep],
            source_at=self.source_at[keep],
            value=self.value[keep],
            quality=self.quality[keep],
            text=text,
        )

    def samples(self) -> Iterator[Sample]:
        """Iterate over single samples; for edges and tests."""
        for row in range(len(self)):
            number = float(self.value[row])
            value = self.text.get(row, None if np.isnan(number) else number)
            yield Sample(
                signal=SignalId(int(self.signal[row])),
                value=value,
                quality=Quality(int(self.quality[row])),
                source_at=Micros(int(self.source_at[row])),
            )
