"""Envelopes with the closed tiles of `pdm_app.storage.query_cache` in them; the same as without."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from pdm_app.domain.history import POINTS_MAX, HistoryQuery
from pdm_app.storage.buckets import BUCKET_US
from pdm_app.storage.envelopes import envelopes, tier_of, width_of
from pdm_app.storage.lease import COLLECTOR, LEASES
from pdm_app.storage.pyramid import marked_buckets
from pdm_app.storage.query_cache import TILE_BUCKETS, QueryCache, Reading, Tile, tiles_of
from pdm_app.storage.rollups import rolled_to
from pdm_app.storage.sample_reader import Held, SampleReader
from pdm_app.storage.series import Series, joined_series

INSTANT_MAX = 2**53
Tiles = dict[int, Tile]
"""By their beginnings."""


@dataclass(frozen=True, slots=True)
class CachedEnvelopes:
    """One answer: what it is made of, and where it may take tiles from."""

    cache: QueryCache
    reading: Reading
    reader: SampleReader
    held: Held

    async def answer(self, query: HistoryQuery) -> list[Series]:
        """Return a series for each signal of a query, in its order; raises as `envelopes` does."""
        width_us = width_of(query)
        start, end = query.start_at - query.start_at % width_us, query.end_at + -query.end_at % width_us
        begins = tiles_of(start, end, width_us) if (end - start) // width_us <= POINTS_MAX - 2 * TILE_BUCKETS else []
        if not begins or width_us < BUCKET_US or end > INSTANT_MAX or not await self._is_ours():
            read = await envelopes(self.reader, self.held, query)
            return [read[signal] for signal in query.signals]
        found = self._taken(query.signals, width_us, begins)
        await self._read_missing(width_us, begins, end, found)
        answered: dict[int, Series] = {}
        for signal, tiles in found.items():
            if all(begin in tiles for begin in begins):
                parts = [tiles[begin].series(signal, tier_of(width_us), width_us) for begin in begins]
                trimmed = joined_series(parts).between(start, end)
                if trimmed.samples > query.buckets:  # As few as these are answered as they are.
                    answered[signal] = trimmed
        rest = tuple(signal for signal in found if signal not in answered)
        if rest:
            answered |= await envelopes(self.reader, self.held, query.model_copy(update={"signals": rest}))
        return [answered[signal] for signal in query.signals]

    async def _is_ours(self) -> bool:
        """Whether nobody but this process changes samples."""
        token = await self.held.connection.scalar(select(LEASES.c.token).where(LEASES.c.name == COLLECTOR))
        return self.cache.agrees(self.reading, token)

    def _taken(self, signals: Sequence[int], width_us: int, begins: Sequence[int]) -> dict[int, Tiles]:
        length = width_us * TILE_BUCKETS
        waits = {(signal, at - at % length) for signal, at in self.held.buckets()}
        found: dict[int, Tiles] = {signal: {} for signal in signals}
        for signal, tiles in found.items():
            for begin in begins:
                is_waited_for = (signal, begin) in waits
                tile = None if is_waited_for else self.cache.take(self.reading, (signal, width_us, begin))
                if tile is not None:
                    tiles[begin] = tile
        return found

    async def _read_missing(self, width_us: int, begins: Sequence[int], end: int, found: dict[int, Tiles]) -> None:
        """Read from the first tile that is missing to the last, together for signals that miss the same."""
        closed_to = await rolled_to(self.held.connection)
        of_range: dict[tuple[int, int], list[int]] = {}
        for signal, tiles in found.items():
            missing = [begin for begin in begins if begin not in tiles]
            if missing:
                tile_end = missing[-1] + width_us * TILE_BUCKETS
                of_range.setdefault((missing[0], tile_end if tile_end <= closed_to else end), []).append(signal)
        for (low, high), signals in of_range.items():
            few = HistoryQuery(signals=tuple(signals), start_at=low, end_at=high, buckets=(high - low) // width_us)
            read = await envelopes(self.reader, self.held, few)
            marks = await marked_buckets(self.held, signals, low, high)
            for series in read.values():
                if series.bucket_us == width_us or not len(series):
                    spoiled = {at for signal, at in marks if signal == series.signal}
                    self._cut(series, width_us, (low, high), closed_to, spoiled, found[series.signal])

    def _cut(
        self, series: Series, width_us: int, span: tuple[int, int], closed_to: int, spoiled: set[int], tiles: Tiles
    ) -> None:
        """Cut what was read into tiles, and keep those that are closed and come from rollups alone."""
        length = width_us * TILE_BUCKETS
        marked = {at - at % length for at in spoiled}
        for begin in tiles_of(*span, width_us):
            tile = tiles[begin] = Tile.of(series.between(begin, begin + length))
            if begin + length <= min(closed_to, span[1]) and begin not in marked:
                self.cache.keep(self.reading, (series.signal, width_us, begin), tile)
