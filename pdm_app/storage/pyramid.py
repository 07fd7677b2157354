"""Summaries of stretches of any length: from the coarsest whole buckets inside, from finer ones and raw at the edges.

So a year is a few thousand rows, and yet the same as of all its samples: what a summary stands for is exact, and each
sample is in one of them (see `pdm_app.domain.summaries` and `pdm_app.storage.rollups`).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sqlalchemy import select

from pdm_app.domain.aggregates import NEVER
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.samples import I8
from pdm_app.domain.summaries import Summaries, joined_at, summarise_at, together
from pdm_app.storage.buckets import BUCKET_US, inside, inside_ranges
from pdm_app.storage.removed_spans import without_removed
from pdm_app.storage.repository import chunks
from pdm_app.storage.rollup_tables import RollupMarkRow
from pdm_app.storage.rollups import rolled_to
from pdm_app.storage.sample_reader import RANGES_PER_STATEMENT, Held, OwnRange, Range, SampleReader
from pdm_app.storage.summary_rows import read_summaries
from pdm_app.storage.tables import table_of

MARKS = table_of(RollupMarkRow)
ROWS_MAX = 1_000_000
"""Rollup rows, and samples at the edges, of one question; about 150 MB where it is reached."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """At most one summary for each signal and stretch, ``at`` the edge where it begins, and what it was made of."""

    rows: Summaries
    tiers: tuple[Tier, ...]
    rows_read: int


async def marked_buckets(held: Held, signals: Sequence[int], start: int, end: int) -> list[tuple[int, int]]:
    """Return the (signal, ten seconds) pairs whose rollups do not stand for all samples, in order."""
    statement = (
        select(MARKS.c.signal_id, MARKS.c.bucket_at)
        .where(MARKS.c.signal_id.in_(signals), MARKS.c.bucket_at > start - BUCKET_US, MARKS.c.bucket_at < end)
        .order_by(MARKS.c.signal_id, MARKS.c.bucket_at)
    )
    marks = {(row.signal_id, row.bucket_at) for row in await held.connection.execute(statement)}
    marks |= {pair for pair in held.buckets() if start - BUCKET_US < pair[1] < end}
    return await without_removed(held.connection, sorted(marks))


async def summarised(reader: SampleReader, held: Held, signals: Sequence[int], edges: I8) -> Stretches:
    """Summarise each signal between neighbouring edges, shape (stretches + 1,), microseconds UTC, rising.

    Raises:
        InvalidInputError: It would take more than a million rows.
    """
    start, end = int(edges[0]), int(edges[-1])
    done_to = await rolled_to(held.connection)
    marks = await marked_buckets(held, signals, start, min(end, done_to))
    todo: list[Range] = [(int(a), int(b)) for a, b in pairwise(edges.tolist())]
    own: list[OwnRange] = []
    parts: list[Summaries] = []
    tiers: list[Tier] = []
    left = ROWS_MAX
    for tier in reversed(ROLLUPS):
        whole, todo = _split(todo, tier.width_us, done_to)
        own_whole, own = _split_own(own, tier.width_us, done_to)
        spoiled = dict.fromkeys((signal, at - at % tier.width_us) for signal, at in marks)
        reach = _Reach(whole, own_whole)
        conditions = [
            " OR ".join(f"({inside(signals, a, b, 'r.bucket_at')})" for a, b in few)
            for few in chunks(_neighbours(whole), RANGES_PER_STATEMENT)
        ] + [inside_ranges(few, "r.bucket_at") for few in chunks(own_whole, RANGES_PER_STATEMENT)]
        for where in conditions:
            rows = await read_summaries(held.connection, tier, where, left + 1)
            left -= len(rows)
            if left < 0:
                raise InvalidInputError(
                    f"That takes more than {ROWS_MAX:,} rows of the {tier} tier. Choose a shorter span, fewer signals "
                    "or wider stretches.",
                    rows_max=ROWS_MAX,
                )
            if len(rows):
                tiers.append(tier)
            parts.append(_without(rows, spoiled))
        own += [(signal, at, at + tier.width_us) for signal, at in spoiled if reach.covers(signal, at)]
        own.sort()
    if todo or own:
        raw = await reader.read(held, signals, _neighbours(todo), own, rows_max=ROWS_MAX)
        left -= len(raw)
        if len(raw):
            tiers.append(Tier.RAW)
            edge = edges[np.searchsorted(edges, raw.source_at, side="right") - 1]
            at = np.maximum(raw.source_at - raw.source_at % BUCKET_US, edge)
            parts.append(summarise_at(raw.signal, raw.source_at, raw.value, raw.quality, at))
    every = together(parts)
    every = every.take(np.lexsort((every.begins_at, every.signal)))
    at = edges[np.searchsorted(edges, every.begins_at, side="right") - 1]
    return Stretches(joined_at(every, at), tuple(dict.fromkeys(tiers)) or (Tier.RAW,), ROWS_MAX - left)


def _split(todo: Sequence[Range], width_us: int, done_to: int) -> tuple[list[Range], list[Range]]:
    """Return the whole derived buckets inside each range, and what is left at their sides."""
    whole: list[Range] = []
    rest: list[Range] = []
    for start, end in todo:
        first, last = start + -start % width_us, min(end, done_to)
        last -= last % width_us
        if first >= last:
            rest.append((start, end))
            continue
        whole.append((first, last))
        rest += [part for part in ((start, first), (last, end)) if part[0] < part[1]]
    return whole, rest


def _split_own(todo: Sequence[OwnRange], width_us: int, done_to: int) -> tuple[list[OwnRange], list[OwnRange]]:
    whole: list[OwnRange] = []
    rest: list[OwnRange] = []
    for signal, start, end in todo:
        inner, outer = _split([(start, end)], width_us, done_to)
        whole += [(signal, *part) for part in inner]
        rest += [(signal, *part) for part in outer]
    return whole, rest


def _neighbours(ranges: Sequence[Range]) -> list[Range]:
    """Join ranges that touch."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


class _Reach:
    """Which buckets were taken from a tier, looked up by signal and time."""

    def __init__(self, whole: Sequence[Range], own: Sequence[OwnRange]) -> None:
        self._shared = sorted(whole)
        self._own: dict[int, list[Range]] = defaultdict(list)
        for signal, start, end in sorted(own):
            self._own[signal].append((start, end))

    def covers(self, signal: int, at: int) -> bool:
        return _holds(self._shared, at) or _holds(self._own.get(signal, ()), at)


def _holds(ranges: Sequence[Range], at: int) -> bool:
    place = bisect_right(ranges, (at, NEVER)) - 1
    return place >= 0 and ranges[place][0] <= at < ranges[place][1]


def _without(rows: Summaries, spoiled: dict[tuple[int, int], None]) -> Summaries:
    if not spoiled or not len(rows):
        return rows
    keep = [key not in spoiled for key in zip(rows.signal.tolist(), rows.at.tolist(), strict=True)]
    return rows.take(np.array(keep, np.bool_))
