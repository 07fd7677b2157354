"""Accounts that belong to a directory of the company, and the sessions it vouched for."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, delete, false, insert, select, true

from pdm_app.domain.directories import DirectorySessionRow, IdentityRow, LogoutNotice
from pdm_app.domain.errors import NotFoundError
from pdm_app.storage import dialect
from pdm_app.storage.identity_tables import DirectorySessionTable, EmailTable, IdentityTable
from pdm_app.storage.repository import Repository, chunks
from pdm_app.storage.tables import SessionTable, table_of

IDENTITIES = table_of(IdentityTable)
EMAILS = table_of(EmailTable)
DIRECTORY_SESSIONS = table_of(DirectorySessionTable)
SESSIONS = table_of(SessionTable)

IDENTITY_COLUMNS = [IDENTITIES.c[field.name] for field in fields(IdentityRow)]
SESSION_COLUMNS = [DIRECTORY_SESSIONS.c[field.name] for field in fields(DirectorySessionRow)]
FORGOTTEN_AT_ONCE = 200


class SqlIdentities(Repository):
    """A limited scope sees nothing and changes nothing: how somebody signs in belongs to no site."""

    async def find(self, directory_id: str, subject: str) -> IdentityRow | None:
        found = await self._read(IDENTITIES.c.directory_id == directory_id, IDENTITIES.c.subject == subject)
        return found[0] if found else None

    async def of_user(self, user_id: str) -> Sequence[IdentityRow]:
        return await self._read(IDENTITIES.c.user_id == user_id)

    async def all(self) -> Sequence[IdentityRow]:
        return await self._read()

    async def _read(self, *conditions: ColumnElement[bool]) -> list[IdentityRow]:
        order = (IDENTITIES.c.directory_id, IDENTITIES.c.subject)
        statement = select(*IDENTITY_COLUMNS).where(self._sees(), *conditions).order_by(*order)
        return [IdentityRow(**row) for row in await self._transaction.rows(statement, "read identities")]

    async def put(self, row: IdentityRow) -> None:
        self._refuse(row.user_id)
        statement = dialect.upsert(IDENTITIES, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "store an identity", [asdict(row)])

    async def remove(self, directory_id: str, subject: str) -> bool:
        statement = delete(IDENTITIES).where(
            IDENTITIES.c.directory_id == directory_id, IDENTITIES.c.subject == subject, self._sees()
        )
        return await self._transaction.write(statement, "remove an identity") > 0

    # --- addresses ---------------------------------------------------------------------------------------------------

    async def email(self, user_id: str) -> str:
        statement = select(EMAILS.c.email).where(EMAILS.c.user_id == user_id, self._sees())
        found = await self._transaction.rows(statement, "read an e-mail address")
        return str(found[0]["email"]) if found else ""

    async def user_of_email(self, email: str) -> str | None:
        statement = select(EMAILS.c.user_id).where(EMAILS.c.email == email, self._sees())
        found = await self._transaction.rows(statement, "read an e-mail address")
        return str(found[0]["user_id"]) if found else None

    async def put_email(self, user_id: str, email: str) -> None:
        """Store somebody's address; an empty one removes it.

        Raises:
            ConflictError: Somebody else has it.
        """
        self._refuse(user_id)
        await self._transaction.write(delete(EMAILS).where(EMAILS.c.user_id == user_id), "remove an e-mail address")
        if email:
            row = {"user_id": user_id, "email": email}
            await self._transaction.write(insert(EMAILS), "store an e-mail address", [row])

    # --- sessions ----------------------------------------------------------------------------------------------------

    async def session(self, session_id: str) -> DirectorySessionRow | None:
        found = await self._sessions(DIRECTORY_SESSIONS.c.session_id == session_id)
        return found[0] if found else None

    async def sessions(self, directory_id: str, notice: LogoutNotice) -> Sequence[DirectorySessionRow]:
        """Return the sessions that a notice means: of its sid where it has one, else all of its subject."""
        meant = [DIRECTORY_SESSIONS.c.directory_id == directory_id]
        if notice.subject:
            meant.append(DIRECTORY_SESSIONS.c.subject == notice.subject)
        if notice.sid:
            meant.append(DIRECTORY_SESSIONS.c.sid == notice.sid)
        return await self._sessions(*meant) if len(meant) > 1 else []

    async def _sessions(self, *conditions: ColumnElement[bool]) -> list[DirectorySessionRow]:
        order = DIRECTORY_SESSIONS.c.session_id
        statement = select(*SESSION_COLUMNS).where(self._sees(), *conditions).order_by(order)
        found = await self._transaction.rows(statement, "read sessions of directories")
        return [DirectorySessionRow(**row) for row in found]

    async def put_session(self, row: DirectorySessionRow) -> None:
        self._refuse(row.session_id)
        statement = dialect.upsert(DIRECTORY_SESSIONS, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "store a session of a directory", [asdict(row)])

    async def forget_sessions(self) -> Sequence[str]:
        """Delete rows whose session is gone or was ended, and return which sessions that were."""
        self._refuse("")
        standing = select(SESSIONS.c.id).where(SESSIONS.c.revoked_at.is_(None))
        statement = (
            select(DIRECTORY_SESSIONS.c.session_id)
            .where(DIRECTORY_SESSIONS.c.session_id.not_in(standing))
            .limit(FORGOTTEN_AT_ONCE)
        )
        gone = [row["session_id"] for row in await self._transaction.rows(statement, "read sessions of directories")]
        for some in chunks(gone, FORGOTTEN_AT_ONCE):
            them = delete(DIRECTORY_SESSIONS).where(DIRECTORY_SESSIONS.c.session_id.in_(some))
            await self._transaction.write(them, "forget sessions of directories")
        return gone

    def _sees(self) -> ColumnElement[bool]:
        return true() if self._transaction.scope.sites is None else false()

    def _refuse(self, what: Any) -> None:
        if self._transaction.scope.sites is not None:
            raise NotFoundError(f"There is no {what!r}.")
