"""Shift calendars and rotas, by site."""

from collections.abc import Sequence

from sqlalchemy import delete

from pdm_app.domain.rotas import Rota
from pdm_app.domain.shifts import ShiftCalendar
from pdm_app.storage.repository import Repository
from pdm_app.storage.shift_tables import RotaRow, ShiftCalendarRow
from pdm_app.storage.tables import table_of

CALENDARS = table_of(ShiftCalendarRow)
ROTAS = table_of(RotaRow)


class SqlShiftCalendars(Repository):
    """Each belongs to the site whose id it has."""

    async def all(self) -> Sequence[ShiftCalendar]:
        return await self._find(ShiftCalendar, ShiftCalendarRow)

    async def get(self, site_id: str) -> ShiftCalendar | None:
        return await self._find_one(ShiftCalendar, ShiftCalendarRow, CALENDARS.c.site_id == site_id)

    async def put(self, calendar: ShiftCalendar) -> None:
        await self._put(ShiftCalendarRow, [calendar])


class SqlRotas(Repository):
    """Each belongs to its site."""

    async def all(self) -> Sequence[Rota]:
        return await self._find(Rota, RotaRow, order=("name", "id"))

    async def get(self, rota_id: str) -> Rota | None:
        return await self._find_one(Rota, RotaRow, ROTAS.c.id == rota_id)

    async def put(self, rota: Rota) -> None:
        await self._put(RotaRow, [rota])

    async def remove(self, rota_id: str) -> bool:
        statement = delete(ROTAS).where(ROTAS.c.id == rota_id, self._transaction.covers(ROTAS.c.site_id))
        return await self._transaction.write(statement, "delete a rota") > 0
