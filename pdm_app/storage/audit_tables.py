"""The tables of the audit trail: rows that are only ever added, and the chain's end."""

from typing import Annotated

from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.audit import AuditEntry
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import Number, keyed

Seq = Annotated[int, FieldInfoMetadata(sa_type=BigInteger(), nullable=False, sa_column_kwargs={"autoincrement": False})]


class AuditRow(AuditEntry, Row, table=True):  # type: ignore[misc]
    __tablename__ = "audit_entries"
    __table_args__ = (
        keyed("seq"),
        UniqueConstraint("id", name="uq_audit_entries_id"),
        Index("ix_audit_entries_at", "at"),
        Index("ix_audit_entries_site", "site_id", "seq"),
        Index("ix_audit_entries_subject", "subject", "subject_id", "seq"),
        MYSQL,
    )

    seq: Seq


class AuditHeadRow(Row, table=True):
    """The one row whose lock lets a single transaction at a time put entries at the end of the chain."""

    __tablename__ = "audit_head"
    __table_args__ = (keyed("name"), MYSQL)

    name: Annotated[str, FieldInfoMetadata(sa_type=String(24), nullable=False)]
    seq: Number
    hash: Annotated[str, FieldInfoMetadata(sa_type=String(64), nullable=False)]
