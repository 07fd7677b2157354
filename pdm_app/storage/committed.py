"""What is in history for good, hot and cold, read on behalf of sinks: each signal from where its own place is."""

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pdm_app.domain.committed import Page
from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.domain.history import Tier
from pdm_app.storage.buckets import inside_ranges
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.cold_files import ColdFileError
from pdm_app.storage.database import Database
from pdm_app.storage.raw_rows import RawRows, no_rows, read_columns
from pdm_app.storage.removed_spans import removed_spans
from pdm_app.storage.repository import KEYS_PER_QUERY, chunks
from pdm_app.storage.sample_reader import Held, SampleReader
from pdm_app.storage.tables import LatestRow, table_of

RANGES_PER_STATEMENT = 200
TEXTS = "SELECT s.signal_id, s.source_at, s.received_at, s.place, s.text FROM samples s"
TEXT_COLUMNS = ["signal", "source_at", "received_at", "place", "text"]
LATEST = table_of(LatestRow)
Span = tuple[int, int, int]
Texts = dict[tuple[int, int], tuple[int, int, str | None]]
"""By signal and time: when it was received, its place among what was received then, and its text."""


class SqlCommitted:
    """Reads of one database and its cold files."""

    def __init__(self, database: Database, cold: ColdTier | None = None) -> None:
        self._database = database
        self._cold = cold
        self._reader = SampleReader(cold)

    async def newest(self, signals: Sequence[int]) -> Mapping[int, int]:
        """Return by signal the source time of its newest sample.

        Raises:
            UnavailableError: The database does not answer.
        """
        found: dict[int, int] = {}
        async with self._database.connected("read the newest times") as connection:
            for some in chunks(signals, KEYS_PER_QUERY):
                statement = select(LATEST.c.signal_id, LATEST.c.source_at).where(LATEST.c.signal_id.in_(some))
                found |= {int(number): int(at) for number, at in await connection.execute(statement)}
        return found

    async def read(
        self, spans: Sequence[Span], texts_of: frozenset[int], rows_max: int, *, strict: bool = False
    ) -> Page | None:
        """Return the samples of the spans, of which no two of one signal overlap; None where they are too many.

        A cold file that cannot be read is left out; the catalogue, and with it the storage page, says so. With
        ``strict`` the page says so, too.

        Raises:
            UnavailableError: The database does not answer.
        """
        if not spans:
            return _page(no_rows(), {}, ())
        spans = sorted(spans)
        low, high = min(span[1] for span in spans), max(span[2] for span in spans)
        async with self._database.snapshot("read samples for a sink") as connection:
            held, trouble = Held(connection, no_rows()), ""
            try:
                try:
                    rows = await self._reader.read(held, (), (), spans, rows_max=rows_max, strict=strict)
                except UnavailableError as error:
                    if "file" not in error.facts:  # It is the database.
                        raise
                    trouble = error.message
                    rows = await self._reader.read(held, (), (), spans, rows_max=rows_max)
            except InvalidInputError:  # More than ``rows_max``.
                return None
            texts = await self._texts(connection, rows, texts_of) if texts_of else {}
            removed = await removed_spans(connection, [span[0] for span in spans], low, high)
        return _page(rows, texts, _removed(spans, removed.get(Tier.RAW, {})), trouble)

    async def _texts(self, connection: AsyncConnection, rows: RawRows, texts_of: frozenset[int]) -> Texts:
        signals = np.unique(rows.signal[np.isin(rows.signal, list(texts_of))]).tolist()
        if not signals:
            return {}
        spans = [_bounds(rows, number) for number in signals]
        found = await self._cold_texts(connection, signals, spans)
        for some in chunks(spans, RANGES_PER_STATEMENT):
            columns = await read_columns(connection, f"{TEXTS} WHERE {inside_ranges(some)}")
            for number, at, received_at, place, words in zip(*columns, strict=True):
                before = found.get((number, at))
                if before is None or before[:2] <= (received_at, place):
                    found[number, at] = (received_at, place, words)
        return found

    async def _cold_texts(self, connection: AsyncConnection, signals: Sequence[int], spans: Sequence[Span]) -> Texts:
        found: Texts = {}
        if self._cold is None:
            return found
        low, high = min(span[1] for span in spans), max(span[2] for span in spans)
        for file in await self._cold.files(connection, low, high):
            try:
                whole = await self._cold.read_whole(connection, file, signals)
            except ColdFileError:
                continue  # Read before, a moment ago: its trouble is in the catalogue.
            at = whole.column("source_at")
            for row in whole.take((at >= low) & (at < high)).table.select(TEXT_COLUMNS).to_pylist():
                found[row["signal"], row["source_at"]] = (row["received_at"], row["place"], row["text"])
        return found


def _bounds(rows: RawRows, number: int) -> Span:
    at = rows.source_at[rows.signal == number]
    return number, int(at[0]), int(at[-1]) + 1


def _removed(spans: Sequence[Span], removed: Mapping[int, Sequence[tuple[int, int]]]) -> list[Span]:
    return [
        (number, max(start, begin), min(close, end))
        for number, begin, end in spans
        for start, close in removed.get(number, ())
        if start < end and close > begin
    ]


def _page(rows: RawRows, texts: Texts, removed: Sequence[Span], trouble: str = "") -> Page:
    rows = rows.take(np.argsort(rows.source_at, kind="stable"))
    words: dict[int, str] = {}
    if texts:
        for row, key in enumerate(zip(rows.signal.tolist(), rows.source_at.tolist(), strict=True)):
            known = texts.get(key)
            if known is not None and known[2] is not None:
                words[row] = known[2]
    return Page(rows.signal, rows.source_at, rows.value, rows.quality, words, removed, trouble)
