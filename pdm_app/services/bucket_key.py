"""The key to the bucket of closed days: entered by a command, kept sealed, read when a request is signed."""

import json
from collections.abc import Awaitable, Callable

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.cold_bucket import PURPOSE, RECORD, BucketKey
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit
from pdm_app.services.secret_store import SecretStore

CHARACTERS_MAX = 200


async def enter_key(actor: Actor, work: UnitOfWork, store: SecretStore, clock: Clock, key: BucketKey) -> None:
    """Keep the key instead of the one that was there; a product that runs takes it when it is refused next.

    Raises:
        InvalidInputError: Something is missing or too long.
    """
    actor.require(Permission.STORAGE_CONFIGURE)
    for name, value in (("key id", key.id), ("secret", key.secret)):
        if not value or len(value) > CHARACTERS_MAX or not value.isascii() or not value.isprintable():
            problem = f"must have 1 to {CHARACTERS_MAX} printable ASCII characters"
            raise InvalidInputError(f"The {name} of the bucket {problem}.", [FieldIssue(name, problem)])
    async with work(EVERY_SITE) as unit:
        is_new = await store.read(unit, PURPOSE, RECORD) is None
        await store.keep(unit, PURPOSE, RECORD, json.dumps([key.id, key.secret]))
        action = "history.bucket_key_entered" if is_new else "history.bucket_key_changed"
        await audit(unit, actor, clock.now(), action, subject="history", after={"key_id": key.id})
        await unit.commit()


def bucket_key(work: UnitOfWork, store: SecretStore) -> Callable[[], Awaitable[BucketKey | None]]:
    """Return what reads the key, None where none was entered."""

    async def read() -> BucketKey | None:
        async with work(EVERY_SITE) as unit:
            plain = await store.read(unit, PURPOSE, RECORD)
        return None if plain is None else BucketKey(*json.loads(plain))

    return read
