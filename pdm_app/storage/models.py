"""Models and their versions, by site."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update

from pdm_app.domain.model_registry import KeptModel, ModelState, ModelVersion
from pdm_app.storage.model_tables import KeptModelRow, ModelVersionRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

VERSIONS = table_of(ModelVersionRow)


class SqlModels(Repository):
    """Both belong to a site."""

    async def all(self) -> Sequence[KeptModel]:
        return await self._find(KeptModel, KeptModelRow, order=("name", "id"))

    async def get(self, model_id: str) -> KeptModel | None:
        return await self._find_one(KeptModel, KeptModelRow, table_of(KeptModelRow).c.id == model_id)

    async def put(self, model: KeptModel) -> None:
        await self._put(KeptModelRow, [model])

    async def versions(self, model_id: str) -> Sequence[ModelVersion]:
        statement = (
            select(*columns_of(ModelVersion, VERSIONS))
            .where(self._transaction.covers(VERSIONS.c.site_id), VERSIONS.c.model_id == model_id)
            .order_by(VERSIONS.c.number.desc())
        )
        found = await self._transaction.rows(statement, "read the versions of a model")
        return [ModelVersion.model_validate(row) for row in found]

    async def version(self, version_id: str) -> ModelVersion | None:
        return await self._find_one(ModelVersion, ModelVersionRow, VERSIONS.c.id == version_id)

    async def standing(self) -> Sequence[ModelVersion]:
        states = [str(ModelState.CHAMPION), str(ModelState.SHADOW)]
        return await self._find(ModelVersion, ModelVersionRow, VERSIONS.c.state.in_(states))

    async def add_version(self, version: ModelVersion) -> None:
        await self._put(ModelVersionRow, [version])

    async def change_version(self, version: ModelVersion, revision: int) -> bool:
        fields = version.model_dump(mode="json", exclude={"id", "model_id", "site_id", "asset_id", "number"})
        mine = self._transaction.covers(VERSIONS.c.site_id)
        statement = (
            update(VERSIONS).where(VERSIONS.c.id == version.id, VERSIONS.c.revision == revision, mine).values(fields)
        )
        return await self._transaction.write(statement, "store a version of a model") > 0

    async def remove_version(self, version_id: str) -> None:
        mine = self._transaction.covers(VERSIONS.c.site_id)
        await self._transaction.write(
            delete(VERSIONS).where(VERSIONS.c.id == version_id, mine), "delete a version of a model"
        )

    async def graphs(self) -> Sequence[str]:
        statement = select(VERSIONS.c.graph_sha256).where(self._transaction.covers(VERSIONS.c.site_id)).distinct()
        found = await self._transaction.rows(statement, "read which graphs are used")
        return sorted(row["graph_sha256"] for row in found)
