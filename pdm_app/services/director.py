"""The director: signs the permission for one device to carry out one action, with a key of this program.

Its key is made at the first start and sealed; devices are given its public half when they are set up. It can send a
device no firmware that nobody has signed offline: a ticket names a manifest, and the manifest has its own signature.
"""

import asyncio
import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Permission
from pdm_app.domain.firmware_keys import PublicKey, key_id
from pdm_app.domain.firmware_tickets import NONCE_BYTES, VALID_S, Ticket, written
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Id, Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.auditing import audit
from pdm_app.services.firmware_signatures import public_key_of
from pdm_app.services.secret_store import SecretStore

PURPOSE, RECORD = "firmware.director", "director"
SAME_FOR_US = 24 * 3600 * MICROS_PER_S
"""A ticket that is asked for again within a day is the same one, so that a device which polls sees nothing new."""


class DirectorKey(Record):
    """The public half, for devices to be set up with."""

    id: Id
    public_key: PublicKey
    valid_s: int = Field(description="How long a ticket is good.")


class DirectorService:
    """Signs tickets.

    Args:
        work: Where its key is kept.
        clock: Injected time.
        secrets: Seals it.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, secrets: SecretStore) -> None:
        self._work = work
        self._clock = clock
        self._secrets = secrets
        self._private: Ed25519PrivateKey | None = None
        self._making = asyncio.Lock()

    async def show(self, actor: Actor) -> DirectorKey:
        """Return the public half of the key; it is made where there is none yet.

        Raises:
            SealError: The sealed key cannot be opened: the master key is another one.
        """
        actor.require(Permission.FIRMWARE_READ)
        public = public_key_of(await self._key())
        return DirectorKey(id=key_id(public), public_key=public, valid_s=VALID_S)

    async def ticket(self, device_id: str, action_id: str, manifest_sha256: str, attempt: int = 0) -> str:
        """Return the ticket of an action as it travels.

        Args:
            device_id: As the device calls itself.
            action_id: As the device is told it.
            manifest_sha256: Which release.
            attempt: How often it has failed: a device takes a ticket once, and needs another one for another attempt.

        Raises:
            SealError: The sealed key cannot be opened: the master key is another one.
        """
        private = await self._key()
        now = self._clock.now()
        issued_at = now - now % SAME_FOR_US
        secret = private.private_bytes_raw()
        facts = "\0".join((device_id, action_id, manifest_sha256, str(attempt), str(issued_at))).encode()
        said = Ticket(
            device_id=device_id,
            action_id=action_id,
            manifest_sha256=manifest_sha256,
            issued_at=issued_at,
            expires_at=issued_at + SAME_FOR_US + VALID_S * MICROS_PER_S,
            nonce=hmac.new(secret, b"nonce\0" + facts, hashlib.sha256).hexdigest()[: 2 * NONCE_BYTES],
        )
        return written(said, private.sign(said.body))

    async def _key(self) -> Ed25519PrivateKey:
        async with self._making:
            if self._private is None:
                self._private = await self._opened()
            return self._private

    async def _opened(self) -> Ed25519PrivateKey:
        """Open the key, or make one; of two processes that begin at once the second one takes that of the first."""
        async with self._work(EVERY_SITE) as work:
            kept = await self._secrets.read(work, PURPOSE, RECORD)
            if kept is None:
                private = Ed25519PrivateKey.generate()
                kept = base64.b64encode(private.private_bytes_raw()).decode()
                await self._secrets.keep(work, PURPOSE, RECORD, kept)
                public = public_key_of(private)
                await audit(
                    work, SYSTEM, self._clock.now(), "director.made", subject="director", subject_id=key_id(public),
                    name="key of the director", after={"public_key": public},
                )  # fmt: skip
                await work.commit()
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(kept))
