"""Secrets of records: kept sealed, read by whoever owns the record, sealed anew when the key is changed.

    await store.keep(work, "connection.password", connection.id, password, site_id=connection.site_id)
    password = await store.read(work, "connection.password", connection.id)

`keep`, `read` and `forget` work in the caller's transaction, so that a record and its secret change together.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import NotFoundError, NotSupportedError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.secrets import SecretFact
from pdm_app.services.auditing import audit
from pdm_app.services.secrets import KeyRing, MasterKeyError

log = logging.getLogger(__name__)

BATCH = 100  # Secrets per transaction while the key is changed; what is done stays done when it is interrupted.


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a change of the key has done: the key that seals now, and how many secrets were sealed with it anew."""

    key_id: str
    resealed: int
    dropped: tuple[str, ...] = ()


class SecretStore:
    """The secrets of one installation under its key ring."""

    def __init__(self, work: UnitOfWork, clock: Clock, ring: KeyRing) -> None:
        self._work = work
        self._clock = clock
        self._ring = ring

    async def keep(
        self, work: Work, purpose: str, record_id: str, plain: str, *, site_id: str | None = None
    ) -> SecretFact:
        """Seal a secret and keep it, instead of one that was there.

        Raises:
            InvalidInputError: It is too long for a secret.
            NotFoundError: The site lies outside the scope of ``work``.
        """
        sealed = self._ring.seal(plain, purpose=purpose, record_id=record_id)
        fact = SecretFact(
            purpose=purpose,
            record_id=record_id,
            site_id=site_id,
            key_id=_key_of(sealed),
            changed_at=self._clock.now(),
        )
        await work.secrets.put(fact, sealed)
        return fact

    async def read(self, work: Work, purpose: str, record_id: str) -> str | None:
        """Return a secret, None where there is none in scope.

        Raises:
            SealError: It cannot be opened; says why.
        """
        sealed = await work.secrets.sealed(purpose, record_id)
        return None if sealed is None else self._ring.open(sealed, purpose=purpose, record_id=record_id)

    async def forget(self, work: Work, purpose: str, record_id: str) -> bool:
        """Delete a secret; False if there was none."""
        return await work.secrets.remove(purpose, record_id)

    async def check(self) -> None:
        """Make sure that every stored secret can be opened; call it at the start.

        Raises:
            MasterKeyError: Names the key that is missing, where it was looked for, and what to do.
        """
        lost = await self._lost()
        if lost:
            raise MasterKeyError(
                f"{sum(lost.values())} stored secrets were sealed with the key {', '.join(lost)}, and "
                f"{self._ring.source.words} has {', '.join(self._ring.key_ids)}. Put the key back from your copy; if "
                "it is lost, `pdm-app secret give-up` deletes what only it opens, to be entered again.",
                missing=tuple(lost),
            )

    async def all(self, actor: Actor) -> Sequence[SecretFact]:
        """Return what is kept, never the secrets."""
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            return await work.secrets.all()

    async def rotate(self, actor: Actor) -> Rotation:
        """Change the key and seal every secret anew; called again after an interruption it goes on.

        A key file in the data directory gets a new key and keeps the one before; a key from elsewhere is changed there
        first, the new one in front of the old.

        Raises:
            NotSupportedError: The key comes from elsewhere and has not been changed there.
            MasterKeyError: A secret's key is missing; then nothing was changed.
        """
        _require(actor)
        await self.check()
        async with self._work(EVERY_SITE) as work:
            is_begun = set(await work.secrets.keys()) - {self._ring.key_id}
        if not is_begun:
            if not self._ring.source.is_ours:
                raise NotSupportedError(
                    f"The key in {self._ring.source.words} has not been changed. Put a new one in front of it, "
                    "separated by a comma, start the product with both, and run this again."
                )
            self._ring.add_key()
        resealed = await self._reseal()
        dropped = self._ring.drop_unused(await self._used()) if self._ring.source.is_ours else ()
        async with self._work(EVERY_SITE) as work:
            after = {"key_id": self._ring.key_id, "resealed": resealed}
            await audit(work, actor, self._clock.now(), "secrets.key_rotated", subject="secrets", after=after)
            await work.commit()
        log.info("master key changed", extra={"key": self._ring.key_id, "resealed": resealed, "by": actor.name})
        return Rotation(self._ring.key_id, resealed, dropped)

    async def give_up(self, actor: Actor) -> Sequence[SecretFact]:
        """Delete the secrets whose key is lost and return which they were."""
        _require(actor)
        lost = await self._lost()
        async with self._work(EVERY_SITE) as work:
            found = [fact for fact in await work.secrets.all() if fact.key_id in lost]
            for fact in found:
                await work.secrets.remove(fact.purpose, fact.record_id)
            if found:
                before = {"lost": [f"{fact.purpose} {fact.record_id}" for fact in found], "keys": sorted(lost)}
                now = self._clock.now()
                await audit(work, actor, now, "secrets.given_up", subject="secrets", before=before)
                await work.commit()
        return found

    async def _reseal(self) -> int:
        count = 0
        while True:
            async with self._work(EVERY_SITE) as work:
                some = await work.secrets.sealed_by_others(self._ring.key_id, BATCH)
                for fact, old in some:
                    plain = self._ring.open(old, purpose=fact.purpose, record_id=fact.record_id)
                    new = self._ring.seal(plain, purpose=fact.purpose, record_id=fact.record_id)
                    # False where somebody entered a new secret meanwhile: it is met again, or sealed well already.
                    count += await work.secrets.reseal(fact.model_copy(update={"key_id": _key_of(new)}), old, new)
                await work.commit()
            if not some:
                return count

    async def _lost(self) -> Mapping[str, int]:
        used = await self._used()
        known = self._ring.key_ids
        return {key_id: count for key_id, count in used.items() if key_id not in known}

    async def _used(self) -> Mapping[str, int]:
        async with self._work(EVERY_SITE) as work:
            return await work.secrets.keys()


def _require(actor: Actor) -> None:
    actor.require(Permission.SYSTEM_CONFIGURE)
    if actor.scope.sites is not None:
        raise NotFoundError("There are no secrets of this installation in your sites.")


def _key_of(sealed: str) -> str:
    return sealed.split(".")[1]
