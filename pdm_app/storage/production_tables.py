"""Tables of production: machines that are rated, products, reasons, prices, shifts, and what people said of stops."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.production import Product, ProductionUnit, SiteRates, StopReason
from pdm_app.domain.production_shifts import ProductionShift
from pdm_app.domain.stop_edits import StopEdit
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import SignalNumberOrNone, keyed


class ProductionUnitRow(ProductionUnit, Row, table=True):
    __tablename__ = "production_units"
    __table_args__ = (keyed("id"), Index("ix_production_units_site", "site_id"), MYSQL)

    made_signal_id: SignalNumberOrNone = None
    good_signal_id: SignalNumberOrNone = None
    scrap_signal_id: SignalNumberOrNone = None
    rework_signal_id: SignalNumberOrNone = None
    product_signal_id: SignalNumberOrNone = None
    energy_signal_id: SignalNumberOrNone = None


class ProductRow(Product, Row, table=True):
    __tablename__ = "products"
    __table_args__ = (keyed("id"), Index("ix_products_site", "site_id"), MYSQL)


class StopReasonRow(StopReason, Row, table=True):
    __tablename__ = "stop_reasons"
    __table_args__ = (keyed("id"), Index("ix_stop_reasons_site", "site_id"), MYSQL)


class SiteRatesRow(SiteRates, Row, table=True):
    __tablename__ = "site_rates"
    __table_args__ = (keyed("id"), Index("ix_site_rates_site", "site_id"), MYSQL)


class ProductionShiftRow(ProductionShift, Row, table=True):
    __tablename__ = "production_shifts"
    __table_args__ = (
        keyed("id"),
        Index("ix_production_shifts_asset", "asset_id", "begin_at"),
        Index("ix_production_shifts_site", "site_id", "begin_at"),
        MYSQL,
    )


class StopEditRow(StopEdit, Row, table=True):
    __tablename__ = "stop_edits"
    __table_args__ = (
        keyed("id"),
        Index("ix_stop_edits_shift", "shift_id"),
        Index("ix_stop_edits_site", "site_id"),
        MYSQL,
    )
