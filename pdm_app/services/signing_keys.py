"""The public keys that vouch for firmware: who adds one decides whose releases devices may have."""

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.expiries import Expiry
from pdm_app.domain.firmware_keys import KEYS_MAX, SigningKey, SigningKeyFacts, key_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit
from pdm_app.services.firmware_signatures import is_usable_key
from pdm_app.services.record_changes import whole

PAGE = "/firmware"


class SigningKeyService:
    """What can be done with keys. None is ever deleted: what it vouched for stays explainable.

    Args:
        work: Where they are.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def all(self, actor: Actor) -> tuple[SigningKey, ...]:
        """Return all keys, revoked and expired ones too, the oldest first."""
        actor.require(Permission.FIRMWARE_READ)
        async with self._work(actor.scope) as work:
            return tuple(await work.releases.keys())

    async def add(self, actor: Actor, facts: SigningKeyFacts) -> SigningKey:
        """Trust what is signed with a key from now on.

        Raises:
            ConflictError: It is there already, revoked perhaps, or there are too many.
            InvalidInputError: It is no key, or ends before it begins.
        """
        actor.require(Permission.FIRMWARE_TRUST)
        now = self._clock.now()
        if not is_usable_key(facts.public_key):
            raise _refused("public_key", "is no public key of Ed25519", "take the text of the .pub file")
        if facts.expires_at is not None and facts.expires_at <= now:
            raise _refused("expires_at", "is over already", "name a time to come")
        key = whole(
            SigningKey,
            "key",
            {**facts.model_dump(), "id": key_id(facts.public_key), "added_by": actor.name, "added_at": now},
        )
        async with self._work(actor.scope) as work:
            keys = await work.releases.keys()
            known = next((each for each in keys if each.id == key.id), None)
            if known is not None:
                standing = known.fault(now) or "vouches for releases"
                raise ConflictError(f"This key is there already as {known.name!r}: it {standing}. Make a new one.")
            if len(keys) >= KEYS_MAX:
                raise ConflictError(f"There are {KEYS_MAX} keys, as many as are kept.")
            await work.releases.put_key(key)
            await audit(
                work, actor, now, "signing_keys.added", subject="signing_key", subject_id=key.id, name=key.name,
                after=key,
            )  # fmt: skip
            await work.commit()
        return key

    async def revoke(self, actor: Actor, key: str, reason: str) -> SigningKey:
        """Trust a key no more: nothing that is signed with it reaches a device from now on, published or not.

        Raises:
            NotFoundError: There is none.
            ConflictError: It is revoked already.
        """
        actor.require(Permission.FIRMWARE_TRUST)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = next((each for each in await work.releases.keys() if each.id == key), None)
            if before is None:
                raise NotFoundError(f"There is no signing key {key!r}.", key_id=key)
            if before.revoked_at is not None:
                raise ConflictError(f"The key {before.name!r} was revoked by {before.revoked_by} already.")
            changes = {"revoked_at": now, "revoked_by": actor.name, "revoke_reason": reason}
            after = before.model_copy(update=changes)
            await work.releases.put_key(after)
            await audit(
                work, actor, now, "signing_keys.revoked", subject="signing_key", subject_id=after.id, name=after.name,
                before=before, after=after, reason=reason,
            )  # fmt: skip
            await work.commit()
        return after

    async def expiries(self) -> list[Expiry]:
        """Return when keys end that vouch for something now."""
        async with self._work(EVERY_SITE) as work:
            keys = await work.releases.keys()
        return [
            Expiry(
                kind="signing_key", id=key.id, name=key.name, begins_at=key.added_at, ends_at=key.expires_at, href=PAGE
            )
            for key in keys
            if key.revoked_at is None and key.expires_at is not None
        ]


def _refused(field: str, problem: str, fix: str) -> InvalidInputError:
    return InvalidInputError(f"The key cannot be added: {field} {problem}; {fix}.", [FieldIssue(field, problem, fix)])
