"""Tables of what people hold beside their accounts: groups, roles made here, things shared singly."""

# mypy: disable-error-code="misc"

from typing import Annotated

from sqlalchemy import JSON, Index, SmallInteger, String, UniqueConstraint
from sqlmodel.main import FieldInfoMetadata

from pdm_app.domain.holdings import Share
from pdm_app.storage.columns import MYSQL, Row
from pdm_app.storage.tables import Key, Number, NumberOrNone, Short, keyed

Words = Annotated[list[str], FieldInfoMetadata(sa_type=JSON(), nullable=False)]
Live = Annotated[int | None, FieldInfoMetadata(sa_type=SmallInteger(), nullable=True)]
"""1, and NULL in deleted rows, whose names are free again (see `columns.Kept`)."""


class GroupRow(Row, table=True):
    __tablename__ = "user_groups"
    __table_args__ = (keyed("id"), UniqueConstraint("name", "is_live", name="uq_user_groups_name"), MYSQL)

    id: Key
    name: Short
    description: Annotated[str, FieldInfoMetadata(sa_type=String(500), nullable=False)]
    permissions: Words
    revision: Number
    created_at: Number
    deleted_at: NumberOrNone = None
    is_live: Live = 1


class GroupMemberRow(Row, table=True):
    __tablename__ = "group_members"
    __table_args__ = (keyed("group_id", "user_id"), Index("ix_group_members_user", "user_id"), MYSQL)

    group_id: Key
    user_id: Key


class GroupSiteRow(Row, table=True):
    __tablename__ = "group_sites"
    __table_args__ = (keyed("group_id", "site_id"), MYSQL)

    group_id: Key
    site_id: Key


class RoleRow(Row, table=True):
    __tablename__ = "custom_roles"
    __table_args__ = (keyed("id"), UniqueConstraint("name", "is_live", name="uq_custom_roles_name"), MYSQL)

    id: Key
    name: Short
    based_on: Annotated[str, FieldInfoMetadata(sa_type=String(24), nullable=False)]
    permissions: Words
    revision: Number
    created_at: Number
    deleted_at: NumberOrNone = None
    is_live: Live = 1


class ShareRow(Share, Row, table=True):
    __tablename__ = "shares"
    __table_args__ = (
        keyed("id"),
        Index("ix_shares_resource", "resource_id"),
        Index("ix_shares_user", "user_id"),
        Index("ix_shares_group", "group_id"),
        MYSQL,
    )
