"""The trust list: certificates of servers and brokers, and whether connections accept them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.certificates import Certificate
from pdm_app.domain.record import Instant, Record, Text

PEM_CHARACTERS_MAX = 20_000
Fingerprint = Annotated[
    str,
    Field(
        min_length=95, max_length=95, pattern=r"^[0-9A-F]{2}(:[0-9A-F]{2}){31}$", description="SHA-256, with colons."
    ),
]
Pem = Annotated[str, Field(max_length=PEM_CHARACTERS_MAX, description="From BEGIN to END CERTIFICATE.")]


class Standing(StrEnum):
    """What was decided about a certificate."""

    WAITING = "waiting"
    TRUSTED = "trusted"
    REJECTED = "rejected"


class PeerCertificate(Record):
    """One certificate of somebody else. Times in microseconds UTC."""

    fingerprint: Fingerprint
    certificate: Certificate
    pem: Pem
    standing: Standing
    as_authority: bool = Field(
        default=False, description="Vouches for what it has signed; otherwise it stands for itself alone."
    )
    reason: Text = Field(default="", description="Why it waits, as the connection said it, or why it was decided so.")
    connection_id: str = Field(default="", max_length=36, description="Who met it; empty where it was brought.")
    connection_name: str = Field(default="", max_length=120)
    endpoint: str = Field(default="", max_length=255)
    first_seen_at: Instant
    last_seen_at: Instant
    decided_at: Instant | None = None
    decided_by: str = Field(default="", max_length=120)


class PeerCertificates(Protocol):
    """The stored list; it belongs to no site, and who is limited to some sees none of it."""

    async def all(self) -> Sequence[PeerCertificate]: ...
    async def get(self, fingerprint: str) -> PeerCertificate | None: ...
    async def put(self, certificate: PeerCertificate) -> None:
        """Keep an entry, instead of one with its fingerprint.

        Raises:
            NotFoundError: The scope is limited to some sites.
        """
        ...

    async def remove(self, fingerprint: str) -> bool: ...
