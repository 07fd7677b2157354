"""What connections are given to prove themselves and to judge others, before each attempt; the engine alone asks.

A certificate that nobody has decided on is noted here, so that somebody can: once, with who met it and where.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

import orjson

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import PdmError, UnavailableError
from pdm_app.domain.link_security import CertificateRefusedError, KeyPair, LinkMaterial
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.trust import PEM_CHARACTERS_MAX, PeerCertificate, Standing
from pdm_app.services.application_identity import ApplicationIdentity
from pdm_app.services.certificate_files import read_certificates
from pdm_app.services.secret_store import SecretStore

log = logging.getLogger(__name__)

PURPOSE = "connection.certificate"
WAITING_MAX = 200  # Of all connections; the oldest make room, and come back when they are met again.
WAITING_MAX_EACH = 5  # Whoever shows another certificate each time crowds out nobody but himself.
NOTE_AGAIN_US = 3_600 * MICROS_PER_S  # Attempts come every few seconds; when it was met last is kept this precisely.


class LinkMaterials:
    """Answers the collector.

    Args:
        work: Where the trust list is.
        clock: When a certificate was met.
        store: Where the connections' own keys are.
        identity: The certificate of this program.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, store: SecretStore, identity: ApplicationIdentity) -> None:
        self._work = work
        self._clock = clock
        self._store = store
        self._identity = identity
        self._noted: dict[tuple[str, str], int] = {}  # When, by connection and fingerprint.
        self._last: dict[str, LinkMaterial] = {}

    async def material(self, connection: Connection) -> LinkMaterial:
        """Return what a connection needs now; while the database is away, what it needed last.

        Nobody can decide anything in that time, and a link that falls then must come back all the same.

        Raises:
            SealError: Its own key cannot be opened; says why.
            UnavailableError: The database does not answer, and did not since the start.
        """
        try:
            self._last[connection.id] = material = await self._read(connection)
        except UnavailableError:
            if connection.id not in self._last:
                raise
            return self._last[connection.id]
        return material

    async def _read(self, connection: Connection) -> LinkMaterial:
        async with self._work(EVERY_SITE) as work:
            peers = await work.trust.all()
            own = await self._store.read(work, PURPOSE, connection.id)
        trusted = [peer for peer in peers if peer.standing is Standing.TRUSTED]
        return LinkMaterial(
            certificates={peer.fingerprint: peer.pem for peer in trusted if not peer.as_authority},
            authorities={peer.fingerprint: peer.pem for peer in trusted if peer.as_authority},
            rejected=frozenset(peer.fingerprint for peer in peers if peer.standing is Standing.REJECTED),
            own=None if own is None else KeyPair(**orjson.loads(own)),
            application=self._identity.pair,
        )

    async def met(self, connection: Connection, refused: CertificateRefusedError) -> None:
        """Note a certificate that was refused; what cannot be noted now is met again."""
        now, key = self._clock.now(), (connection.id, refused.fingerprint)
        if not refused.pem or len(refused.pem) > PEM_CHARACTERS_MAX:
            return
        if now - self._noted.get(key, -NOTE_AGAIN_US) < NOTE_AGAIN_US and not refused.is_unknown:
            return
        with suppress(PdmError, ValueError):  # A certificate that makes no record must not end the one who met it.
            async with self._work(EVERY_SITE) as work:
                if await self._note(work, connection, refused, now):
                    await work.commit()
            self._noted = {seen: at for seen, at in self._noted.items() if now - at < NOTE_AGAIN_US} | {key: now}

    async def _note(self, work: Work, connection: Connection, refused: CertificateRefusedError, now: int) -> bool:
        known = await work.trust.get(refused.fingerprint)
        if known is not None:
            is_recent = now - known.last_seen_at < NOTE_AGAIN_US and known.connection_id == connection.id
            if is_recent:
                return False
            place = {"connection_id": connection.id, "connection_name": connection.name}
            changes = {**place, "endpoint": connection.endpoint, "last_seen_at": now}
            await work.trust.put(known.model_copy(update=changes))
            return True
        if not refused.is_unknown:
            return False
        for one in _crowded_out(await work.trust.all(), connection.id):
            await work.trust.remove(one.fingerprint)
        await work.trust.put(
            PeerCertificate(
                fingerprint=refused.fingerprint,
                certificate=read_certificates(refused.pem)[0],
                pem=refused.pem,
                standing=Standing.WAITING,
                reason=refused.message[:2000],
                connection_id=connection.id,
                connection_name=connection.name,
                endpoint=connection.endpoint,
                first_seen_at=now,
                last_seen_at=now,
            )
        )
        log.warning(
            "certificate waits for a decision",
            extra={"connection": connection.id, "fingerprint": refused.fingerprint},
        )
        return True


def _crowded_out(peers: Sequence[PeerCertificate], connection_id: str) -> list[PeerCertificate]:
    """Return which waiting ones make room for one more of this connection, the oldest first."""
    waiting = sorted((one for one in peers if one.standing is Standing.WAITING), key=lambda one: one.last_seen_at)
    of_this = [one for one in waiting if one.connection_id == connection_id]
    if len(of_this) >= WAITING_MAX_EACH:
        return of_this[: len(of_this) - WAITING_MAX_EACH + 1]
    return waiting[: max(0, len(waiting) - WAITING_MAX + 1)]
