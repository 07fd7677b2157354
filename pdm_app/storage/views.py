"""Views of the trend workspace."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, insert, or_, select, update

from pdm_app.domain.views import View
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of
from pdm_app.storage.view_tables import ViewRow

VIEWS = table_of(ViewRow)
COLUMNS = columns_of(View, VIEWS)


class SqlViews(Repository):
    async def found_by(self, person_id: str, group_ids: Sequence[str]) -> Sequence[View]:
        of_site = VIEWS.c.site_id.is_not(None) & self._transaction.covers(VIEWS.c.site_id)
        reaching = or_(VIEWS.c.owner_id == person_id, of_site, VIEWS.c.group_id.in_(sorted(group_ids)))
        return await self._read(VIEWS.c.deleted_at.is_(None), reaching)

    async def own(self, view_id: str, person_id: str) -> View | None:
        found = await self._read(VIEWS.c.id == view_id, VIEWS.c.owner_id == person_id)
        return found[0] if found else None

    async def put(self, view: View) -> None:
        """Store a view.

        Raises:
            ConflictError: Its owner has another one, not deleted, of this name.
        """
        given = {**view.model_dump(mode="json"), "is_live": 1 if view.deleted_at is None else None}
        what = f"store the view {view.name!r}"
        await self._transaction.begin_writing()
        if view.is_default:
            mine = (VIEWS.c.owner_id == view.owner_id, VIEWS.c.id != view.id, VIEWS.c.is_default)
            await self._transaction.write(update(VIEWS).where(*mine).values(is_default=False), what)
        there = await self._transaction.rows(select(VIEWS.c.id).where(VIEWS.c.id == view.id), what)
        statement = update(VIEWS).where(VIEWS.c.id == view.id).values(given) if there else insert(VIEWS).values(given)
        await self._transaction.write(statement, what)

    async def _read(self, *conditions: ColumnElement[bool]) -> list[View]:
        statement = select(*COLUMNS).where(*conditions).order_by(VIEWS.c.name, VIEWS.c.id)
        return [View.model_validate(row) for row in await self._transaction.rows(statement, "read views")]
