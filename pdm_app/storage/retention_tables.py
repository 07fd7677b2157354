"""The tables of retention: its rules, held spans and runs, and what of which tier was removed."""

# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import BigInteger, PrimaryKeyConstraint, String
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.retention import RetentionHold, RetentionRule, RetentionRun
from pdm_app.storage.columns import HOT, MYSQL, Row
from pdm_app.storage.tables import Number, SignalNumber


class RetentionRuleRow(RetentionRule, Row, table=True):
    __tablename__ = "retention_rules"
    __table_args__ = (PrimaryKeyConstraint("id"), MYSQL)


class RetentionHoldRow(RetentionHold, Row, table=True):
    __tablename__ = "retention_holds"
    __table_args__ = (PrimaryKeyConstraint("id"), MYSQL)


class RetentionRunRow(RetentionRun, Row, table=True):
    __tablename__ = "retention_runs"
    __table_args__ = (PrimaryKeyConstraint("id"), MYSQL)


class RemovedSpanRow(Row, table=True):
    """A span of which a tier of one signal was removed, or is being removed; spans of one signal never touch.

    Written before the first row goes: from then on readers take coarser tiers, whatever is still there.
    """

    __tablename__ = "removed_spans"
    __table_args__ = (PrimaryKeyConstraint("signal_id", "tier", "start_at"), HOT)

    signal_id: SignalNumber
    tier: Annotated[str, FieldInfoMetadata(sa_type=String(8), nullable=False)]
    start_at: Annotated[
        int, FieldInfoMetadata(sa_type=BigInteger(), nullable=False, sa_column_kwargs={"autoincrement": False})
    ]
    end_at: Number
