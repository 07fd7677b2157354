"""Tables of the words of the alarm journal; a text is the set of words that entries have in common."""

# A row is both a record and an SQLModel, whose configurations mypy takes for contradictory; `Row` settles them.
# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import BigInteger, String
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.journal_words import WORD_MAX
from pdm_app.storage.columns import HOT, Row
from pdm_app.storage.tables import keyed

Hashed = Annotated[
    int, FieldInfoMetadata(sa_type=BigInteger(), nullable=False, sa_column_kwargs={"autoincrement": False})
]


class JournalTextRow(Row, table=True):
    """That the words of a text are kept."""

    __tablename__ = "journal_texts"
    __table_args__ = (keyed("id"), HOT)

    id: Hashed


class JournalWordRow(Row, table=True):
    __tablename__ = "journal_words"
    __table_args__ = (keyed("id"), HOT)

    id: Hashed
    word: Annotated[str, FieldInfoMetadata(sa_type=String(WORD_MAX), nullable=False)]


class JournalTextWordRow(Row, table=True):
    """In which texts a word stands."""

    __tablename__ = "journal_text_words"
    __table_args__ = (keyed("word_id", "text_id"), HOT)

    word_id: Hashed
    text_id: Hashed
