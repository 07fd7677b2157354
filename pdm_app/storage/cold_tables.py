"""The tables of the cold tier: which files there are, and what of them does not count any more."""

# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import BigInteger, String
from sqlmodel.main import FieldInfoMetadata

from pdm_app.storage.columns import HOT, MYSQL, Row
from pdm_app.storage.tables import Hash, Number, SignalNumber, WordsOrNone, keyed


class ColdFileRow(Row, table=True):
    """A file that holds all samples of a day but those that came since, which are hot.

    ``trouble`` says why it cannot be read; NULL while it can.
    """

    __tablename__ = "cold_files"
    __table_args__ = (keyed("start_at"), MYSQL)

    start_at: Annotated[
        int, FieldInfoMetadata(sa_type=BigInteger(), nullable=False, sa_column_kwargs={"autoincrement": False})
    ]
    end_at: Number
    name: Hash
    samples: Number
    signals: Number
    bytes: Number
    sha256: Annotated[str, FieldInfoMetadata(sa_type=String(64), nullable=False)]
    made_at: Number
    trouble: WordsOrNone = None


class ColdErasureRow(Row, table=True):
    """A span of one signal, within one day, whose samples in the day's file were replaced by others."""

    __tablename__ = "cold_erasures"
    __table_args__ = (keyed("signal_id", "start_at", "end_at"), HOT)

    signal_id: SignalNumber
    start_at: Number
    end_at: Number
