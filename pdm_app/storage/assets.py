"""Sites and the asset tree below them."""

from collections.abc import Sequence

from pdm_app.domain.assets import Area, Asset, Line, Site
from pdm_app.storage.repository import Repository
from pdm_app.storage.tables import AreaRow, AssetRow, LineRow, SiteRow, table_of


class SqlSites(Repository):
    async def all(self) -> Sequence[Site]:
        return await self._find(Site, SiteRow, order=("code",))

    async def put(self, site: Site) -> None:
        await self._put(SiteRow, [site])


class SqlAssets(Repository):
    async def areas(self) -> Sequence[Area]:
        return await self._find(Area, AreaRow, order=("position", "id"))

    async def lines(self) -> Sequence[Line]:
        return await self._find(Line, LineRow, order=("position", "id"))

    async def all(self) -> Sequence[Asset]:
        return await self._find(Asset, AssetRow, order=("position", "code"))

    async def get(self, asset_id: str) -> Asset | None:
        return await self._find_one(Asset, AssetRow, table_of(AssetRow).c.id == asset_id)

    async def put_area(self, area: Area) -> None:
        await self._put(AreaRow, [area])

    async def put_line(self, line: Line) -> None:
        await self._put(LineRow, [line])

    async def put(self, asset: Asset) -> None:
        await self._put(AssetRow, [asset])
