"""Second factors, one-time links and preferences of people."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, delete, false, func, insert, select, true, update

from pdm_app.domain.credentials import CredentialRow, LinkRow, Preferences
from pdm_app.domain.errors import NotFoundError
from pdm_app.storage import dialect
from pdm_app.storage.people_tables import CredentialTable, LinkTable, PreferenceTable, RecoveryCodeTable
from pdm_app.storage.repository import Repository
from pdm_app.storage.tables import table_of

CREDENTIALS = table_of(CredentialTable)
RECOVERY_CODES = table_of(RecoveryCodeTable)
LINKS = table_of(LinkTable)
PREFERENCES = table_of(PreferenceTable)

CREDENTIAL_COLUMNS = [CREDENTIALS.c[field.name] for field in fields(CredentialRow)]
LINK_COLUMNS = [LINKS.c[field.name] for field in fields(LinkRow)]
PREFERENCE_COLUMNS = [PREFERENCES.c[name] for name in Preferences.model_fields]


class SqlCredentials(Repository):
    """A limited scope sees nothing and changes nothing: how somebody signs in belongs to no site."""

    async def of(self, user_id: str) -> CredentialRow:
        found = await self._read(CREDENTIALS.c.user_id == user_id)
        return found[0] if found else CredentialRow(user_id)

    async def all(self) -> Sequence[CredentialRow]:
        return await self._read()

    async def _read(self, *conditions: ColumnElement[bool]) -> list[CredentialRow]:
        statement = select(*CREDENTIAL_COLUMNS).where(self._sees(), *conditions).order_by(CREDENTIALS.c.user_id)
        return [CredentialRow(**row) for row in await self._transaction.rows(statement, "read credentials")]

    async def put(self, row: CredentialRow) -> None:
        self._refuse(row.user_id)
        statement = dialect.upsert(CREDENTIALS, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "store credentials", [asdict(row)])

    async def take_step(self, user_id: str, step: int) -> bool:
        statement = (
            update(CREDENTIALS)
            .where(CREDENTIALS.c.user_id == user_id, CREDENTIALS.c.totp_step < step, self._sees())
            .values(totp_step=step)
        )
        return await self._transaction.write(statement, "use up a code") > 0

    async def put_recovery(self, user_id: str, code_hashes: Sequence[str]) -> None:
        self._refuse(user_id)
        what = "store recovery codes"
        await self._transaction.write(delete(RECOVERY_CODES).where(RECOVERY_CODES.c.user_id == user_id), what)
        rows = [{"user_id": user_id, "code_hash": code_hash} for code_hash in code_hashes]
        if rows:
            await self._transaction.write(insert(RECOVERY_CODES), what, rows)

    async def take_recovery(self, user_id: str, code_hash: str) -> bool:
        statement = delete(RECOVERY_CODES).where(
            RECOVERY_CODES.c.user_id == user_id, RECOVERY_CODES.c.code_hash == code_hash, self._sees()
        )
        return await self._transaction.write(statement, "use up a recovery code") > 0

    async def count_recovery(self, user_id: str) -> int:
        statement = select(func.count().label("left")).select_from(RECOVERY_CODES)
        statement = statement.where(RECOVERY_CODES.c.user_id == user_id, self._sees())
        return int((await self._transaction.rows(statement, "count recovery codes"))[0]["left"])

    # --- one-time links -------------------------------------------------------------------------------------------

    async def put_link(self, link: LinkRow) -> None:
        self._refuse(link.user_id)
        await self.forget_links(link.user_id)
        await self._transaction.write(insert(LINKS), "store a one-time link", [asdict(link)])

    async def link(self, token_hash: str) -> LinkRow | None:
        statement = select(*LINK_COLUMNS).where(LINKS.c.token_hash == token_hash, self._sees())
        found = await self._transaction.rows(statement, "read a one-time link")
        return LinkRow(**found[0]) if found else None

    async def links(self) -> Sequence[LinkRow]:
        statement = select(*LINK_COLUMNS).where(self._sees()).order_by(LINKS.c.created_at, LINKS.c.token_hash)
        return [LinkRow(**row) for row in await self._transaction.rows(statement, "read one-time links")]

    async def take_link(self, token_hash: str) -> bool:
        statement = delete(LINKS).where(LINKS.c.token_hash == token_hash, self._sees())
        return await self._transaction.write(statement, "use up a one-time link") > 0

    async def forget_links(self, user_id: str) -> None:
        self._refuse(user_id)
        await self._transaction.write(delete(LINKS).where(LINKS.c.user_id == user_id), "end one-time links")

    # --- preferences ----------------------------------------------------------------------------------------------

    async def preferences(self, user_id: str) -> Preferences:
        statement = select(*PREFERENCE_COLUMNS).where(PREFERENCES.c.user_id == user_id, self._sees())
        found = await self._transaction.rows(statement, "read preferences")
        return Preferences.model_validate(found[0]) if found else Preferences()

    async def put_preferences(self, user_id: str, preferences: Preferences) -> None:
        self._refuse(user_id)
        statement = dialect.upsert(PREFERENCES, is_sqlite=self._transaction.is_sqlite)
        row = {"user_id": user_id, **preferences.model_dump(mode="json")}
        await self._transaction.write(statement, "store preferences", [row])

    async def forget(self, user_id: str) -> None:
        self._refuse(user_id)
        for table in (CREDENTIALS, RECOVERY_CODES, LINKS, PREFERENCES):
            await self._transaction.write(delete(table).where(table.c.user_id == user_id), "forget credentials")

    def _sees(self) -> ColumnElement[bool]:
        return true() if self._transaction.scope.sites is None else false()

    def _refuse(self, user_id: Any) -> None:
        if self._transaction.scope.sites is not None:
            raise NotFoundError(f"There is no user {user_id!r}.")
