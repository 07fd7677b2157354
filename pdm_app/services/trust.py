"""The trust list as people see and change it: whom connections believe, whom they do not, and what waits.

A decision holds at the next connect at once: connections that waited for it are made anew, and those that stand on
something that is trusted no more are ended.
"""

import base64
import binascii
import logging
from collections.abc import Sequence
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.certificates import Certificate
from pdm_app.domain.connections import ConnectionState, ConnectionStatus
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.expiries import Expiry
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.trust import PEM_CHARACTERS_MAX, PeerCertificate, Standing
from pdm_app.services.application_identity import ApplicationIdentity, uri_of
from pdm_app.services.auditing import audit
from pdm_app.services.certificate_files import read_certificates

log = logging.getLogger(__name__)

PAGE = "/settings/trust"
ENTRIES_MAX = 1_000  # Decided ones; every attempt to connect reads them all.
BROUGHT_MAX = 20  # Certificates in one upload.


class OwnCertificate(Record):
    """The certificate of this program, for servers to trust; its key is nowhere to be read."""

    certificate: Certificate
    pem: str
    uri: str = Field(description="The name of this program as an OPC UA application.")


class TrustList(Record):
    """Everything that the page shows."""

    certificates: tuple[PeerCertificate, ...]
    own: OwnCertificate | None = Field(description="None before a connection has needed it.")


class Collecting(Protocol):
    """What is needed of the collector."""

    @property
    def statuses(self) -> Sequence[ConnectionStatus]: ...

    async def reload(self, connection_id: str) -> None: ...


