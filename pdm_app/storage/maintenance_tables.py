"""The tables of maintenance: rules, what work costs, events."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.maintenance_events import CostBasis, MaintenanceEvent
from pdm_app.domain.maintenance_rules import MaintenanceRule
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import SignalNumberOrNone, keyed


class MaintenanceRuleRow(MaintenanceRule, Row, table=True):
    __tablename__ = "maintenance_rules"
    __table_args__ = (keyed("id"), Index("ix_maintenance_rules_site", "site_id"), MYSQL)


class CostBasisRow(CostBasis, Row, table=True):
    __tablename__ = "maintenance_costs"
    __table_args__ = (keyed("id"), Index("ix_maintenance_costs_site", "site_id"), MYSQL)


class MaintenanceEventRow(MaintenanceEvent, Row, table=True):
    __tablename__ = "maintenance_events"
    __table_args__ = (
        keyed("id"),
        Index("ix_maintenance_events_site", "site_id", "resolved_at", "opened_at", "id"),
        Index("ix_maintenance_events_asset", "asset_id", "resolved_at", "opened_at", "id"),
        Index("ix_maintenance_events_at", "opened_at", "id"),
        MYSQL,
    )

    signal_id: SignalNumberOrNone = None
    score_signal_id: SignalNumberOrNone = None
