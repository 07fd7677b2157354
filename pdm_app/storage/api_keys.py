"""Keys of service accounts, with their hashes."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, insert, select, true, update

from pdm_app.domain.credentials import ApiKey
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.samples import Micros
from pdm_app.storage.people_tables import ApiKeyTable
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

API_KEYS = table_of(ApiKeyTable)
KEY_COLUMNS = columns_of(ApiKey, API_KEYS)


class SqlApiKeys(Repository):
    """A limited scope sees and changes none: a service account may reach over all its sites at once."""

    async def all(self, user_id: str | None = None) -> Sequence[ApiKey]:
        return await self._read(*([] if user_id is None else [API_KEYS.c.user_id == user_id]))

    async def by_hash(self, key_hash: str) -> ApiKey | None:
        found = await self._read(API_KEYS.c.key_hash == key_hash)
        return found[0] if found else None

    async def _read(self, *conditions: ColumnElement[bool]) -> list[ApiKey]:
        statement = select(*KEY_COLUMNS).where(self._sees(), *conditions).order_by(API_KEYS.c.created_at, API_KEYS.c.id)
        return [ApiKey.model_validate(row) for row in await self._transaction.rows(statement, "read keys")]

    async def add(self, key: ApiKey, key_hash: str) -> None:
        """Store a new key.

        Raises:
            NotFoundError: The scope is limited to some sites.
        """
        self._refuse(key.user_id)
        row = {**key.model_dump(mode="json"), "key_hash": key_hash}
        await self._transaction.write(insert(API_KEYS), "store a key", [row])

    async def put(self, key: ApiKey) -> None:
        self._refuse(key.user_id)
        values = {"name": key.name, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
        await self._transaction.write(update(API_KEYS).where(API_KEYS.c.id == key.id).values(values), "change a key")

    async def used(self, key_id: str, at: Micros) -> None:
        statement = update(API_KEYS).where(API_KEYS.c.id == key_id, self._sees()).values(last_used_at=at)
        await self._transaction.write(statement, "note that a key is in use")

    def _sees(self) -> ColumnElement[bool]:
        return true() if self._transaction.scope.sites is None else false()

    def _refuse(self, user_id: str) -> None:
        if self._transaction.scope.sites is not None:
            raise NotFoundError(f"There is no user {user_id!r}.")
