"""Other parties' certificates; they belong to no site, so only who sees all sites reaches them."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.trust import PeerCertificate
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import table_of
from pdm_app.storage.trust_tables import PeerCertificateRow

PEERS = table_of(PeerCertificateRow)
FACTS = columns_of(PeerCertificate, PEERS)


class SqlPeerCertificates(Repository):
    @property
    def _is_limited(self) -> bool:
        return self._transaction.scope.sites is not None

    async def all(self) -> Sequence[PeerCertificate]:
        if self._is_limited:
            return []
        statement = select(*FACTS).order_by(PEERS.c.first_seen_at, PEERS.c.fingerprint)
        return [PeerCertificate.model_validate(row) for row in await self._transaction.rows(statement, "read trust")]

    async def get(self, fingerprint: str) -> PeerCertificate | None:
        if self._is_limited:
            return None
        statement = select(*FACTS).where(PEERS.c.fingerprint == fingerprint)
        found = await self._transaction.rows(statement, "read trust")
        return PeerCertificate.model_validate(found[0]) if found else None

    async def put(self, certificate: PeerCertificate) -> None:
        """Keep an entry, instead of one with its fingerprint.

        Raises:
            NotFoundError: The scope is limited to some sites.
            ConflictError: Somebody else adds the same certificate at this moment.
        """
        if self._is_limited:
            raise NotFoundError("There is no trust list in your sites.")
        here = PEERS.c.fingerprint == certificate.fingerprint
        await self._transaction.begin_writing()
        known = await self._transaction.rows(select(PEERS.c.fingerprint).where(here), "read trust")
        values = certificate.model_dump(mode="json")
        statement = update(PEERS).where(here).values(values) if known else insert(PEERS).values(values)
        await self._transaction.write(statement, f"store the certificate {certificate.fingerprint}")

    async def remove(self, fingerprint: str) -> bool:
        if self._is_limited:
            return False
        statement = delete(PEERS).where(PEERS.c.fingerprint == fingerprint)
        return await self._transaction.write(statement, "delete a certificate") > 0
