"""Public keys of those who sign firmware; the private ones are kept offline and never come here."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.record import Facts, Id, Instant, Name, Text
from pdm_app.domain.releases import Release

KEYS_MAX = 64
PUBLIC_KEY_BYTES = 32

PublicKey = Annotated[
    str,
    Field(min_length=44, max_length=44, pattern=r"^[A-Za-z0-9+/]{43}=$", description="Ed25519, 32 bytes in base64."),
]


def key_id(public_key: str) -> str:
    """Name a public key by what it is, so that no two can go by one name.

    Returns:
        The first 16 hexadecimal digits of the SHA-256 of its 32 bytes.
    """
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:16]


class SigningKeyFacts(Facts):
    """What is said of a key."""

    name: Name = Field(description="Whose it is, such as 'release desk 2026'.")
    public_key: PublicKey
    expires_at: Instant | None = Field(default=None, description="It vouches for nothing from then on.")


class SigningKey(SigningKeyFacts):
    """A key that vouches for releases until it ends or is revoked."""

    id: Id
    added_by: Name
    added_at: Instant
    revoked_at: Instant | None = None
    revoked_by: str = Field(default="", max_length=120)
    revoke_reason: Text = ""

    def fault(self, now: int) -> str:
        """Return why the key vouches for nothing now, as the rest of a sentence; empty where it does."""
        if self.revoked_at is not None:
            return "was revoked" + (f" ({self.revoke_reason})" if self.revoke_reason else "")
        return "has expired" if self.expires_at is not None and self.expires_at <= now else ""


class Releases(Protocol):
    """Stored releases and keys. They belong to no site: everybody who is let into one sees them."""

    async def all(self) -> Sequence[Release]:
        """Return all releases, the newest upload first."""
        ...

    async def get(self, release_id: str) -> Release | None: ...
    async def put(self, release: Release) -> None:
        """Keep a release, instead of the one with its id; its revision must be the next one.

        Raises:
            NotFoundError: The scope has no site.
            ConflictError: There is another one of this name and version, or somebody else has just changed it.
        """
        ...

    async def remove(self, release_id: str) -> bool: ...
    async def keys(self) -> Sequence[SigningKey]:
        """Return all keys, the oldest first."""
        ...

    async def put_key(self, key: SigningKey) -> None:
        """Keep a key, instead of the one with its id.

        Raises:
            NotFoundError: The scope has no site.
        """
        ...
