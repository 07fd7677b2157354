"""Releases of firmware and the keys that vouch for them; they belong to no site, and who is in none sees nothing."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.firmware_keys import SigningKey
from pdm_app.domain.releases import Release
from pdm_app.storage import dialect
from pdm_app.storage.release_tables import ReleaseRow, SigningKeyRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of

RELEASES = table_of(ReleaseRow)
KEYS = table_of(SigningKeyRow)


class SqlReleases(Repository):
    @property
    def _is_outside(self) -> bool:
        scope = self._transaction.scope
        return scope.sites is not None and not scope.sites and not scope.shared

    def _refuse_outside(self) -> None:
        if self._is_outside:
            raise NotFoundError("There is no firmware where you are in no site.")

    async def all(self) -> Sequence[Release]:
        if self._is_outside:
            return []
        statement = select(*columns_of(Release, RELEASES)).order_by(RELEASES.c.uploaded_at.desc(), RELEASES.c.id)
        return [Release.model_validate(row) for row in await self._transaction.rows(statement, "read releases")]

    async def get(self, release_id: str) -> Release | None:
        if self._is_outside:
            return None
        statement = select(*columns_of(Release, RELEASES)).where(RELEASES.c.id == release_id)
        rows = await self._transaction.rows(statement, "read releases")
        return Release.model_validate(rows[0]) if rows else None

    async def put(self, release: Release) -> None:
        """Keep a release, instead of the one with its id; its revision must be the next one.

        Raises:
            NotFoundError: The scope has no site.
            ConflictError: There is another one of this name and version, or somebody else has just changed it.
        """
        self._refuse_outside()
        values = release.model_dump(mode="json")
        if release.revision == 0:
            await self._transaction.write(insert(RELEASES).values(values), f"store the release {release.title}")
            return
        # The condition decides between two who change it at once, on databases that let both read it first.
        here = (RELEASES.c.id == release.id) & (RELEASES.c.revision == release.revision - 1)
        changed = await self._transaction.write(
            update(RELEASES).where(here).values(values), f"store the release {release.title}"
        )
        if changed == 0:
            raise ConflictError(f"Somebody has changed {release.title} meanwhile. Look at it again.")

    async def remove(self, release_id: str) -> bool:
        if self._is_outside:
            return False
        statement = delete(RELEASES).where(RELEASES.c.id == release_id)
        return await self._transaction.write(statement, "delete a release") > 0

    async def keys(self) -> Sequence[SigningKey]:
        if self._is_outside:
            return []
        statement = select(*columns_of(SigningKey, KEYS)).order_by(KEYS.c.added_at, KEYS.c.id)
        return [SigningKey.model_validate(row) for row in await self._transaction.rows(statement, "read signing keys")]

    async def put_key(self, key: SigningKey) -> None:
        self._refuse_outside()
        statement = dialect.upsert(KEYS, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, f"store the signing key {key.id}", [key.model_dump(mode="json")])
