"""The tables of reports: what is kept, the copies that were made, and what these consist of."""

# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import Index, LargeBinary
from sqlalchemy.dialects import mysql
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.reports import ReportCopy, ReportDefinition
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import Key, keyed

CONTENT = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")  # Up to 10 MB.


class ReportRow(ReportDefinition, Row, table=True):
    __tablename__ = "reports"
    __table_args__ = (keyed("id"), Index("ix_reports_site", "site_id"), MYSQL)


class ReportCopyRow(ReportCopy, Row, table=True):
    __tablename__ = "report_copies"
    __table_args__ = (
        keyed("id"),
        Index("ix_report_copies_site", "site_id"),
        Index("ix_report_copies_report", "report_id"),
        Index("ix_report_copies_kept", "kept_until"),
        MYSQL,
    )


class ReportFileRow(Row, table=True):
    """Kept apart from the copy, so that the history of many copies is read without them."""

    __tablename__ = "report_files"
    __table_args__ = (keyed("id"), MYSQL)

    id: Key
    content: Annotated[bytes, FieldInfoMetadata(sa_type=CONTENT, nullable=False)]
