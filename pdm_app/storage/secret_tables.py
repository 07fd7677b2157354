"""The table of sealed secrets."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import Index, PrimaryKeyConstraint, Text
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.secrets import SecretFact
from pdm_app.storage.columns import MYSQL, Row


class SecretRow(SecretFact, Row, table=True):
    """``sealed`` is what a `Sealer` made; nothing but it can read it."""

    __tablename__ = "secrets"
    __table_args__ = (
        PrimaryKeyConstraint("purpose", "record_id"),
        Index("ix_secrets_key", "key_id"),
        MYSQL,
    )

    sealed: Annotated[str, FieldInfoMetadata(sa_type=Text(), nullable=False)]
