"""The tables of cases and of their stories."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.cases import Case, CaseEntry
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class CaseRow(Case, Row, table=True):
    __tablename__ = "cases"
    __table_args__ = (
        keyed("id"),
        Index("ix_cases_site", "site_id", "changed_at", "id"),
        Index("ix_cases_asset", "asset_id", "changed_at", "id"),
        MYSQL,
    )


class CaseEntryRow(CaseEntry, Row, table=True):
    __tablename__ = "case_entries"
    __table_args__ = (keyed("id"), Index("ix_case_entries_case", "case_id", "at", "id"), MYSQL)
