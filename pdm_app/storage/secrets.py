"""Sealed secrets; what they hold is known to the sealer alone."""

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, delete, func, insert, select, update

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.secrets import SecretFact
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.secret_tables import SecretRow
from pdm_app.storage.tables import table_of

SECRETS = table_of(SecretRow)
FACTS = columns_of(SecretFact, SECRETS)


class SqlSecrets(Repository):
    """A limited scope sees the secrets of its sites; those of the installation belong to no site."""

    async def all(self) -> Sequence[SecretFact]:
        return await self._find(SecretFact, SecretRow, order=("purpose", "record_id"))

    async def sealed(self, purpose: str, record_id: str) -> str | None:
        statement = select(SECRETS.c.sealed).where(
            SECRETS.c.purpose == purpose, SECRETS.c.record_id == record_id, self._transaction.covers(SECRETS.c.site_id)
        )
        found = await self._transaction.rows(statement, "read a secret")
        return str(found[0]["sealed"]) if found else None

    async def put(self, fact: SecretFact, sealed: str) -> None:
        """Keep a sealed value, instead of one that was there.

        Raises:
            NotFoundError: The site, now or before, is not in scope.
        """
        await self._transaction.begin_writing()
        here = and_(SECRETS.c.purpose == fact.purpose, SECRETS.c.record_id == fact.record_id)
        known = await self._transaction.rows(select(SECRETS.c.site_id).where(here), "read a secret")
        for site_id in (fact.site_id, *(row["site_id"] for row in known)):
            self._refuse_beyond_scope(site_id)
        values = {**fact.model_dump(mode="json"), "sealed": sealed}
        statement = update(SECRETS).where(here).values(values) if known else insert(SECRETS).values(values)
        await self._transaction.write(statement, f"store the secret of {fact.purpose} {fact.record_id!r}")

    def _refuse_beyond_scope(self, site_id: str | None) -> None:
        scope = self._transaction.scope
        if scope.sites is not None and (site_id is None or site_id not in scope.sites):
            raise NotFoundError(f"There is no site {site_id!r}.")

    async def remove(self, purpose: str, record_id: str) -> bool:
        statement = delete(SECRETS).where(
            SECRETS.c.purpose == purpose, SECRETS.c.record_id == record_id, self._transaction.covers(SECRETS.c.site_id)
        )
        return await self._transaction.write(statement, "delete a secret") > 0

    async def keys(self) -> Mapping[str, int]:
        statement = (
            select(SECRETS.c.key_id, func.count().label("secrets"))
            .where(self._transaction.covers(SECRETS.c.site_id))
            .group_by(SECRETS.c.key_id)
            .order_by(SECRETS.c.key_id)
        )
        found = await self._transaction.rows(statement, "count secrets")
        return {row["key_id"]: int(row["secrets"]) for row in found}

    async def sealed_by_others(self, key_id: str, limit: int) -> Sequence[tuple[SecretFact, str]]:
        statement = (
            select(*FACTS, SECRETS.c.sealed)
            .where(SECRETS.c.key_id != key_id, self._transaction.covers(SECRETS.c.site_id))
            .order_by(SECRETS.c.purpose, SECRETS.c.record_id)
            .limit(limit)
        )
        found = await self._transaction.rows(statement, "read secrets")
        return [(SecretFact.model_validate({k: v for k, v in row.items() if k != "sealed"}), row["sealed"])
                for row in found]  # fmt: skip

    async def reseal(self, fact: SecretFact, old: str, new: str) -> bool:
        statement = (
            update(SECRETS)
            .where(
                SECRETS.c.purpose == fact.purpose,
                SECRETS.c.record_id == fact.record_id,
                SECRETS.c.sealed == old,
                self._transaction.covers(SECRETS.c.site_id),
            )
            .values(sealed=new, key_id=fact.key_id)
        )
        return await self._transaction.write(statement, f"seal {fact.purpose} {fact.record_id!r} anew") > 0
