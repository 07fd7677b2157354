"""Connections: how endpoints are reached."""

from collections.abc import Sequence

from pdm_app.domain.connections import Connection
from pdm_app.storage.repository import Repository
from pdm_app.storage.tables import ConnectionRow, table_of


class SqlConnections(Repository):
    async def all(self) -> Sequence[Connection]:
        return await self._find(Connection, ConnectionRow, order=("name", "id"))

    async def get(self, connection_id: str) -> Connection | None:
        return await self._find_one(Connection, ConnectionRow, table_of(ConnectionRow).c.id == connection_id)

    async def put(self, connection: Connection) -> None:
        await self._put(ConnectionRow, [connection])
