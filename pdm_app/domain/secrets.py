"""What must be stored and never shown: passwords of connections, one-time password seeds, channel credentials.

A `Sealer` turns such a value into text that nobody reads without the key, and only where it was put: the purpose and
the record it belongs to are sealed with it, so that a row copied to another place does not open there.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import Field

from pdm_app.domain.errors import PdmError
from pdm_app.domain.record import Id, Instant, Record

PLAIN_BYTES_MAX = 16_384  # A private key with its chain; what is larger is a file, not a secret.


class SealError(PdmError):
    """A sealed value does not open: another key sealed it, or somebody changed or moved it."""


class Sealer(Protocol):
    """Seals and opens values under the key of this installation."""

    @property
    def key_id(self) -> str:
        """Name of the key that seals now; it says nothing about the key itself."""
        ...

    def seal(self, plain: str, *, purpose: str, record_id: str) -> str:
        """Return text that only `open` with the same ``purpose`` and ``record_id`` turns back; each time another one.

        Raises:
            InvalidInputError: The value is longer than `PLAIN_BYTES_MAX` bytes.
        """
        ...

    def open(self, sealed: str, *, purpose: str, record_id: str) -> str:
        """Return what was sealed.

        Raises:
            SealError: Says which key is missing, or that the value was changed or moved.
        """
        ...


class SecretFact(Record):
    """That a secret exists, for what, and under which key; never the secret itself."""

    purpose: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_.]*$")
    record_id: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9_.:-]+$")
    site_id: Id | None = Field(default=None, description="Site of the record; None is for those who see every site.")
    key_id: str = Field(min_length=1, max_length=16)
    changed_at: Instant


class Secrets(Protocol):
    """Sealed values by purpose and record, inside the scope of the transaction."""

    async def all(self) -> Sequence[SecretFact]: ...
    async def sealed(self, purpose: str, record_id: str) -> str | None: ...
    async def put(self, fact: SecretFact, sealed: str) -> None:
        """Keep a sealed value, instead of one that was there.

        Raises:
            NotFoundError: The site, now or before, is not in scope.
        """
        ...

    async def remove(self, purpose: str, record_id: str) -> bool: ...
    async def keys(self) -> Mapping[str, int]:
        """Return how many values each key has sealed."""
        ...

    async def sealed_by_others(self, key_id: str, limit: int) -> Sequence[tuple[SecretFact, str]]:
        """Return some values that another key sealed."""
        ...

    async def reseal(self, fact: SecretFact, old: str, new: str) -> bool:
        """Replace a value that is still ``old``; False where somebody has changed it meanwhile."""
        ...
