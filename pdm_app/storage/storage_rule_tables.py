"""The table of storage rules."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.storage_rules import StorageRule
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class StorageRuleRow(StorageRule, Row, table=True):
    __tablename__ = "storage_rules"
    __table_args__ = (keyed("id"), Index("ix_storage_rules_site", "site_id"), MYSQL)
