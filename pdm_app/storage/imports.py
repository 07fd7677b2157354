"""Imports of history, with what came of them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, UnaryExpression, select

from pdm_app.domain.imports import Import, ImportState
from pdm_app.storage.import_tables import ImportRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

IMPORTS = table_of(ImportRow)
COLUMNS = columns_of(Import, IMPORTS)
UNDER_WAY = [str(state) for state in ImportState if state.is_under_way]
UNDER_WAY_MAX = 1_000


class SqlImports(Repository):
    async def newest(self, rows_max: int) -> Sequence[Import]:
        """Return the last ones, the newest first."""
        return await self._read(order=IMPORTS.c.id.desc(), rows_max=rows_max)

    async def under_way(self) -> Sequence[Import]:
        """Return those that something is being done for, the oldest first."""
        return await self._read(IMPORTS.c.state.in_(UNDER_WAY), order=IMPORTS.c.id.asc(), rows_max=UNDER_WAY_MAX)

    async def get(self, import_id: str) -> Import | None:
        found = await self._read(IMPORTS.c.id == import_id, order=IMPORTS.c.id.asc(), rows_max=1)
        return found[0] if found else None

    async def put(self, one: Import) -> None:
        """Store an import.

        Raises:
            NotFoundError: Its site, now or before, is not in scope.
        """
        await self._put(ImportRow, [one])

    async def _read(self, *conditions: ColumnElement[bool], order: UnaryExpression[str], rows_max: int) -> list[Import]:
        statement = (
            select(*COLUMNS).where(self._transaction.shows(IMPORTS), *conditions).order_by(order).limit(rows_max)
        )
        return [Import.model_validate(row) for row in await self._transaction.rows(statement, "read imports")]
