"""The tables of models and their versions."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index, UniqueConstraint

from pdm_app.domain.model_registry import KeptModel, ModelVersion
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class KeptModelRow(KeptModel, Row, table=True):
    __tablename__ = "models"
    __table_args__ = (
        keyed("id"),
        UniqueConstraint("asset_id", "name", name="uq_models_name"),
        Index("ix_models_site", "site_id"),
        MYSQL,
    )


class ModelVersionRow(ModelVersion, Row, table=True):
    __tablename__ = "model_versions"
    __table_args__ = (
        keyed("id"),
        UniqueConstraint("model_id", "number", name="uq_model_versions_number"),
        Index("ix_model_versions_state", "state", "site_id"),
        MYSQL,
    )
