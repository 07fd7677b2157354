"""Cases and their stories, by site."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select, update

from pdm_app.domain.cases import ENTRIES_MAX, Case, CaseEntry, CaseQuery, CaseState
from pdm_app.domain.errors import InvalidInputError
from pdm_app.storage.case_tables import CaseEntryRow, CaseRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

CASES = table_of(CaseRow)
ENTRIES = table_of(CaseEntryRow)


class SqlCases(Repository):
    """Both belong to a site."""

    async def page(self, query: CaseQuery) -> Sequence[Case]:
        meant = ((CASES.c.site_id, query.site_id), (CASES.c.asset_id, query.asset_id))
        conditions = [column == wanted for column, wanted in meant if wanted is not None]
        if query.is_closed is not None:
            closed = CASES.c.state == str(CaseState.CLOSED)
            conditions.append(closed if query.is_closed else ~closed)
        if query.before is not None:
            last = await self.get(query.before)
            if last is None:
                raise InvalidInputError(
                    f"There is no case {query.before!r} to go on from. Ask for the first page, without 'before'."
                )
            same = and_(CASES.c.changed_at == last.changed_at, CASES.c.id < last.id)
            conditions.append(or_(CASES.c.changed_at < last.changed_at, same))
        statement = (
            select(*columns_of(Case, CASES))
            .where(self._transaction.covers(CASES.c.site_id), *conditions)
            .order_by(CASES.c.changed_at.desc(), CASES.c.id.desc())
            .limit(query.limit)
        )
        return [Case.model_validate(row) for row in await self._transaction.rows(statement, "read cases")]

    async def get(self, case_id: str) -> Case | None:
        return await self._find_one(Case, CaseRow, CASES.c.id == case_id)

    async def entries(self, case_id: str) -> Sequence[CaseEntry]:
        statement = (
            select(*columns_of(CaseEntry, ENTRIES))
            .where(self._transaction.covers(ENTRIES.c.site_id), ENTRIES.c.case_id == case_id)
            .order_by(ENTRIES.c.at.desc(), ENTRIES.c.id.desc())
            .limit(ENTRIES_MAX)
        )
        found = await self._transaction.rows(statement, "read the story of a case")
        return [CaseEntry.model_validate(row) for row in reversed(found)]

    async def add(self, case: Case) -> None:
        await self._put(CaseRow, [case])

    async def change(self, case: Case, revision: int) -> bool:
        fields = case.model_dump(mode="json", exclude={"id", "site_id", "asset_id"})
        mine = self._transaction.covers(CASES.c.site_id)
        statement = update(CASES).where(CASES.c.id == case.id, CASES.c.revision == revision, mine).values(fields)
        return await self._transaction.write(statement, "store a case") > 0

    async def tell(self, entry: CaseEntry) -> None:
        await self._put(CaseEntryRow, [entry])
