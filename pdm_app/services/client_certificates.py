"""Certificates with which single connections sign in: to a broker that asks for one, or as a user of an OPC UA server.

The key is kept sealed, told to drivers only, and shown to nobody.
"""

import logging
from typing import Protocol

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.certificates import Certificate
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.expiries import Expiry
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.secrets import PLAIN_BYTES_MAX, SealError
from pdm_app.services.auditing import audit
from pdm_app.services.certificate_files import read_certificates
from pdm_app.services.link_materials import PURPOSE
from pdm_app.services.secret_store import SecretStore

log = logging.getLogger(__name__)

DRIVERS_WITH_CERTIFICATES = ("opcua", "mqtt")
RSA_BITS_MIN = 2048


class Reloading(Protocol):
    """What is needed of the collector."""

    async def reload(self, connection_id: str) -> None: ...


class ClientCertificate(Record):
    """With which certificate a connection signs in; its key is nowhere to be read."""

    connection_id: str
    certificate: Certificate | None


class ClientCertificateService:
    """Setting and forgetting them.

    Args:
        work: Opens transactions.
        clock: Time of changes.
        store: Where certificates and keys are kept.
        collector: Connects anew after a change.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, store: SecretStore, collector: Reloading) -> None:
        self._work = work
        self._clock = clock
        self._store = store
        self._collector = collector

    async def view(self, actor: Actor, connection_id: str) -> ClientCertificate:
        """Say with which certificate a connection signs in.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        async with self._work(actor.scope) as work:
            connection = await _connection(work, connection_id)
            return ClientCertificate(connection_id=connection.id, certificate=await self._read(work, connection.id))

    async def put(self, actor: Actor, connection_id: str, certificates: str, key: str) -> ClientCertificate:
        """Have a connection sign in with a certificate from now on; it connects anew at once.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            InvalidInputError: They do not fit, have ended, or its protocol knows no certificates.
        """
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        async with self._work(actor.scope) as work:
            connection = await _connection(work, connection_id)
            if connection.driver not in DRIVERS_WITH_CERTIFICATES:
                problem = f"knows no certificates; only {' and '.join(DRIVERS_WITH_CERTIFICATES)} do"
                raise _refused("certificate", f"cannot be used: {connection.driver} {problem}", "choose another driver")
            facts, sealed = _checked(certificates, key, self._clock.now())
            before = await self._read_or_none(work, connection.id)
            await self._store.keep(work, PURPOSE, connection.id, sealed, site_id=connection.site_id)
            await self._note(work, actor, connection, "connections.certificate_set", before, facts)
            await work.commit()
        await self._collector.reload(connection.id)
        return ClientCertificate(connection_id=connection.id, certificate=facts)

    async def forget(self, actor: Actor, connection_id: str) -> ClientCertificate:
        """Have a connection show no certificate any more; one that did not is no error."""
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        async with self._work(actor.scope) as work:
            connection = await _connection(work, connection_id)
            before = await self._read_or_none(work, connection.id)
            if await self._store.forget(work, PURPOSE, connection.id):
                await self._note(work, actor, connection, "connections.certificate_forgotten", before, None)
                await work.commit()
        await self._collector.reload(connection.id)
        return ClientCertificate(connection_id=connection.id, certificate=None)

    async def expiries(self) -> list[Expiry]:
        """Return when they end."""
        found: list[Expiry] = []
        async with self._work(EVERY_SITE) as work:
            for fact in await work.secrets.all():
                if fact.purpose != PURPOSE:
                    continue
                connection = await work.connections.get(fact.record_id)
                certificate = await self._read_or_none(work, fact.record_id)
                if connection is not None and certificate is not None:
                    found.append(
                        Expiry(
                            kind="client_certificate",
                            id=connection.id,
                            name=f"client certificate of {connection.name}"[:120],
                            begins_at=certificate.valid_from,
                            ends_at=certificate.valid_until,
                            href="/connections",
                            site_id=connection.site_id,
                        )
                    )
        return found

    async def _note(
        self,
        work: Work,
        actor: Actor,
        connection: Connection,
        action: str,
        before: Certificate | None,
        after: Certificate | None,
    ) -> None:
        await audit(
            work,
            actor,
            self._clock.now(),
            action,
            subject="connection",
            subject_id=connection.id,
            name=connection.name,
            site_id=connection.site_id,
            before={"certificate": before.fingerprint if before else None},
            after={"certificate": after.fingerprint if after else None},
        )
        log.info("connection certificate changed", extra={"connection": connection.id, "by": actor.name})

    async def _read(self, work: Work, connection_id: str) -> Certificate | None:
        plain = await self._store.read(work, PURPOSE, connection_id)
        return None if plain is None else read_certificates(orjson.loads(plain)["certificates"])[0]

    async def _read_or_none(self, work: Work, connection_id: str) -> Certificate | None:
        """Name the one of before; one that cannot be opened any more must not keep a new one out."""
        try:
            return await self._read(work, connection_id)
        except SealError:
            return None


def _checked(certificates: str, key: str, now: int) -> tuple[Certificate, str]:
    """Check that they belong together and can be used; return what the certificate says, and both for the store."""
    facts = read_certificates(certificates)
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except TypeError:
        raise _refused("key", "is protected by a pass phrase", "remove it: openssl pkey -in KEY -out PLAIN") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _refused("key", "is no private key in PEM", "give the text from BEGIN to END PRIVATE KEY") from None
    first = x509.load_pem_x509_certificates(certificates.encode())[0]
    if private.public_key() != first.public_key():
        raise _refused("key", "does not belong to the first certificate", "give the key it was requested with")
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _refused("key", "is neither RSA nor elliptic curve", "use one that TLS and OPC UA know")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < RSA_BITS_MIN:
        raise _refused("key", f"has {private.key_size} bits", f"use one with {RSA_BITS_MIN} or more")
    if facts[0].valid_until <= now:
        raise _refused("certificate", "has ended", "request a new one, or set this machine's clock")
    plain = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    sealed = orjson.dumps({"certificates": certificates, "key": plain}).decode()
    if len(sealed) > PLAIN_BYTES_MAX:
        raise _refused("certificate", "is too long with its chain", "leave out what the other side knows already")
    return facts[0], sealed


def _refused(field: str, problem: str, fix: str) -> InvalidInputError:
    return InvalidInputError(f"The {field} {problem}; {fix}.", [FieldIssue(field, problem, fix)])


async def _connection(work: Work, connection_id: str) -> Connection:
    connection = await work.connections.get(connection_id)
    if connection is None:
        raise NotFoundError(f"There is no connection {connection_id!r}.", connection_id=connection_id)
    return connection
