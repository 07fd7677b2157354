"""Verdicts on machines and what stood out, by site."""

from collections.abc import Sequence

from sqlalchemy import delete, or_, select

from pdm_app.domain.asset_health import PAGE_MAX, Anomaly, AnomalyQuery, AssetHealth
from pdm_app.storage.health_tables import AnomalyRow, AssetHealthRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

HEALTH = table_of(AssetHealthRow)
ANOMALIES = table_of(AnomalyRow)


class SqlHealths(Repository):
    """Both belong to a site."""

    async def all(self) -> Sequence[AssetHealth]:
        return await self._find(AssetHealth, AssetHealthRow)

    async def put(self, verdicts: Sequence[AssetHealth]) -> None:
        await self._put(AssetHealthRow, verdicts)

    async def forget(self, version_id: str) -> None:
        mine = self._transaction.covers(HEALTH.c.site_id)
        await self._transaction.write(delete(HEALTH).where(HEALTH.c.id == version_id, mine), "forget a verdict")

    async def anomalies(self, query: AnomalyQuery) -> Sequence[Anomaly]:
        meant = ((ANOMALIES.c.site_id, query.site_id), (ANOMALIES.c.asset_id, query.asset_id))
        conditions = [column == wanted for column, wanted in meant if wanted is not None]
        if not query.shadows:
            conditions.append(ANOMALIES.c.is_shadow.is_(False))
        if query.start_at is not None:
            conditions.append(or_(ANOMALIES.c.end_at.is_(None), ANOMALIES.c.end_at > query.start_at))
        if query.end_at is not None:
            conditions.append(ANOMALIES.c.begin_at < query.end_at)
        statement = (
            select(*columns_of(Anomaly, ANOMALIES))
            .where(self._transaction.covers(ANOMALIES.c.site_id), *conditions)
            .order_by(ANOMALIES.c.begin_at.desc(), ANOMALIES.c.id.desc())
            .limit(query.limit)
        )
        return [Anomaly.model_validate(row) for row in await self._transaction.rows(statement, "read anomalies")]

    async def standing(self) -> Sequence[Anomaly]:
        statement = (
            select(*columns_of(Anomaly, ANOMALIES))
            .where(self._transaction.covers(ANOMALIES.c.site_id), ANOMALIES.c.end_at.is_(None))
            .order_by(ANOMALIES.c.begin_at, ANOMALIES.c.id)
            .limit(PAGE_MAX)
        )
        found = await self._transaction.rows(statement, "read anomalies that go on")
        return [Anomaly.model_validate(row) for row in found]

    async def put_anomalies(self, anomalies: Sequence[Anomaly]) -> None:
        await self._put(AnomalyRow, anomalies)
