"""The tables of sinks: what they are, where they stand, and what of history was changed that they do not know yet."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import Index, LargeBinary
from sqlalchemy.dialects import mysql
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.sinks import Sink
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import Key, keyed

CONTENT = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")  # 100,000 signals take 2 MB.


class SinkRow(Sink, Row, table=True):
    __tablename__ = "sinks"
    __table_args__ = (keyed("id"), Index("ix_sinks_site", "site_id"), MYSQL)


class SinkProgressRow(Row, table=True):
    """Apart from the sink: written every few seconds, and never part of an answer."""

    __tablename__ = "sink_progress"
    __table_args__ = (keyed("sink_id"), MYSQL)

    sink_id: Key
    content: Annotated[bytes, FieldInfoMetadata(sa_type=CONTENT, nullable=False)]


class HistoryChangeRow(Row, table=True):
    """Written with each change that is not the recorder's, and deleted once the places of all sinks say it, too."""

    __tablename__ = "history_changes"
    __table_args__ = (keyed("id"), MYSQL)

    id: Key
    is_gone: bool
    spans: Annotated[bytes, FieldInfoMetadata(sa_type=CONTENT, nullable=False)]
