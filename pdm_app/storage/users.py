"""People, their password hashes, sessions and memberships, and facts about the installation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, true, update

from pdm_app.domain.access import Role, User
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.repositories import SessionRow
from pdm_app.domain.samples import Micros
from pdm_app.storage import dialect
from pdm_app.storage.repository import Repository
from pdm_app.storage.tables import InstallationRow, MembershipRow, SessionTable, UserRow, table_of

USERS = table_of(UserRow)
MEMBERSHIPS = table_of(MembershipRow)
SESSIONS = table_of(SessionTable)
INSTALLATION = table_of(InstallationRow)

USER_COLUMNS = [USERS.c[name] for name in User.model_fields if name != "site_ids"]
SESSION_COLUMNS = [SESSIONS.c[field.name] for field in fields(SessionRow)]


class SqlUsers(Repository):
    """A limited scope sees the people who belong to one of its sites, their sessions, and no installation facts."""

    async def all(self) -> Sequence[User]:
        return await self._users()

    async def get(self, user_id: str) -> User | None:
        found = await self._users(USERS.c.id == user_id)
        return found[0] if found else None

    async def by_username(self, username: str) -> User | None:
        found = await self._users(USERS.c.username == username)
        return found[0] if found else None

    async def _users(self, *conditions: ColumnElement[bool]) -> list[User]:
        statement = select(*USER_COLUMNS).where(self._is_visible(USERS.c.id), *conditions).order_by(USERS.c.username)
        found = await self._transaction.rows(statement, "read users")
        if not found:
            return []
        sites: dict[str, list[str]] = {}
        memberships = select(MEMBERSHIPS).order_by(MEMBERSHIPS.c.user_id, MEMBERSHIPS.c.position)
        if len(found) == 1:
            memberships = memberships.where(MEMBERSHIPS.c.user_id == found[0]["id"])
        for row in await self._transaction.rows(memberships, "read memberships"):
            sites.setdefault(row["user_id"], []).append(row["site_id"])
        return [_user(row, sites.get(row["id"], ())) for row in found]

    def _is_visible(self, user_id: ColumnElement[Any]) -> ColumnElement[bool]:
        if self._transaction.scope.sites is None:
            return true()
        members = select(MEMBERSHIPS.c.user_id).where(self._transaction.covers(MEMBERSHIPS.c.site_id))
        return user_id.in_(members)

    async def password_hash(self, user_id: str) -> str | None:
        statement = select(USERS.c.password_hash).where(USERS.c.id == user_id, self._is_visible(USERS.c.id))
        found = await self._transaction.rows(statement, "read a user")
        return found[0]["password_hash"] if found else None

    async def put(self, user: User, password_hash: str | None = None) -> None:
        """Store the user; ``password_hash`` None keeps the old one.

        Raises:
            NotFoundError: Somebody with a limited scope stores a user of other sites, or one who sees all.
            ConflictError: Another user has this username.
        """
        await self._transaction.begin_writing()
        await self._refuse_beyond_scope(user)
        columns = {column.name: value for column, value in self._values(user)}
        if password_hash is not None:
            columns["password_hash"] = password_hash
        what = f"store user {user.username!r}"
        known = await self._transaction.rows(select(USERS.c.id).where(USERS.c.id == user.id), what)
        if known:
            await self._transaction.write(update(USERS).where(USERS.c.id == user.id).values(columns), what)
        else:
            await self._transaction.write(insert(USERS).values(columns), what)
        await self._transaction.write(delete(MEMBERSHIPS).where(MEMBERSHIPS.c.user_id == user.id), what)
        sites = dict.fromkeys(user.site_ids)
        rows = [{"user_id": user.id, "site_id": site, "position": place} for place, site in enumerate(sites)]
        if rows:
            await self._transaction.write(insert(MEMBERSHIPS), what, rows)

    @staticmethod
    def _values(user: User) -> list[tuple[ColumnElement[Any], Any]]:
        given = user.model_dump(mode="json")
        return [(column, given[column.name]) for column in USER_COLUMNS]

    async def _refuse_beyond_scope(self, user: User) -> None:
        scope = self._transaction.scope
        if scope.sites is None:
            return
        statement = select(MEMBERSHIPS.c.site_id).where(MEMBERSHIPS.c.user_id == user.id)
        before = {row["site_id"] for row in await self._transaction.rows(statement, "read memberships")}
        exists = await self._transaction.rows(select(USERS.c.role).where(USERS.c.id == user.id), "read users")
        was_admin = any(row["role"] == Role.ADMIN for row in exists)
        sites = before | set(user.site_ids)
        if user.role is Role.ADMIN or was_admin or not user.site_ids or not sites <= scope.sites:
            raise NotFoundError(f"There is no user {user.id!r}.")

    async def forget_password(self, user_id: str) -> None:
        statement = update(USERS).where(USERS.c.id == user_id, self._is_visible(USERS.c.id)).values(password_hash=None)
        await self._transaction.write(statement, "forget a password")

    async def seen(self) -> Mapping[str, Micros]:
        last = func.max(SESSIONS.c.seen_at).label("last")
        statement = (
            select(SESSIONS.c.user_id, last).where(self._is_visible(SESSIONS.c.user_id)).group_by(SESSIONS.c.user_id)
        )
        return {row["user_id"]: Micros(row["last"]) for row in await self._transaction.rows(statement, "read sessions")}

    # --- sessions -------------------------------------------------------------------------------------------------

    def _sessions(self, *conditions: ColumnElement[bool]) -> Select[Any]:
        return select(*SESSION_COLUMNS).where(self._is_visible(SESSIONS.c.user_id), *conditions)

    async def session(self, session_id: str) -> SessionRow | None:
        found = await self._transaction.rows(self._sessions(SESSIONS.c.id == session_id), "read a session")
        return SessionRow(**found[0]) if found else None

    async def put_session(self, session: SessionRow) -> None:
        """Store a session.

        Raises:
            NotFoundError: Its user is not in scope.
        """
        await self._transaction.begin_writing()
        if self._transaction.scope.sites is not None:
            there = select(SESSIONS.c.user_id).where(SESSIONS.c.id == session.id)
            owners = {row["user_id"] for row in await self._transaction.rows(there, "read a session")} | {
                session.user_id
            }
            visible = select(USERS.c.id).where(USERS.c.id.in_(owners), self._is_visible(USERS.c.id))
            if len(await self._transaction.rows(visible, "read users")) != len(owners):
                raise NotFoundError(f"There is no user {session.user_id!r}.")
        statement = dialect.upsert(SESSIONS, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "store a session", [asdict(session)])

    async def sessions(self, user_id: str) -> Sequence[SessionRow]:
        """Return the user's sessions that are not revoked, oldest first."""
        statement = self._sessions(SESSIONS.c.user_id == user_id, SESSIONS.c.revoked_at.is_(None))
        found = await self._transaction.rows(statement.order_by(SESSIONS.c.created_at, SESSIONS.c.id), "read sessions")
        return [SessionRow(**row) for row in found]

    async def rotate_session(self, session_id: str, old_hash: str, new_hash: str, at: Micros) -> bool:
        """Replace the refresh hash in one conditional UPDATE and set ``seen_at``; False if it is not ``old_hash``."""
        statement = (
            update(SESSIONS)
            .where(
                SESSIONS.c.id == session_id,
                SESSIONS.c.refresh_hash == old_hash,
                SESSIONS.c.revoked_at.is_(None),
                self._is_visible(SESSIONS.c.user_id),
            )
            .values(refresh_hash=new_hash, seen_at=at)
        )
        return await self._transaction.write(statement, "rotate a session") > 0

    async def touch_session(self, session_id: str, at: Micros) -> None:
        statement = (
            update(SESSIONS).where(SESSIONS.c.id == session_id, self._is_visible(SESSIONS.c.user_id)).values(seen_at=at)
        )
        await self._transaction.write(statement, "note that a session is in use")

    async def note_activity(self, session_id: str, at: Micros) -> None:
        statement = (
            update(SESSIONS)
            .where(SESSIONS.c.id == session_id, self._is_visible(SESSIONS.c.user_id))
            .values(seen_at=at, active_at=at)
        )
        await self._transaction.write(statement, "note that somebody is at a page")

    async def revoke_session(self, session_id: str, at: Micros) -> bool:
        """Set ``revoked_at`` unless it is set already; False if nothing was changed."""
        statement = (
            update(SESSIONS)
            .where(SESSIONS.c.id == session_id, SESSIONS.c.revoked_at.is_(None), self._is_visible(SESSIONS.c.user_id))
            .values(revoked_at=at)
        )
        return await self._transaction.write(statement, "revoke a session") > 0

    async def forget_sessions(self, before: Micros) -> int:
        """Delete sessions whose ``expires_at`` lies before ``before``; return how many."""
        statement = delete(SESSIONS).where(SESSIONS.c.expires_at < before, self._is_visible(SESSIONS.c.user_id))
        return await self._transaction.write(statement, "forget expired sessions")

    # --- the installation -----------------------------------------------------------------------------------------

    async def value(self, key: str) -> str | None:
        """Return one installation fact; None for a limited scope, as if it did not exist."""
        if self._transaction.scope.sites is not None:
            return None
        statement = select(INSTALLATION.c.value).where(INSTALLATION.c.name == key)
        found = await self._transaction.rows(statement, f"read {key!r}")
        return found[0]["value"] if found else None

    async def put_value(self, key: str, value: str | None) -> None:
        """Store one installation fact; None removes it.

        Raises:
            PermissionDeniedError: The scope is limited to some sites.
        """
        if self._transaction.scope.sites is not None:
            raise PermissionDeniedError(
                f"The fact {key!r} belongs to the whole installation; somebody limited to some sites may not change it."
            )
        if value is None:
            await self._transaction.write(delete(INSTALLATION).where(INSTALLATION.c.name == key), f"remove {key!r}")
            return
        statement = dialect.upsert(INSTALLATION, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, f"store {key!r}", [{"name": key, "value": value}])

    async def take_value(self, key: str, value: str) -> bool:
        """Delete the fact if it is still ``value``, in one conditional DELETE: of two callers one gets True."""
        if self._transaction.scope.sites is not None:
            return False
        statement = delete(INSTALLATION).where(INSTALLATION.c.name == key, INSTALLATION.c.value == value)
        return await self._transaction.write(statement, f"take {key!r}") > 0


def _user(row: dict[str, Any], site_ids: Sequence[str]) -> User:
    granted, denied = tuple(row["grants"] or ()), tuple(row["denials"] or ())
    return User.model_validate({**row, "site_ids": tuple(site_ids), "grants": granted, "denials": denied})
