"""The tables of the rollups: three widths of one kind of row, how far they are derived, and what is due again."""

# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import String
from sqlmodel.main import FieldInfoMetadata

from pdm_app.storage.columns import HOT, MYSQL, Row
from pdm_app.storage.tables import Number, NumberOrNone, RealOrNone, SignalNumber, Small, keyed


class RollupRow(Row):
    """What the samples of one signal in one bucket of time come to: a row of `pdm_app.domain.summaries.Summaries`.

    Always a pure function of the raw samples. A number that there is not, or that no double holds, is NULL.
    """

    signal_id: SignalNumber
    bucket_at: Number
    samples: Number
    good: Number
    usable: Number
    low: RealOrNone = None
    high: RealOrNone = None
    total: RealOrNone = None
    first_at: NumberOrNone = None
    first: RealOrNone = None
    last_at: NumberOrNone = None
    last: RealOrNone = None
    begins_at: Number
    ends_at: Number
    ends_quality: Small
    good_us: Number
    usable_us: Number
    held: RealOrNone = None
    line: RealOrNone = None


class Rollup10sRow(RollupRow, table=True):
    """Ten seconds, derived from raw."""

    __tablename__ = "rollups_10s"
    __table_args__ = (keyed("signal_id", "bucket_at"), HOT)


class Rollup60sRow(RollupRow, table=True):
    """A minute, derived from its ten seconds."""

    __tablename__ = "rollups_60s"
    __table_args__ = (keyed("signal_id", "bucket_at"), HOT)


class Rollup1hRow(RollupRow, table=True):
    """An hour, derived from its minutes."""

    __tablename__ = "rollups_1h"
    __table_args__ = (keyed("signal_id", "bucket_at"), HOT)


class RollupPositionRow(Row, table=True):
    """How far the rollups are derived.

    Buckets that end before ``rolled_to`` are there unless a part of them is marked; a write before ``rolling_to`` marks
    its ten seconds.
    """

    __tablename__ = "rollup_positions"
    __table_args__ = (keyed("tier"), MYSQL)

    tier: Annotated[str, FieldInfoMetadata(sa_type=String(8), nullable=False)]
    rolled_to: Number
    rolling_to: Number


class RollupMarkRow(Row, table=True):
    """Ten seconds that were written to after they had been derived; until they are again, readers take raw."""

    __tablename__ = "rollup_marks"
    __table_args__ = (keyed("signal_id", "bucket_at"), HOT)

    signal_id: SignalNumber
    bucket_at: Number
