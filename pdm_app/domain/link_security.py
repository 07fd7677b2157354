"""How a connection is protected: what it is given to prove itself and to judge others, and what came of it.

The material goes from the trust list and the secret store to a driver, and nowhere else.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pydantic import Field

from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.record import Record


class TrustedBy(StrEnum):
    """Why the other side's certificate was accepted."""

    CERTIFICATE = "certificate"
    AUTHORITY = "authority"
    SYSTEM = "system"
    PIN = "pin"
    NOBODY = ""


class LinkSecurity(Record):
    """The protection in force on a link that stands."""

    encrypted: bool
    signed: bool = Field(default=False, description="What arrives was not changed on its way; encrypted links are too.")
    protocol: str = Field(default="", description="Such as TLSv1.3 or OPC UA; empty where the protocol has none.")
    policy: str = Field(default="", description="Cipher suite or OPC UA security policy.")
    mode: str = Field(default="", description="OPC UA message security mode.")
    user: str = Field(default="", description="As whom: anonymous, password or certificate.")
    peer: str = Field(default="", description="SHA-256 fingerprint of the certificate that the other side has shown.")
    peer_subject: str = ""
    peer_until: int | None = Field(default=None, description="When it ends, microseconds UTC.")
    trusted_by: TrustedBy = TrustedBy.NOBODY
    anchor: str = Field(default="", description="Fingerprint of the entry of the trust list that vouches for it.")


NOT_PROTECTED = LinkSecurity(encrypted=False)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with those between it and its authority, and its private key; all PEM."""

    certificates: str
    key: str = field(repr=False)


async def _no_application() -> KeyPair:
    raise ConnectionFailedError("This program has no certificate of its own here.")


@dataclass(frozen=True, slots=True)
class LinkMaterial:
    """What a driver needs to protect a link.

    Attributes:
        certificates: Fingerprint and PEM of each certificate that is trusted as itself, and vouches for no other.
        authorities: The same of each authority that vouches for what it has signed.
        rejected: Fingerprints that are refused, whoever has signed them.
        own: The certificate with which this connection signs in; None where it has none.
        application: Returns the certificate of this program as an OPC UA application; made when first asked for.
    """

    certificates: Mapping[str, str] = field(default_factory=dict)
    authorities: Mapping[str, str] = field(default_factory=dict)
    rejected: frozenset[str] = frozenset()
    own: KeyPair | None = None
    application: Callable[[], Awaitable[KeyPair]] = _no_application


@runtime_checkable
class Secured(Protocol):
    """A driver whose protocol can be protected."""

    def secure_with(self, material: LinkMaterial) -> None:
        """Use this in `Driver.connect`, which follows."""
        ...

    def security(self) -> LinkSecurity:
        """Say what protects the link that stands."""
        ...


class CertificateRefusedError(ConnectionFailedError):
    """The other side has shown a certificate that is not accepted.

    Attributes:
        pem: The certificate; empty where it could not be had.
        fingerprint: Its SHA-256.
        is_unknown: It would be accepted if somebody trusted it.
    """

    def __init__(
        self, message: str, *, pem: str = "", fingerprint: str = "", is_unknown: bool = False, **facts: object
    ) -> None:
        super().__init__(message, fingerprint=fingerprint, **facts)
        self.words = message
        self.pem = pem
        self.fingerprint = fingerprint
        self.is_unknown = is_unknown

    def told_of(self, whom: str, connection_id: str) -> "CertificateRefusedError":
        """Return the same as a whole sentence about ``whom``."""
        return CertificateRefusedError(
            f"{whom} {self.words}.",
            pem=self.pem,
            fingerprint=self.fingerprint,
            is_unknown=self.is_unknown,
            connection_id=connection_id,
        )
