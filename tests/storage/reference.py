"""What the historian must answer, computed the slow and obvious way from every sample that was delivered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import fsum, isfinite

from pdm_app.domain.history import Envelope, HistoryQuery, Tier
from pdm_app.domain.samples import Batch

BUCKET_US = 10_000_000

Candidate = tuple[int, int, int, float | None, str | None, int]  # received_at, seq, row, value, text, quality


@dataclass
class Reference:
    """Every candidate of every instant; the latest two are what a historian keeps."""

    instants: dict[tuple[int, int], set[Candidate]] = field(default_factory=dict)

    def deliver(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            for row in range(len(batch)):
                number = float(batch.value[row])
                value = number if isfinite(number) else None
                candidate = (batch.received_at, batch.seq, row, value, batch.text.get(row), int(batch.quality[row]))
                key = (int(batch.signal[row]), int(batch.source_at[row]))
                self.instants.setdefault(key, set()).add(candidate)

    def kept(self) -> dict[tuple[int, int], list[Candidate]]:
        """The latest two candidates of each instant, latest first."""
        return {key: sorted(found, reverse=True)[:2] for key, found in self.instants.items()}

    def series(self, signal: int, start: int, end: int) -> list[tuple[int, float | None, int]]:
        """(source_at, value, quality) of what counts, in order."""
        return sorted(
            (at, found[0][3], found[0][5])
            for (owner, at), found in self.kept().items()
            if owner == signal and start <= at < end
        )

    def latest(self) -> dict[int, tuple[int, float | str | None, int]]:
        newest: dict[int, tuple[int, float | str | None, int]] = {}
        for (signal, at), found in sorted(self.kept().items()):
            _, _, _, value, text, quality = found[0]
            newest[signal] = (at, text if text is not None else value, quality)
        return newest

    def good_us(self, signal: int, start: int, end: int) -> int:
        """Time from each good sample of a span to the next one in it."""
        return sum(
            following[0] - row[0] for row, following in pairwise(self.series(signal, start, end)) if row[2] < 100
        )

    def usable_us(self, signal: int, start: int, end: int) -> int:
        """Time from each usable sample of a span to the next one in it."""
        return sum(
            following[0] - row[0] for row, following in pairwise(self.series(signal, start, end)) if _usable([row])
        )

    def areas(self, signal: int, start: int, end: int) -> tuple[float, float]:
        """Value x seconds between the first and the last sample of a span: held, and with straight lines."""
        held, line = [], []
        for row, following in pairwise(self.series(signal, start, end)):
            for value in _usable([row]):
                seconds = (following[0] - row[0]) / 1e6
                held.append(value * seconds)
                line.append((value / 2 + _usable([following])[0] / 2 if _usable([following]) else value) * seconds)
        return fsum(held), fsum(line)

    def weighted(self, signal: int, start: int, end: int, *, is_step: bool) -> tuple[float, int]:
        """Integral in value x seconds over the known time of a span, and that time in microseconds.

        Every piece between two samples is laid over the span by itself.
        """
        rows = self.series(signal, 0, 2**62)
        pieces, known_us = [], 0
        for row, following in pairwise([*rows, (2**62, None, 200)]):
            begin, stop = max(row[0], start), min(following[0], end)
            for value in _usable([row]) if stop > begin else []:
                known_us += stop - begin
                slope = 0.0
                if not is_step and _usable([following]):
                    slope = (following[1] - value) / (following[0] - row[0])  # type: ignore[operator]
                pieces.append((value + slope * ((begin + stop) / 2 - row[0])) * (stop - begin) / 1e6)
        return fsum(pieces), known_us

    def envelope(self, query: HistoryQuery, signal: int) -> Envelope:
        width = max(1, (query.end_at - query.start_at) // query.buckets)
        tier = Tier.RAW
        for coarser in (Tier.ROLLUP_10S, Tier.ROLLUP_60S, Tier.ROLLUP_1H):
            if width >= coarser.width_us:
                tier = coarser
        width -= width % tier.width_us
        start = query.start_at // width * width
        end = -(-query.end_at // width) * width
        exact = self.series(signal, query.start_at, query.end_at)
        whole = self.series(signal, start, end)
        if len(whole if tier is not Tier.RAW else exact) <= query.buckets:
            return _points(signal, exact)
        edges = sorted({at // width * width for at, _, _ in whole})
        buckets = [[row for row in whole if edge <= row[0] < edge + width] for edge in edges]
        return Envelope(
            signal=signal,
            tier=tier,
            bucket_us=width,
            at=edges,
            low=[min(values) if (values := _usable(rows)) else None for rows in buckets],
            high=[max(values) if (values := _usable(rows)) else None for rows in buckets],
            mean=[sum(values) / len(values) if (values := _usable(rows)) else None for rows in buckets],
            last=[values[-1] if (values := _usable(rows)) else None for rows in buckets],
            good=[sum(quality < 100 for _, _, quality in rows) for rows in buckets],
            count=[len(rows) for rows in buckets],
        )


def _usable(rows: Sequence[tuple[int, float | None, int]]) -> list[float]:
    return [value for _, value, quality in rows if value is not None and quality < 200]


def _points(signal: int, rows: Sequence[tuple[int, float | None, int]]) -> Envelope:
    values = [value if quality < 200 else None for _, value, quality in rows]
    return Envelope(
        signal=signal,
        tier=Tier.RAW,
        bucket_us=0,
        at=[at for at, _, _ in rows],
        low=values,
        high=values,
        mean=values,
        last=values,
        good=[int(quality < 100) for _, _, quality in rows],
        count=[1] * len(rows),
    )


def ascending(times: Sequence[int]) -> bool:
    return all(before < after for before, after in pairwise(times))
