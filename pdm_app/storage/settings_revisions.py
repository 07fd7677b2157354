"""Revisions of the settings, read from the newest down and only ever added to."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, insert, select, true

from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.settings_revisions import NOTHING_SET, SettingsHead, SettingsRevision
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.settings_tables import SettingsRevisionRow
from pdm_app.storage.tables import table_of

REVISIONS = table_of(SettingsRevisionRow)
HEADS = columns_of(SettingsHead, REVISIONS)
WHOLE = columns_of(SettingsRevision, REVISIONS)


class SqlSettingsRevisions(Repository):
    """A limited scope sees nothing and adds nothing."""

    async def newest_number(self) -> int:
        statement = select(func.max(REVISIONS.c.number).label("number")).where(self._sees())
        found = await self._transaction.rows(statement, "read the settings' newest revision")
        return int(found[0]["number"] or 0)

    async def newest(self) -> SettingsRevision:
        statement = select(*WHOLE).where(self._sees()).order_by(REVISIONS.c.number.desc()).limit(1)
        found = await self._transaction.rows(statement, "read the settings")
        return SettingsRevision.model_validate(found[0]) if found else NOTHING_SET

    async def get(self, number: int) -> SettingsRevision | None:
        statement = select(*WHOLE).where(REVISIONS.c.number == number, self._sees())
        found = await self._transaction.rows(statement, f"read revision {number} of the settings")
        return SettingsRevision.model_validate(found[0]) if found else None

    async def page(self, before: int | None, limit: int) -> Sequence[SettingsHead]:
        older = true() if before is None else REVISIONS.c.number < before
        statement = select(*HEADS).where(self._sees(), older).order_by(REVISIONS.c.number.desc()).limit(limit)
        return [
            SettingsHead.model_validate(row)
            for row in await self._transaction.rows(statement, "read the settings' history")
        ]

    async def add(self, revision: SettingsRevision) -> None:
        if self._transaction.scope.sites is not None:
            raise NotFoundError("There are no settings in this scope.")
        await self._transaction.begin_writing()
        if await self.newest_number() != revision.number - 1:
            raise ConflictError(f"Revision {revision.number} is not the next one of the settings: somebody was first.")
        statement = insert(REVISIONS).values(revision.model_dump(mode="json"))
        await self._transaction.write(statement, f"store revision {revision.number} of the settings")

    def _sees(self) -> ColumnElement[bool]:
        return true() if self._transaction.scope.sites is None else false()
