"""Groups, roles made here, and things shared singly."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, false, insert, or_, select, true, update

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.holdings import CustomRole, Group, Share, ShareKind
from pdm_app.domain.record import Record
from pdm_app.domain.samples import Micros
from pdm_app.storage.holding_tables import GroupMemberRow, GroupRow, GroupSiteRow, RoleRow, ShareRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

GROUPS = table_of(GroupRow)
MEMBERS = table_of(GroupMemberRow)
GROUP_SITES = table_of(GroupSiteRow)
ROLES = table_of(RoleRow)
SHARES = table_of(ShareRow)
LISTS = {"member_ids": (MEMBERS, "user_id"), "site_ids": (GROUP_SITES, "site_id")}
GROUP_COLUMNS = [GROUPS.c[name] for name in Group.model_fields if name not in LISTS]
ROLE_COLUMNS = columns_of(CustomRole, ROLES)
SOME = 200  # For more groups at once the whole table of members is read.
SHARE_COLUMNS = columns_of(Share, SHARES)


class _ForAllSites(Repository):
    """Records that may reach over all sites: a limited scope sees and changes none."""

    def _sees(self) -> ColumnElement[bool]:
        return true() if self._transaction.scope.sites is None else false()

    def _refuse(self, what: str, id: str) -> None:
        if self._transaction.scope.sites is not None:
            raise NotFoundError(f"There is no {what} {id!r}.")

    async def _store(self, table: Table, record: Record, what: str, without: Sequence[str] = ()) -> None:
        given = record.model_dump(mode="json", exclude=set(without))
        given["is_live"] = 1 if given["deleted_at"] is None else None
        await self._transaction.begin_writing()
        there = await self._transaction.rows(select(table.c.id).where(table.c.id == given["id"]), what)
        statement = (
            update(table).where(table.c.id == given["id"]).values(given) if there else insert(table).values(given)
        )
        await self._transaction.write(statement, what)


class SqlGroups(_ForAllSites):
    async def all(self) -> Sequence[Group]:
        return await self._read()

    async def get(self, group_id: str) -> Group | None:
        found = await self._read(GROUPS.c.id == group_id)
        return found[0] if found else None

    async def of_user(self, user_id: str) -> Sequence[Group]:
        own = select(MEMBERS.c.group_id).where(MEMBERS.c.user_id == user_id)
        return await self._read(GROUPS.c.deleted_at.is_(None), GROUPS.c.id.in_(own))

    async def put(self, group: Group) -> None:
        """Store a group with its members and sites.

        Raises:
            NotFoundError: The scope is limited to some sites.
            ConflictError: Another one, not deleted, has this name.
        """
        self._refuse("group", group.id)
        what = f"store group {group.name!r}"
        await self._store(GROUPS, group, what, without=tuple(LISTS))
        for field, (table, column) in LISTS.items():
            await self._transaction.write(delete(table).where(table.c.group_id == group.id), what)
            rows = [{"group_id": group.id, column: each} for each in dict.fromkeys(getattr(group, field))]
            if rows:
                await self._transaction.write(insert(table), what, rows)

    async def forget_user(self, user_id: str) -> None:
        await self._transaction.write(
            delete(MEMBERS).where(MEMBERS.c.user_id == user_id, self._sees()), "end memberships"
        )

    async def _read(self, *conditions: ColumnElement[bool]) -> list[Group]:
        statement = select(*GROUP_COLUMNS).where(self._sees(), *conditions).order_by(GROUPS.c.name, GROUPS.c.id)
        found = await self._transaction.rows(statement, "read groups")
        lists: dict[str, Mapping[str, list[str]]] = {}
        for field, (table, column) in LISTS.items():
            lists[field] = await self._lists(table, column, [row["id"] for row in found]) if found else {}
        return [
            Group.model_validate(
                {**row, **{field: tuple(listed.get(row["id"], ())) for field, listed in lists.items()}}
            )
            for row in found
        ]

    async def _lists(self, table: Table, column: str, group_ids: Sequence[str]) -> Mapping[str, list[str]]:
        statement = select(table).order_by(table.c.group_id, table.c[column])
        if len(group_ids) <= SOME:
            statement = statement.where(table.c.group_id.in_(group_ids))
        listed: dict[str, list[str]] = {}
        for row in await self._transaction.rows(statement, f"read {table.name}"):
            listed.setdefault(row["group_id"], []).append(row[column])
        return listed


class SqlRoles(_ForAllSites):
    async def all(self) -> Sequence[CustomRole]:
        return await self._read(ROLES.c.deleted_at.is_(None))

    async def get(self, role_id: str) -> CustomRole | None:
        found = await self._read(ROLES.c.id == role_id, ROLES.c.deleted_at.is_(None))
        return found[0] if found else None

    async def put(self, role: CustomRole) -> None:
        """Store a role.

        Raises:
            NotFoundError: The scope is limited to some sites.
            ConflictError: Another one, not deleted, has this name.
        """
        self._refuse("role", role.id)
        await self._store(ROLES, role, f"store role {role.name!r}")

    async def _read(self, *conditions: ColumnElement[bool]) -> list[CustomRole]:
        statement = select(*ROLE_COLUMNS).where(self._sees(), *conditions).order_by(ROLES.c.name, ROLES.c.id)
        return [CustomRole.model_validate(row) for row in await self._transaction.rows(statement, "read roles")]


class SqlShares(Repository):
    async def of(self, kind: ShareKind, resource_id: str) -> Sequence[Share]:
        found = await self._read(SHARES.c.kind == str(kind), SHARES.c.resource_id == resource_id)
        return sorted(found, key=lambda share: (share.created_at, share.id), reverse=True)

    async def get(self, share_id: str) -> Share | None:
        found = await self._read(SHARES.c.id == share_id)
        return found[0] if found else None

    async def put(self, share: Share) -> None:
        """Store a share.

        Raises:
            NotFoundError: Its site, now or before, is not in scope.
        """
        await self._put(ShareRow, [share])

    async def reaching(self, user_id: str, group_ids: Sequence[str]) -> Sequence[Share]:
        to_whom = SHARES.c.user_id == user_id
        if group_ids:
            to_whom = or_(to_whom, SHARES.c.group_id.in_(group_ids))
        return await self._read(SHARES.c.revoked_at.is_(None), to_whom)

    async def revoke_of_user(self, user_id: str, by: str, at: Micros) -> None:
        statement = (
            update(SHARES)
            .where(
                SHARES.c.user_id == user_id, SHARES.c.revoked_at.is_(None), self._transaction.covers(SHARES.c.site_id)
            )
            .values(revoked_at=at, revoked_by=by[:120])
        )
        await self._transaction.write(statement, "end shares")

    async def _read(self, *conditions: ColumnElement[Any]) -> list[Share]:
        statement = (
            select(*SHARE_COLUMNS)
            .where(self._transaction.covers(SHARES.c.site_id), *conditions)
            .order_by(SHARES.c.created_at, SHARES.c.id)
        )
        return [Share.model_validate(row) for row in await self._transaction.rows(statement, "read shares")]
