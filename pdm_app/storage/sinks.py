"""Sinks, by site, and where each stands."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.history_changes import HistoryChange
from pdm_app.domain.sinks import Sink
from pdm_app.storage import dialect
from pdm_app.storage.history_changes import CHANGES, unpacked
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks
from pdm_app.storage.sink_tables import SinkProgressRow, SinkRow
from pdm_app.storage.tables import table_of

SINKS = table_of(SinkRow)
PROGRESS = table_of(SinkProgressRow)


class SqlSinks(Repository):
    """Sinks belong to their site."""

    async def all(self) -> Sequence[Sink]:
        return await self._find(Sink, SinkRow, SINKS.c.deleted_at.is_(None), order=("name", "id"))

    async def get(self, sink_id: str) -> Sink | None:
        return await self._find_one(Sink, SinkRow, SINKS.c.id == sink_id)

    async def put(self, sink: Sink) -> None:
        await self._put(SinkRow, [sink])

    async def progress(self, sink_id: str) -> bytes:
        if await self.get(sink_id) is None:
            return b""
        statement = select(PROGRESS.c.content).where(PROGRESS.c.sink_id == sink_id)
        rows = await self._transaction.rows(statement, "read where a sink stands")
        return bytes(rows[0]["content"]) if rows else b""

    async def put_progress(self, sink_id: str, content: bytes) -> None:
        if await self.get(sink_id) is None:
            raise NotFoundError(f"There is no {sink_id!r} in sinks.")
        statement = dialect.upsert(PROGRESS, is_sqlite=self._transaction.is_sqlite)
        given = [{"sink_id": sink_id, "content": content}]
        await self._transaction.write(statement, "store where a sink stands", given)

    async def changes(self, rows_max: int) -> Sequence[HistoryChange]:
        if self._transaction.scope.sites is not None:
            return ()
        statement = select(CHANGES.c.id, CHANGES.c.is_gone, CHANGES.c.spans).order_by(CHANGES.c.id).limit(rows_max)
        rows = await self._transaction.rows(statement, "read what was changed in history")
        return [HistoryChange(row["id"], bool(row["is_gone"]), unpacked(row["spans"])) for row in rows]

    async def forget_changes(self, ids: Sequence[str]) -> None:
        if self._transaction.scope.sites is not None:
            raise NotFoundError("There are no changes of history in your sites.")
        for some in chunks(ids, KEYS_PER_QUERY):
            statement = delete(CHANGES).where(CHANGES.c.id.in_(some))
            await self._transaction.write(statement, "forget what was changed in history")
