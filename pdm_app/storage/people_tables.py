"""Tables of what people and programs sign in with, and of how people like the pages."""

# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import Index, String, UniqueConstraint
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.credentials import ApiKey
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import Hash, Key, Number, NumberOrNone, Short, keyed

Digest = Annotated[str, FieldInfoMetadata(sa_type=String(64), nullable=False)]
Word = Annotated[str, FieldInfoMetadata(sa_type=String(24), nullable=False)]


class CredentialTable(Row, table=True):
    __tablename__ = "credentials"
    __table_args__ = (keyed("user_id"), MYSQL)

    user_id: Key
    must_change: bool
    password_at: Number
    totp_at: NumberOrNone = None
    totp_step: Number


class RecoveryCodeTable(Row, table=True):
    __tablename__ = "recovery_codes"
    __table_args__ = (keyed("user_id", "code_hash"), MYSQL)

    user_id: Key
    code_hash: Digest


class LinkTable(Row, table=True):
    __tablename__ = "one_time_links"
    __table_args__ = (keyed("token_hash"), Index("ix_one_time_links_user", "user_id"), MYSQL)

    token_hash: Digest
    user_id: Key
    purpose: Word
    created_at: Number
    created_by: Short
    expires_at: Number


class ApiKeyTable(ApiKey, Row, table=True):
    __tablename__ = "api_keys"
    __table_args__ = (
        keyed("id"),
        UniqueConstraint("key_hash", name="uq_api_keys_hash"),
        Index("ix_api_keys_user", "user_id"),
        MYSQL,
    )

    key_hash: Digest


class PreferenceTable(Row, table=True):
    __tablename__ = "preferences"
    __table_args__ = (keyed("user_id"), MYSQL)

    user_id: Key
    theme: Word
    units: Word
    language: Word
    density: Word
    home: Hash
