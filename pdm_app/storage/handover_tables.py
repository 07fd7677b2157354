"""The table of shifts that were handed over."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from sqlalchemy import Index

from pdm_app.domain.handovers import Handover
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed


class HandoverRow(Handover, Row, table=True):
    __tablename__ = "handovers"
    __table_args__ = (keyed("id"), Index("ix_handovers_site", "site_id", "begin_at"), MYSQL)
