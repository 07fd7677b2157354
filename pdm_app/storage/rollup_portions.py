"""Rollups that come by the hundred thousand are put in place in portions, each a short transaction of its own.

Nobody else can write to a SQLite file meanwhile, and on a server no sample of these hours: what people do, and what is
recorded, waits for one portion at most. Between the portions readers go by marks (see `pdm_app.storage.rollups`): what
is still to come is marked before the samples change, and each portion takes its own marks away. Whoever dies in between
leaves the rest marked, which is derived again like any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.samples import I8, MICROS_PER_S
from pdm_app.domain.summaries import Summaries, none
from pdm_app.storage.buckets import inside_ranges
from pdm_app.storage.repository import chunks
from pdm_app.storage.samples import mark_buckets, unmark_buckets
from pdm_app.storage.summary_rows import put_summaries

ROWS_PER_PORTION = 4000
"""Of ten seconds, with a sixth of that in minutes and hours: about 50 ms of writing."""
RANGES_PER_STATEMENT = 200
HOUR_US = 3600 * MICROS_PER_S
HOUR_BITS = 24
"""Hours since 1970 take 19 bits for the next thousand years."""


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Rollups of all tiers of some whole hours, of one signal after the other."""

    tiers: Mapping[Tier, Summaries]

    def __len__(self) -> int:
        return sum(map(len, self.tiers.values()))

    def marks(self) -> list[tuple[int, int]]:
        """Return the (signal, ten seconds) pairs that it stands for."""
        fine = self.tiers[Tier.ROLLUP_10S]
        return list(zip(fine.signal.tolist(), fine.at.tolist(), strict=True))

    def ranges(self) -> list[tuple[int, int, int]]:
        """Return from which hour to which it has rollups of each signal."""
        wide = self.tiers[Tier.ROLLUP_1H]
        firsts = np.flatnonzero(np.diff(wide.signal, prepend=-1))
        lasts = np.append(firsts[1:], len(wide)) - 1
        ends = wide.at[lasts] + HOUR_US
        return list(zip(wide.signal[firsts].tolist(), wide.at[firsts].tolist(), ends.tolist(), strict=True))

    async def mark(self, connection: AsyncConnection, *, is_sqlite: bool) -> None:
        """Have readers take raw until the rollups are put."""
        await mark_buckets(connection, self.marks(), is_sqlite=is_sqlite)

    async def put(self, connection: AsyncConnection, *, is_sqlite: bool) -> None:
        """Write the rows over those of the same signal and bucket."""
        for tier, rows in self.tiers.items():
            await put_summaries(connection, tier, rows, is_sqlite=is_sqlite)

    async def put_marked(self, connection: AsyncConnection, *, is_sqlite: bool) -> None:
        """Write the rows and take the marks away, within a transaction that keeps writers out.

        Where hot samples lie in these hours they may have come after the rollups were made: the marks stay, and what is
        marked is derived from all there is.
        """
        for some in chunks(self.ranges(), RANGES_PER_STATEMENT):
            if await connection.scalar(text(f"SELECT 1 FROM samples s WHERE {inside_ranges(some)} LIMIT 1")):  # noqa: S608
                return
        await self.put(connection, is_sqlite=is_sqlite)
        await unmark_buckets(connection, self.marks(), is_sqlite=is_sqlite)


def portions(tiers: Mapping[Tier, Summaries]) -> Iterator[Portion]:
    """Cut rollups where hours of a signal end, into portions of `ROWS_PER_PORTION` rows of ten seconds or little more.

    Args:
        tiers: All tiers of the same samples, each sorted by (signal, at).
    """
    keys = {tier: _hour_of(rows) for tier, rows in tiers.items()}
    fine = keys[ROLLUPS[0]]
    if not len(fine):
        yield Portion({tier: none() for tier in tiers})
        return
    firsts = np.flatnonzero(np.diff(fine, prepend=-1))
    cuts = [0]
    for first in firsts.tolist():
        if first - cuts[-1] >= ROWS_PER_PORTION:
            cuts.append(first)
    edges = [int(fine[cut]) for cut in cuts]
    places = {tier: [*np.searchsorted(key, edges).tolist(), len(key)] for tier, key in keys.items()}
    for number in range(len(edges)):
        yield Portion({tier: _part(rows, places[tier], number) for tier, rows in tiers.items()})


def _hour_of(rows: Summaries) -> I8:
    hours: I8 = (rows.signal << HOUR_BITS) | (rows.at // HOUR_US)
    return hours


def _part(rows: Summaries, places: Sequence[int], number: int) -> Summaries:
    return rows.take(np.arange(places[number], places[number + 1]))
