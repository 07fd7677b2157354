"""The tables of verdicts on machines, and of what stood out."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.asset_health import Anomaly, AssetHealth
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class AssetHealthRow(AssetHealth, Row, table=True):
    __tablename__ = "asset_health"
    __table_args__ = (keyed("id"), Index("ix_asset_health_site", "site_id"), MYSQL)


class AnomalyRow(Anomaly, Row, table=True):
    __tablename__ = "anomalies"
    __table_args__ = (
        keyed("id"),
        Index("ix_anomalies_site", "site_id", "begin_at", "id"),
        Index("ix_anomalies_asset", "asset_id", "begin_at", "id"),
        MYSQL,
    )
