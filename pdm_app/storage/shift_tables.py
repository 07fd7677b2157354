"""The tables of shift calendars and of rotas of who is on call."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.rotas import Rota
from pdm_app.domain.shifts import ShiftCalendar
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class ShiftCalendarRow(ShiftCalendar, Row, table=True):
    __tablename__ = "shift_calendars"
    __table_args__ = (keyed("id"), Index("ix_shift_calendars_site", "site_id"), MYSQL)


class RotaRow(Rota, Row, table=True):
    __tablename__ = "rotas"
    __table_args__ = (keyed("id"), Index("ix_rotas_site", "site_id"), MYSQL)
