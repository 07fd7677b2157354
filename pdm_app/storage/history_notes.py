"""Looks up what has to be said beside an answer: damaged cold files that it met, and spans that retention removed."""

from collections.abc import Sequence

from sqlalchemy import select

from pdm_app.domain.history import ROLLUPS, Tier
from pdm_app.domain.history_notes import NOTES_MAX, HistoryNote, NoteKind
from pdm_app.domain.samples import moment
from pdm_app.storage.cold import FILES, ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.removed_spans import removed_spans


class SqlHistoryNotes:
    """Notes of one database. A file is known to be damaged once a question has met it, so ask after the answer."""

    def __init__(self, database: Database, cold: ColdTier | None = None) -> None:
        self._database = database
        self._cold = cold

    async def notes(self, signals: Sequence[int], start_at: int, end_at: int) -> Sequence[HistoryNote]:
        """Return damaged files of a time, then what was removed, finest tier first."""
        found: list[HistoryNote] = []
        async with self._database.connected("look what is missing of history") as connection:
            damaged = (
                select(FILES.c.start_at, FILES.c.end_at, FILES.c.name, FILES.c.trouble)
                .where(FILES.c.trouble.is_not(None), FILES.c.start_at < end_at, FILES.c.end_at > start_at)
                .order_by(FILES.c.start_at)
                .limit(NOTES_MAX)
            )
            for file in await connection.execute(damaged):
                day = f"{moment(file.start_at):%Y-%m-%d}"
                text = f"Samples of {day} (UTC) may be missing: {file.trouble} Rollups are whole."
                found.append(HistoryNote(kind=NoteKind.DAMAGED, start_at=file.start_at, end_at=file.end_at, text=text))
            removed = await removed_spans(connection, signals, start_at, end_at)
        for away in sorted(self._cold.away.values()) if self._cold is not None else ():
            if away.start_at < end_at and away.end_at > start_at:
                text = f"Samples of {moment(away.start_at):%Y-%m-%d} (UTC) cannot be had now: {away.why}"
                note = HistoryNote(kind=NoteKind.AWAY, start_at=away.start_at, end_at=away.end_at, text=text)
                found.append(note)
        for tier in (Tier.RAW, *ROLLUPS):
            spans = removed.get(tier, {})
            if not spans:
                continue
            begin = max(start_at, min(span[0] for some in spans.values() for span in some))
            close = min(end_at, max(span[1] for some in spans.values() for span in some))
            what = "Samples" if tier is Tier.RAW else f"Rollups of {tier}"
            text = f"{what} up to {moment(close):%Y-%m-%d %H:%M} (UTC) were removed by a rule of retention."
            found.append(
                HistoryNote(
                    kind=NoteKind.REMOVED, start_at=begin, end_at=close, text=text, tier=str(tier),
                    signals=tuple(sorted(spans)),
                )
            )  # fmt: skip
        return found[:NOTES_MAX]
