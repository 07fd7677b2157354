"""The table of revisions of the settings: rows that are only ever added."""

from typing import Annotated

from sqlalchemy import BigInteger
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.settings_revisions import SettingsRevision
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import keyed

Counted = Annotated[
    int, FieldInfoMetadata(sa_type=BigInteger(), nullable=False, sa_column_kwargs={"autoincrement": False})
]


class SettingsRevisionRow(SettingsRevision, Row, table=True):  # type: ignore[misc]
    """``number`` is the key: of two writers of the next revision, one finds its number taken."""

    __tablename__ = "settings_revisions"
    __table_args__ = (keyed("number"), MYSQL)

    number: Counted
