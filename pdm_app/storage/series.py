"""One signal's answer as columns; it becomes lists once, when it is handed out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.history import Envelope, Tier
from pdm_app.domain.samples import F8, I8, QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN
from pdm_app.storage.raw_rows import RawRows


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """An `Envelope` as columns.

    Attributes:
        signal: Dense signal id.
        tier: Where it came from.
        bucket_us: Width of a bucket in microseconds; 0 for points.
        at: Beginnings of the buckets that are not empty, or times of the points, shape (n,), rising.
        numbers: low, high, mean and last, shape (4, n); NaN where a bucket has no usable sample.
        counts: good and all samples, shape (2, n).
    """

    signal: int
    tier: Tier
    bucket_us: int
    at: I8
    numbers: F8
    counts: I8

    def __len__(self) -> int:
        return len(self.at)

    @property
    def samples(self) -> int:
        """How many samples it stands for."""
        return int(self.counts[1].sum())

    def between(self, start: int, end: int) -> "Series":
        """Return the part that begins in a span; views, no copies."""
        low, high = np.searchsorted(self.at, [start, end])
        if low == 0 and high == len(self.at):
            return self
        part = slice(int(low), int(high))
        return Series(
            self.signal, self.tier, self.bucket_us, self.at[part], self.numbers[:, part], self.counts[:, part]
        )

    def envelope(self) -> Envelope:
        """Write it out; the columns are what the record asks for, so it checks none of their thousands of numbers."""
        known: list[list[float | None]] = self.numbers.tolist()
        for row in np.flatnonzero(np.isnan(self.numbers[0])).tolist():
            for column in known:
                column[row] = None
        low, high, mean, last = known
        good, count = self.counts.tolist()
        return Envelope.model_construct(
            signal=self.signal, tier=self.tier, bucket_us=self.bucket_us, at=self.at.tolist(),
            low=low, high=high, mean=mean, last=last, good=good, count=count,
        )  # fmt: skip


def joined_series(parts: Sequence[Series]) -> Series:
    """Return the series of parts of one signal, tier and width that follow each other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Series(
        first.signal,
        first.tier,
        first.bucket_us,
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.numbers for part in parts], axis=1),
        np.concatenate([part.counts for part in parts], axis=1),
    )


def points_of(rows: RawRows, signals: Sequence[int]) -> dict[int, Series]:
    """Return each signal's samples as points; ``rows`` may hold those of others, too."""
    known = (rows.quality < QUALITY_BAD_MIN) & np.isfinite(rows.value)
    value = np.where(known, rows.value, np.nan)
    good = (rows.quality < QUALITY_UNCERTAIN_MIN).astype(np.int64)
    found: dict[int, Series] = {}
    for signal in signals:
        begin, end = np.searchsorted(rows.signal, [signal, signal + 1])
        part = slice(int(begin), int(end))
        counts = np.stack((good[part], np.ones_like(good[part])))
        numbers = np.broadcast_to(value[part], (4, int(end - begin)))
        found[signal] = Series(signal, Tier.RAW, 0, rows.source_at[part], numbers, counts)
    return found
