"""What production is rated by, and its shifts, by site."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from pdm_app.domain.production import Product, ProductionUnit, SiteRates, StopReason
from pdm_app.domain.production_shifts import ProductionShift, ShiftSums
from pdm_app.domain.stop_edits import StopEdit
from pdm_app.storage.production_tables import (
    ProductionShiftRow,
    ProductionUnitRow,
    ProductRow,
    SiteRatesRow,
    StopEditRow,
    StopReasonRow,
)
from pdm_app.storage.repository import KEYS_PER_QUERY, R, Repository, chunks, columns_of
from pdm_app.storage.tables import table_of

UNITS = table_of(ProductionUnitRow)
SHIFTS = table_of(ProductionShiftRow)
EDITS = table_of(StopEditRow)
SHIFT_US_MAX = 2 * 86_400 * 1_000_000
"""No shift is longer than two days, so that those which touch a span are found by where they begin."""


class SqlProduction(Repository):
    """Every record of it belongs to a site."""

    async def units(self) -> Sequence[ProductionUnit]:
        return await self._find(ProductionUnit, ProductionUnitRow)

    async def unit(self, asset_id: str) -> ProductionUnit | None:
        return await self._find_one(ProductionUnit, ProductionUnitRow, UNITS.c.id == asset_id)

    async def put_unit(self, unit: ProductionUnit) -> None:
        await self._put(ProductionUnitRow, [unit])

    async def products(self) -> Sequence[Product]:
        return await self._find(Product, ProductRow, order=("code", "id"))

    async def put_product(self, product: Product) -> None:
        await self._put(ProductRow, [product])

    async def reasons(self) -> Sequence[StopReason]:
        return await self._find(StopReason, StopReasonRow, order=("position", "name", "id"))

    async def put_reason(self, reason: StopReason) -> None:
        await self._put(StopReasonRow, [reason])

    async def rates(self) -> Sequence[SiteRates]:
        return await self._find(SiteRates, SiteRatesRow)

    async def put_rates(self, rates: SiteRates) -> None:
        await self._put(SiteRatesRow, [rates])

    async def sums(self, asset_ids: Sequence[str], begin_at: int, end_at: int) -> Sequence[ShiftSums]:
        return await self._of_span(ShiftSums, asset_ids, begin_at, end_at)

    async def shift(self, shift_id: str) -> ProductionShift | None:
        return await self._find_one(ProductionShift, ProductionShiftRow, SHIFTS.c.id == shift_id)

    async def shifts(self, asset_ids: Sequence[str], begin_at: int, end_at: int) -> Sequence[ProductionShift]:
        return await self._of_span(ProductionShift, asset_ids, begin_at, end_at)

    async def put_shifts(self, shifts: Sequence[ProductionShift]) -> None:
        await self._put(ProductionShiftRow, shifts)

    async def edits(self, shift_ids: Sequence[str]) -> Sequence[StopEdit]:
        found: list[StopEdit] = []
        for some in chunks(dict.fromkeys(shift_ids), KEYS_PER_QUERY):
            found += await self._find(StopEdit, StopEditRow, EDITS.c.shift_id.in_(some), EDITS.c.is_undone.is_(False))
        return sorted(found, key=lambda edit: edit.id)

    async def put_edits(self, edits: Sequence[StopEdit]) -> None:
        await self._put(StopEditRow, edits)

    async def _of_span(self, kind: type[R], asset_ids: Sequence[str], begin_at: int, end_at: int) -> list[R]:
        touching: list[ColumnElement[bool]] = [
            SHIFTS.c.begin_at < end_at,
            SHIFTS.c.begin_at > begin_at - SHIFT_US_MAX,
            SHIFTS.c.end_at > begin_at,
        ]
        rows: list[dict[str, Any]] = []
        for some in chunks(dict.fromkeys(asset_ids), KEYS_PER_QUERY):
            statement = select(*columns_of(kind, SHIFTS)).where(
                self._transaction.covers(SHIFTS.c.site_id), SHIFTS.c.asset_id.in_(some), *touching
            )
            rows += await self._transaction.rows(statement, "read shifts of production")
        rows.sort(key=lambda row: (row["begin_at"], row["asset_id"]))
        return [kind.model_validate(row) for row in rows]
