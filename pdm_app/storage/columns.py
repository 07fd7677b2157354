"""Column types for the fields of domain records, chosen so that both databases keep exactly what was given.

SQLModel's own choice would lose something on MySQL: ``float`` becomes a 4-byte FLOAT, ``int`` ends at 2^31, and an
enum becomes an ENUM of member names that a new member cannot enter without a migration.
"""

from datetime import date
from enum import Enum
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import ConfigDict
from pydantic.fields import FieldInfo
from sqlalchemy import JSON, BigInteger, Boolean, Double, SmallInteger, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel
from sqlmodel.main import FieldInfoMetadata

VARCHAR_MAX = 255  # Longer texts live off the row on MySQL, whose rows end at 65,535 bytes.
ENUM_LENGTH = 24
DATE_LENGTH = 10  # 2026-11-21: a day of the wall, of no zone.

MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
"""Table options; the binary collation makes ids, codes and usernames differ where a byte differs, as on SQLite."""

HOT = {**MYSQL, "sqlite_with_rowid": False}
"""Options of tables with a row per sample or bucket: on SQLite, too, rows lie in the order of the key."""


def signal_number() -> TypeEngine[int]:
    """A signal's dense id, 1 to 2^32 - 1, in four bytes where the database has unsigned integers."""
    return BigInteger().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


def small() -> TypeEngine[int]:
    """A quality code or another number below 32,768."""
    return SmallInteger()


def column_type(field: FieldInfo) -> tuple[TypeEngine[Any], bool]:
    """Return the column type of a record's field and whether it may be NULL.

    Numbers are 8 bytes wide, enums are VARCHAR of their values, strings over 255 characters TEXT, and whatever has
    structure is JSON.
    """
    annotation: Any = field.annotation
    metadata = list(field.metadata)
    nullable = False
    if get_origin(annotation) in (Union, UnionType) and type(None) in get_args(annotation):
        nullable = True
        others = [member for member in get_args(annotation) if member is not type(None)]
        annotation = others[0] if len(others) == 1 else dict
    if get_origin(annotation) is Annotated:
        annotation, *inner = get_args(annotation)
        metadata += [part for item in inner for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    return _scalar_type(annotation, metadata), nullable


def _scalar_type(annotation: Any, metadata: list[Any]) -> TypeEngine[Any]:
    if not isinstance(annotation, type) or get_origin(annotation) is not None:
        return JSON()
    if issubclass(annotation, Enum):
        return String(ENUM_LENGTH)
    if issubclass(annotation, date):
        return String(DATE_LENGTH)
    if issubclass(annotation, bool):
        return Boolean()
    if issubclass(annotation, int):
        return BigInteger()
    if issubclass(annotation, float):
        return Double()
    if issubclass(annotation, str):
        length = next((item.max_length for item in metadata if isinstance(item, MaxLen)), VARCHAR_MAX)
        return String(length) if length <= VARCHAR_MAX else Text()
    return JSON()


class Row(SQLModel):
    """Base of every table; gives each field that does not name its column type the one above."""

    # A record is frozen and closed; a row of it must be neither, or SQLAlchemy cannot fill it.
    model_config: ClassVar[Any] = ConfigDict(frozen=False, extra="ignore")

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Add column types to the fields before SQLModel turns them into columns."""
        for field in cls.__pydantic_fields__.values():
            if any(isinstance(item, FieldInfoMetadata) for item in field.metadata):
                continue
            chosen, nullable = column_type(field)
            field.metadata = [*field.metadata, FieldInfoMetadata(sa_type=chosen, nullable=nullable)]


class Kept(Row):
    """Base of the plant's tables: deleting a row hides it, and its unique names are free for another one.

    ``is_live`` is 1, and NULL in deleted rows. It ends every unique key of names: both databases let any number of rows
    with a NULL in the key stand beside each other.
    """

    changed_at: Annotated[int, FieldInfoMetadata(sa_type=BigInteger(), nullable=False)] = 0
    changed_by: Annotated[str, FieldInfoMetadata(sa_type=String(120), nullable=False)] = ""
    deleted_at: Annotated[int | None, FieldInfoMetadata(sa_type=BigInteger(), nullable=True)] = None
    is_live: Annotated[int | None, FieldInfoMetadata(sa_type=SmallInteger(), nullable=True)] = 1
