"""Secrets of records change with them, outlive a change of the key, and say so when their key is gone."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Permission, Role, Scope, User, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import NotFoundError, NotSupportedError, PermissionDeniedError
from pdm_app.domain.secrets import SealError
from pdm_app.services import secret_store
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import KEY_FILE, KeyRing, MasterKeyError, key_ring, new_key
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PURPOSE = "connection.password"
WORD = "copper lantern drifts"
PUNE = Scope(sites=frozenset({"pune"}))


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return key_ring(tmp_path)


@pytest.fixture
def store(work: SqlUnitOfWork, clock: HandClock, ring: KeyRing) -> SecretStore:
    return SecretStore(work, clock, ring)


async def keep(store: SecretStore, work: SqlUnitOfWork, *records: str, word: str = WORD) -> None:
    async with work(EVERY_SITE) as transaction:
        for record in records:
            await store.keep(transaction, PURPOSE, record, word, site_id="pune")
        await transaction.commit()


async def read(store: SecretStore, work: SqlUnitOfWork, record: str, scope: Scope = EVERY_SITE) -> str | None:
    async with work(scope) as transaction:
        return await store.read(transaction, PURPOSE, record)


async def sealed(work: SqlUnitOfWork, record: str) -> str:
    async with work(EVERY_SITE) as transaction:
        found = await transaction.secrets.sealed(PURPOSE, record)
    assert found is not None
    return found


async def test_a_secret_is_kept_replaced_and_forgotten(store: SecretStore, work: SqlUnitOfWork) -> None:
    assert await read(store, work, "press-07") is None
    await keep(store, work, "press-07")
    assert await read(store, work, "press-07") == WORD
    await keep(store, work, "press-07", word="another")
    assert await read(store, work, "press-07") == "another"
    async with work(EVERY_SITE) as transaction:
        assert await store.forget(transaction, PURPOSE, "press-07")
        assert not await store.forget(transaction, PURPOSE, "press-07")
        await transaction.commit()
    assert await read(store, work, "press-07") is None


async def test_a_record_that_is_not_committed_leaves_no_secret(store: SecretStore, work: SqlUnitOfWork) -> None:
    async with work(EVERY_SITE) as transaction:
        await store.keep(transaction, PURPOSE, "press-07", WORD)
    assert await read(store, work, "press-07") is None


async def test_the_database_holds_no_plain_word(store: SecretStore, work: SqlUnitOfWork) -> None:
    await keep(store, work, "press-07")
    assert WORD not in await sealed(work, "press-07")


async def test_another_site_finds_nothing(store: SecretStore, work: SqlUnitOfWork) -> None:
    await keep(store, work, "press-07")
    assert await read(store, work, "press-07", PUNE) == WORD
    assert await read(store, work, "press-07", Scope(sites=frozenset({"graz"}))) is None


async def test_a_row_copied_to_another_record_does_not_open_there(store: SecretStore, work: SqlUnitOfWork) -> None:
    await keep(store, work, "press-07", "press-08")
    async with work(EVERY_SITE) as transaction:
        mine = next(fact for fact in await transaction.secrets.all() if fact.record_id == "press-08")
        await transaction.secrets.put(mine, await sealed(work, "press-07"))
        await transaction.commit()
    with pytest.raises(SealError, match="belongs to another record"):
        await read(store, work, "press-08")


async def test_a_changed_key_seals_everything_anew_in_batches_and_is_on_record(
    store: SecretStore, work: SqlUnitOfWork, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_store, "BATCH", 3)
    records = [f"press-{number}" for number in range(10)]
    await keep(store, work, *records)
    old = ring.key_id
    done = await store.rotate(SYSTEM)
    assert (done.resealed, done.key_id != old) == (10, True)
    assert {fact.key_id for fact in await store.all(SYSTEM)} == {done.key_id}
    assert [await read(store, work, record) for record in records] == [WORD] * 10
    async with work(EVERY_SITE) as transaction:
        entry = (await transaction.audit.page(AuditQuery()))[0]
    assert entry.action == "secrets.key_rotated"
    assert json.loads(entry.after or "") == {"key_id": done.key_id, "resealed": 10}


async def test_a_rotation_that_was_interrupted_goes_on_without_another_key(
    store: SecretStore, work: SqlUnitOfWork, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_store, "BATCH", 3)
    await keep(store, work, *(f"press-{number}" for number in range(10)))
    seal, calls = ring.seal, 0

    def seal_some(plain: str, *, purpose: str, record_id: str) -> str:
        nonlocal calls
        calls += 1
        if calls == 8:
            raise RuntimeError("the power is gone")
        return seal(plain, purpose=purpose, record_id=record_id)

    monkeypatch.setattr(ring, "seal", seal_some)
    with pytest.raises(RuntimeError):
        await store.rotate(SYSTEM)
    half = {fact.key_id for fact in await store.all(SYSTEM)}
    assert len(half) == 2
    await store.check()
    done = await store.rotate(SYSTEM)
    assert (done.resealed, done.key_id in half) == (4, True)
    assert await read(store, work, "press-9") == WORD


async def test_a_running_product_reads_and_writes_through_a_rotation_by_another_process(
    store: SecretStore, work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    await keep(store, work, "press-07")
    command = SecretStore(work, clock, key_ring(tmp_path))
    for _ in range(3):
        await command.rotate(SYSTEM)
        assert await read(store, work, "press-07") == WORD
        await keep(store, work, "press-08")
        assert await read(command, work, "press-08") == WORD
    assert len((tmp_path / KEY_FILE).read_text().split()) == 2  # The one that seals and the one before.
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


async def test_a_key_from_elsewhere_is_changed_there_first(
    work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    old, new = new_key(), new_key()
    before = SecretStore(work, clock, key_ring(tmp_path, SecretStr(old)))
    await keep(before, work, "press-07")
    with pytest.raises(NotSupportedError, match="Put a new one in front of it"):
        await before.rotate(SYSTEM)
    both = SecretStore(work, clock, key_ring(tmp_path, SecretStr(f"{new},{old}")))
    assert (await both.rotate(SYSTEM)).resealed == 1
    after = SecretStore(work, clock, key_ring(tmp_path, SecretStr(new)))
    await after.check()
    assert await read(after, work, "press-07") == WORD


async def test_a_wrong_key_says_so_at_the_start_and_what_is_lost_can_be_given_up(
    store: SecretStore, work: SqlUnitOfWork, clock: HandClock, ring: KeyRing, tmp_path: Path
) -> None:
    await store.check()
    await keep(store, work, "press-07", "press-08")
    other = SecretStore(work, clock, key_ring(tmp_path / "other"))
    with pytest.raises(MasterKeyError) as caught:
        await other.check()
    assert ring.key_id in caught.value.message
    assert str(tmp_path / "other" / KEY_FILE) in caught.value.message
    assert "2 stored secrets" in caught.value.message
    with pytest.raises(MasterKeyError):
        await other.rotate(SYSTEM)
    await keep(other, work, "press-09")
    assert [fact.record_id for fact in await other.give_up(SYSTEM)] == ["press-07", "press-08"]
    await other.check()
    assert await read(other, work, "press-09") == WORD


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_an_admin_sees_what_is_kept_or_changes_the_key(store: SecretStore, role: Role) -> None:
    actor = actor_of(User(id="olga", username="olga", display_name="Olga", role=role, site_ids=("pune",)))
    for attempt in (store.all, store.rotate, store.give_up):
        with pytest.raises(PermissionDeniedError):
            await attempt(actor)


async def test_somebody_limited_to_a_site_changes_no_key_of_the_installation(store: SecretStore) -> None:
    limited = Actor(id="a", name="a", role=Role.ADMIN, scope=PUNE, permissions=frozenset(Permission))
    with pytest.raises(NotFoundError):
        await store.rotate(limited)
