"""Tables of accounts that belong to a directory of the company, and of the sessions it vouched for."""

# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import Index, String, UniqueConstraint
from sqlmodel.main import FieldInfoMetadata

from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import Hash, Key, Number, keyed

DirectoryKey = Annotated[str, FieldInfoMetadata(sa_type=String(24), nullable=False)]


class IdentityTable(Row, table=True):
    __tablename__ = "identities"
    __table_args__ = (keyed("directory_id", "subject"), Index("ix_identities_user", "user_id"), MYSQL)

    directory_id: DirectoryKey
    subject: Hash
    user_id: Key
    is_made: bool
    linked_at: Number
    seen_at: Number


class EmailTable(Row, table=True):
    __tablename__ = "user_emails"
    __table_args__ = (keyed("user_id"), UniqueConstraint("email", name="uq_user_emails_email"), MYSQL)

    user_id: Key
    email: Hash


class DirectorySessionTable(Row, table=True):
    __tablename__ = "directory_sessions"
    __table_args__ = (keyed("session_id"), Index("ix_directory_sessions_subject", "directory_id", "subject"), MYSQL)

    session_id: Key
    directory_id: DirectoryKey
    subject: Hash
    sid: Hash
    checked_at: Number
