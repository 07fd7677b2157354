"""Reports and the copies of them, by site."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select

from pdm_app.domain.reports import CopyQuery, ReportCopy, ReportDefinition
from pdm_app.storage.report_tables import ReportCopyRow, ReportFileRow, ReportRow
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks, columns_of
from pdm_app.storage.tables import table_of

REPORTS = table_of(ReportRow)
COPIES = table_of(ReportCopyRow)
FILES = table_of(ReportFileRow)


class SqlReports(Repository):
    """Each belongs to its site."""

    async def all(self, site_id: str | None = None) -> Sequence[ReportDefinition]:
        of_site = [] if site_id is None else [REPORTS.c.site_id == site_id]
        return await self._find(ReportDefinition, ReportRow, *of_site, order=("name", "id"))

    async def get(self, report_id: str) -> ReportDefinition | None:
        return await self._find_one(ReportDefinition, ReportRow, REPORTS.c.id == report_id)

    async def put(self, report: ReportDefinition) -> None:
        await self._put(ReportRow, [report])

    async def remove(self, report_id: str) -> bool:
        statement = delete(REPORTS).where(REPORTS.c.id == report_id, self._transaction.covers(REPORTS.c.site_id))
        return await self._transaction.write(statement, "delete a report") > 0

    async def add_copy(self, copy: ReportCopy, content: bytes) -> None:
        """Keep a copy with what it consists of; nothing is kept of one that could not be made.

        Raises:
            NotFoundError: Its site is not in scope.
            ConflictError: There is one of this id.
        """
        given = copy.model_dump(mode="json")
        self._refuse_foreign(COPIES, [given])
        await self._transaction.write(insert(COPIES), "store a copy of a report", [given])
        if content:
            row = {"id": copy.id, "content": content}
            await self._transaction.write(insert(FILES), "store a copy of a report", [row])

    async def copies(self, query: CopyQuery) -> Sequence[ReportCopy]:
        conditions = [COPIES.c.site_id == query.site_id, self._transaction.covers(COPIES.c.site_id)]
        if query.report_id is not None:
            conditions.append(COPIES.c.report_id == query.report_id)
        if query.before is not None:
            conditions.append(COPIES.c.id < query.before)  # Ids sort by age.
        statement = (
            select(*columns_of(ReportCopy, COPIES)).where(*conditions).order_by(COPIES.c.id.desc()).limit(query.limit)
        )
        found = await self._transaction.rows(statement, "read copies of reports")
        return [ReportCopy.model_validate(row) for row in found]

    async def copy(self, copy_id: str) -> ReportCopy | None:
        return await self._find_one(ReportCopy, ReportCopyRow, COPIES.c.id == copy_id)

    async def content(self, copy_id: str) -> bytes | None:
        statement = (
            select(FILES.c.content)
            .join(COPIES, COPIES.c.id == FILES.c.id)
            .where(FILES.c.id == copy_id, self._transaction.covers(COPIES.c.site_id))
        )
        found = await self._transaction.rows(statement, "read a copy of a report")
        return bytes(found[0]["content"]) if found else None

    async def newest(self, report_ids: Sequence[str]) -> Sequence[ReportCopy]:
        found: list[ReportCopy] = []
        for some in chunks(report_ids, KEYS_PER_QUERY):
            last = select(func.max(COPIES.c.id)).where(COPIES.c.report_id.in_(some)).group_by(COPIES.c.report_id)
            found += await self._find(ReportCopy, ReportCopyRow, COPIES.c.id.in_(last))
        return found

    async def forget(self, at: int, limit: int) -> int:
        old = (
            select(COPIES.c.id)
            .where(COPIES.c.kept_until < at, self._transaction.covers(COPIES.c.site_id))
            .order_by(COPIES.c.kept_until)
            .limit(limit)
        )
        ids = [row["id"] for row in await self._transaction.rows(old, "read old copies of reports")]
        for some in chunks(ids, KEYS_PER_QUERY):
            for table in (FILES, COPIES):
                await self._transaction.write(delete(table).where(table.c.id.in_(some)), "forget copies of reports")
        return len(ids)
