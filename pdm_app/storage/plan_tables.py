"""Tables of what is planned for lines: orders, work on them, and time in which machines are not to run."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.orders import Order
from pdm_app.domain.production_plan import OrderRun, PlannedStop
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class OrderRow(Order, Row, table=True):
    __tablename__ = "production_orders"
    __table_args__ = (keyed("id"), Index("ix_production_orders_site", "site_id", "state"), MYSQL)


class OrderRunRow(OrderRun, Row, table=True):
    __tablename__ = "order_runs"
    __table_args__ = (
        keyed("id"),
        Index("ix_order_runs_site", "site_id", "begin_at"),
        Index("ix_order_runs_order", "order_id"),
        MYSQL,
    )


class PlannedStopRow(PlannedStop, Row, table=True):
    __tablename__ = "planned_stops"
    __table_args__ = (keyed("id"), Index("ix_planned_stops_site", "site_id", "begin_at"), MYSQL)