class TrustService:
    """Reading and deciding; only for those who see every site, since the list holds for all of them.

    Args:
        work: Where the list is.
        clock: Time of decisions.
        identity: The certificate of this program.
        collector: Makes connections anew after a decision.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, identity: ApplicationIdentity, collector: Collecting) -> None:
        self._work = work
        self._clock = clock
        self._identity = identity
        self._collector = collector

    async def all(self, actor: Actor) -> TrustList:
        """Return what waits first, then the rest, the newest first."""
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            peers = await work.trust.all()
        order = {Standing.WAITING: 0, Standing.TRUSTED: 1, Standing.REJECTED: 2}
        peers = sorted(peers, key=lambda peer: (order[peer.standing], -peer.last_seen_at, peer.fingerprint))
        return TrustList(certificates=tuple(peers), own=await self._own())

    async def by_fingerprint(self, actor: Actor, fingerprint: str) -> PeerCertificate:
        """Return one entry.

        Raises:
            NotFoundError: There is none.
        """
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            return await _entry(work, fingerprint)

    async def trust(
        self, actor: Actor, fingerprint: str, reason: str = "", *, as_authority: bool = False
    ) -> PeerCertificate:
        """Believe a certificate from now on; as an authority, also what it has signed.

        Raises:
            NotFoundError: There is none.
            InvalidInputError: It is no authority's.
        """
        return await self._decide(actor, fingerprint, Standing.TRUSTED, reason, as_authority=as_authority)

    async def reject(self, actor: Actor, fingerprint: str, reason: str = "") -> PeerCertificate:
        """Refuse a certificate from now on, whoever has signed it, and end the connections that stand on it."""
        return await self._decide(actor, fingerprint, Standing.REJECTED, reason, as_authority=False)

    async def remove(self, actor: Actor, fingerprint: str, reason: str = "") -> PeerCertificate:
        """Forget a certificate; connections that stand on it end, and it waits again when it is met."""
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            before = await _entry(work, fingerprint)
            await work.trust.remove(fingerprint)
            await self._note(work, actor, "trust.removed", before, None, reason)
            await work.commit()
        await self._put_in_force(before)
        return before

    async def add(
        self, actor: Actor, certificates: str, reason: str = "", *, as_authority: bool = True
    ) -> tuple[PeerCertificate, ...]:
        """Trust certificates that somebody brings.

        Args:
            actor: Who does.
            certificates: PEM, one or several, or base64 of one in DER.
            reason: Why.
            as_authority: They vouch for what they have signed; otherwise each stands for itself.

        Raises:
            InvalidInputError: There is none that can be read, they are too many, or one is no authority's.
            ConflictError: The list is full.
        """
        _require(actor)
        brought = _read(certificates)
        now = self._clock.now()
        added: list[PeerCertificate] = []
        async with self._work(EVERY_SITE) as work:
            decided = [one for one in await work.trust.all() if one.standing is not Standing.WAITING]
            if len(decided) + len(brought) > ENTRIES_MAX:
                raise ConflictError(f"The trust list holds {ENTRIES_MAX} certificates at most. Remove some first.")
            for pem, facts in brought:
                _check(facts, now, as_authority=as_authority)
                before = await work.trust.get(facts.fingerprint)
                after = PeerCertificate(
                    fingerprint=facts.fingerprint,
                    certificate=facts,
                    pem=pem,
                    standing=Standing.TRUSTED,
                    as_authority=as_authority,
                    reason=reason,
                    first_seen_at=before.first_seen_at if before else now,
                    last_seen_at=before.last_seen_at if before else now,
                    decided_at=now,
                    decided_by=actor.name,
                )
                await work.trust.put(after)
                added.append(after)
            await self._note_added(work, actor, added, reason)
            await work.commit()
        for one in added:
            await self._put_in_force(one)
        return tuple(added)

    async def renew_own(self, actor: Actor) -> OwnCertificate:
        """Make a new certificate for this program; every OPC UA server has to trust it anew."""
        _require(actor)
        before = await self._own()
        pair = await self._identity.renew()
        after = _own(pair.certificates)
        async with self._work(EVERY_SITE) as work:
            await audit(
                work, actor, self._clock.now(), "trust.own_renewed", subject="certificate",
                name=after.certificate.subject, before=before.certificate if before else None, after=after.certificate,
            )  # fmt: skip
            await work.commit()
        return after

    async def _decide(
        self, actor: Actor, fingerprint: str, standing: Standing, reason: str, *, as_authority: bool
    ) -> PeerCertificate:
        _require(actor)
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            before = await _entry(work, fingerprint)
            if standing is Standing.TRUSTED:
                _check(before.certificate, now, as_authority=as_authority)
            decision = {"standing": standing, "as_authority": as_authority, "reason": reason}
            after = before.model_copy(update={**decision, "decided_at": now, "decided_by": actor.name})
            await work.trust.put(after)
            await self._note(work, actor, f"trust.{standing.value}", before, after, reason)
            await work.commit()
        await self._put_in_force(before)
        return after

    async def _note(
        self, work: Work, actor: Actor, action: str, before: PeerCertificate, after: PeerCertificate | None, reason: str
    ) -> None:
        await audit(
            work, actor, self._clock.now(), action, subject="peer_certificate",
            subject_id=before.fingerprint.replace(":", "")[:40], name=before.certificate.subject[:120],
            before=_told(before), after=None if after is None else _told(after), reason=reason,
        )  # fmt: skip
        log.info(action, extra={"fingerprint": before.fingerprint, "by": actor.name})

    async def _note_added(self, work: Work, actor: Actor, added: Sequence[PeerCertificate], reason: str) -> None:
        first = added[0]
        await audit(
            work, actor, self._clock.now(), "trust.added", subject="peer_certificate",
            subject_id=first.fingerprint.replace(":", "")[:40], name=first.certificate.subject[:120],
            after={"certificates": [_told(one) for one in added]}, reason=reason,
        )  # fmt: skip

    async def _put_in_force(self, entry: PeerCertificate) -> None:
        """Make anew what stands on an entry, waited for it, or was under way while it changed."""
        for status in self._collector.statuses:
            link = status.security
            stands_on_it = link is not None and entry.fingerprint in (link.peer, link.anchor)
            is_down = status.state is ConnectionState.DISCONNECTED
            waits = is_down and (status.refused != "" or entry.fingerprint in status.last_error)
            if stands_on_it or waits or status.state is ConnectionState.CONNECTING:
                await self._collector.reload(status.connection_id)

    async def _own(self) -> OwnCertificate | None:
        pair = await self._identity.known()
        return None if pair is None else _own(pair.certificates)

    async def expiries(self) -> list[Expiry]:
        """Return when what is trusted ends, and our own certificate."""
        async with self._work(EVERY_SITE) as work:
            trusted = [peer for peer in await work.trust.all() if peer.standing is Standing.TRUSTED]
        found = [_expiry("trusted_certificate", peer.certificate, peer.certificate.subject) for peer in trusted]
        own = await self._own()
        return found if own is None else [*found, _expiry("application", own.certificate, "own OPC UA certificate")]


def _expiry(kind: str, facts: Certificate, name: str) -> Expiry:
    return Expiry(
        kind=kind, id=facts.fingerprint, name=name[:120] or "certificate without a name",
        begins_at=facts.valid_from, ends_at=facts.valid_until, href=PAGE,
    )  # fmt: skip


def _require(actor: Actor) -> None:
    actor.require(Permission.TRUST_CONFIGURE)
    if actor.scope.sites is not None:
        raise NotFoundError("There is no trust list in your sites.")


async def _entry(work: Work, fingerprint: str) -> PeerCertificate:
    found = await work.trust.get(fingerprint)
    if found is None:
        raise NotFoundError(f"There is no certificate {fingerprint} in the trust list.")
    return found


def _told(entry: PeerCertificate) -> dict[str, object]:
    """Return what the trail keeps; the whole certificate would be most of the trail."""
    return {
        "fingerprint": entry.fingerprint,
        "subject": entry.certificate.subject,
        "standing": entry.standing.value,
        "as_authority": entry.as_authority,
        "endpoint": entry.endpoint,
    }


def _own(pem: str) -> OwnCertificate:
    return OwnCertificate(certificate=read_certificates(pem)[0], pem=pem, uri=uri_of(pem) or "")


def _check(facts: Certificate, now: int, *, as_authority: bool) -> None:
    if as_authority and not facts.is_authority:
        problem = f"{facts.subject} is no authority's and can vouch for itself alone"
        raise InvalidInputError(
            f"The certificate {problem}; trust it as itself, or bring the authority that has signed it.",
            [FieldIssue("as_authority", problem, "trust it as itself")],
        )
    if facts.valid_until <= now:
        problem = f"{facts.subject} has ended"
        raise InvalidInputError(
            f"The certificate {problem}; renew it at its owner's, or set this machine's clock.",
            [FieldIssue("certificates", problem, "renew it")],
        )


def _read(text: str) -> list[tuple[str, Certificate]]:
    """Take apart what was brought: the PEM of each certificate and what it says."""
    given = text.strip()
    if len(given) > PEM_CHARACTERS_MAX * BROUGHT_MAX:
        raise _illegible("is longer than any certificate")
    try:
        if "BEGIN CERTIFICATE" in given:
            found = x509.load_pem_x509_certificates(given.encode())
        else:
            found = [x509.load_der_x509_certificate(base64.b64decode("".join(given.split()), validate=True))]
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise _illegible("is none that can be read") from None
    if len(found) > BROUGHT_MAX:
        raise _illegible(f"are {len(found)}; {BROUGHT_MAX} are taken at a time")
    unique = {one.public_bytes(Encoding.PEM).decode(): one for one in found}
    if any(len(pem) > PEM_CHARACTERS_MAX for pem in unique):
        raise _illegible("is longer than any certificate")
    return [(pem, read_certificates(pem)[0]) for pem in unique]


def _illegible(problem: str) -> InvalidInputError:
    fix = "give the text from BEGIN to END CERTIFICATE, or a file in PEM or DER"
    return InvalidInputError(f"The certificate {problem}; {fix}.", [FieldIssue("certificates", problem, fix)])
