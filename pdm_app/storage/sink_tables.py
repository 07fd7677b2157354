"""The tables of sinks: what they are, and where they stand."""

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
