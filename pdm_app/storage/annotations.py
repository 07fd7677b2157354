"""Notes on the time axis."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from pdm_app.domain.annotations import Annotation, AnnotationQuery
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of
from pdm_app.storage.view_tables import AnnotationRow

NOTES = table_of(AnnotationRow)
COLUMNS = columns_of(Annotation, NOTES)


class SqlAnnotations(Repository):
    async def touching(self, query: AnnotationQuery, rows_max: int) -> Sequence[Annotation]:
        return await self._read(
            NOTES.c.deleted_at.is_(None),
            NOTES.c.asset_id.in_(sorted(set(query.asset_ids))),
            NOTES.c.start_at < query.end_at,
            func.coalesce(NOTES.c.end_at, NOTES.c.start_at) >= query.start_at,
            rows_max=rows_max,
        )

    async def get(self, annotation_id: str) -> Annotation | None:
        found = await self._read(NOTES.c.id == annotation_id, rows_max=1)
        return found[0] if found else None

    async def put(self, annotation: Annotation) -> None:
        """Store a note.

        Raises:
            NotFoundError: Its site, now or before, is not in scope.
        """
        await self._put(AnnotationRow, [annotation])

    async def _read(self, *conditions: ColumnElement[bool], rows_max: int) -> list[Annotation]:
        statement = (
            select(*COLUMNS)
            .where(self._transaction.shows(NOTES), *conditions)
            .order_by(NOTES.c.start_at.desc(), NOTES.c.id.desc())
            .limit(rows_max)
        )
        return [Annotation.model_validate(row) for row in await self._transaction.rows(statement, "read annotations")]
