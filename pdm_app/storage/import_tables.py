"""The table of imports of history."""

# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.imports import Import
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class ImportRow(Import, Row, table=True):
    __tablename__ = "imports"
    __table_args__ = (
        keyed("id"),
        Index("ix_imports_site", "site_id", "asked_at"),
        Index("ix_imports_state", "state"),
        MYSQL,
    )
