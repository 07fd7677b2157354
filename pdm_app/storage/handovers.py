"""Shifts that were handed over, by site."""

from collections.abc import Sequence

from sqlalchemy import select

from pdm_app.domain.handovers import Handover
from pdm_app.storage.handover_tables import HandoverRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

HANDOVERS = table_of(HandoverRow)


class SqlHandovers(Repository):
    """Each belongs to its site."""

    async def newest(self, site_id: str, limit: int) -> Sequence[Handover]:
        statement = (
            select(*columns_of(Handover, HANDOVERS))
            .where(self._transaction.covers(HANDOVERS.c.site_id), HANDOVERS.c.site_id == site_id)
            .order_by(HANDOVERS.c.begin_at.desc(), HANDOVERS.c.id)
            .limit(limit)
        )
        return [Handover.model_validate(row) for row in await self._transaction.rows(statement, "read handovers")]

    async def get(self, handover_id: str) -> Handover | None:
        return await self._find_one(Handover, HandoverRow, HANDOVERS.c.id == handover_id)

    async def put(self, handover: Handover) -> None:
        await self._put(HandoverRow, [handover])
