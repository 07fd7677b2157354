"""Device keys: shown once, stored as a hash, bound to one site, ended at once."""

from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Actor, Permission, Role, Scope
from pdm_app.domain.assets import Device
from pdm_app.domain.errors import (
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from pdm_app.services.devices import KEY_FORM, REREAD_S, DeviceService, key_hash
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock


def somebody(role: Role, *sites: str) -> Actor:
    return Actor(id="x", name="x", role=role, scope=Scope(sites=frozenset(sites)), permissions=ROLE_PERMISSIONS[role])


@pytest.fixture
def devices(work: SqlUnitOfWork, clock: HandClock) -> DeviceService:
    return DeviceService(work, clock)


async def test_a_key_makes_its_device_an_actor_that_may_send_samples_of_its_site_and_nothing_else(
    devices: DeviceService,
) -> None:
    made = await devices.create_key(SYSTEM, "dev-p-501")
    assert KEY_FORM.fullmatch(made.secret)
    actor = await devices.actor_of_key(made.secret, "192.0.2.9")
    assert (actor.name, actor.device_id, actor.role, actor.address) == (
        "P-501", "dev-p-501", Role.SERVICE, "192.0.2.9",
    )  # fmt: skip
    assert actor.scope.sites == frozenset({"pune"})
    assert actor.permissions == {Permission.SAMPLES_INGEST}


async def test_the_secret_is_neither_stored_nor_listed(devices: DeviceService, work: SqlUnitOfWork) -> None:
    made = await devices.create_key(SYSTEM, "dev-p-501")
    (listed,) = await devices.keys(SYSTEM, "dev-p-501")
    assert listed.hint == made.secret[:10]
    assert made.secret not in listed.model_dump_json()
    async with work(EVERY_SITE) as transaction:
        assert await transaction.devices.key_by_hash(made.secret) is None
        assert await transaction.devices.key_by_hash(key_hash(made.secret)) is not None


async def test_a_revoked_key_is_refused_at_once(devices: DeviceService) -> None:
    made = await devices.create_key(SYSTEM, "dev-p-501")
    await devices.actor_of_key(made.secret)
    revoked = await devices.revoke_key(SYSTEM, made.key.id)
    assert revoked.revoked_at is not None
    with pytest.raises(UnauthenticatedError):
        await devices.actor_of_key(made.secret)
    again = await devices.revoke_key(SYSTEM, made.key.id)
    assert again.revoked_at == revoked.revoked_at


async def test_a_replaced_key_works_on_for_the_overlap_and_then_ends_by_itself(
    devices: DeviceService, clock: HandClock
) -> None:
    old = await devices.create_key(SYSTEM, "dev-p-501")
    await devices.actor_of_key(old.secret)
    new = await devices.rotate_key(SYSTEM, old.key.id)
    assert new.secret != old.secret
    assert new.key.device_id == old.key.device_id
    for secret in (old.secret, new.secret):
        assert (await devices.actor_of_key(secret)).name == "P-501"
    ends = {key.id: key.expires_at for key in await devices.keys(SYSTEM, "dev-p-501")}
    assert ends == {old.key.id: clock.now() + 24 * 3_600_000_000, new.key.id: None}
    clock.at += 24 * 3_600_000_000
    assert (await devices.actor_of_key(new.secret)).name == "P-501"
    with pytest.raises(UnauthenticatedError):
        await devices.actor_of_key(old.secret)
    with pytest.raises(ConflictError, match="has ended"):
        await devices.rotate_key(SYSTEM, old.key.id)


async def test_a_key_that_ends_within_the_overlap_is_not_made_to_live_longer(
    devices: DeviceService, clock: HandClock
) -> None:
    first = await devices.create_key(SYSTEM, "dev-p-501")
    await devices.rotate_key(SYSTEM, first.key.id)
    ends_at = clock.now() + 24 * 3_600_000_000
    clock.at += 3_600_000_000
    await devices.rotate_key(SYSTEM, first.key.id)
    (key,) = [key for key in await devices.keys(SYSTEM, "dev-p-501") if key.id == first.key.id]
    assert key.expires_at == ends_at
    await devices.revoke_key(SYSTEM, first.key.id)
    for key_id in (first.key.id, "no-key"):
        with pytest.raises((ConflictError, NotFoundError)):
            await devices.rotate_key(SYSTEM, key_id)


async def test_a_key_revoked_by_another_process_is_refused_within_seconds(
    devices: DeviceService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    made = await devices.create_key(SYSTEM, "dev-p-501")
    await devices.actor_of_key(made.secret)
    await DeviceService(work, clock).revoke_key(SYSTEM, made.key.id)
    await clock.advance(10)
    with pytest.raises(UnauthenticatedError):
        await devices.actor_of_key(made.secret)


async def test_a_second_key_of_a_device_works_beside_the_first(devices: DeviceService) -> None:
    first, second = await devices.create_key(SYSTEM, "dev-g-1"), await devices.create_key(SYSTEM, "dev-g-1")
    await devices.revoke_key(SYSTEM, first.key.id)
    assert (await devices.actor_of_key(second.secret)).name == "G-1"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "pdm_",
        "pdm_abc123_short",
        "pdm_ABC123_" + "a" * 43,
        "pdm_abc123_" + "a" * 44,
        "é" * 50,
        "\ud800",
        "x" * 9999,
    ],
)
async def test_what_is_no_key_is_refused(devices: DeviceService, key: str) -> None:
    with pytest.raises(UnauthenticatedError):
        await devices.actor_of_key(key)


async def test_an_unknown_key_and_a_malformed_one_read_alike(devices: DeviceService) -> None:
    texts = set()
    for key in ("garbage", "pdm_abc123_" + "a" * 43):
        with pytest.raises(UnauthenticatedError) as caught:
            await devices.actor_of_key(key)
        texts.add(str(caught.value))
    assert len(texts) == 1


async def test_last_use_is_noted_every_ten_minutes(devices: DeviceService, clock: HandClock) -> None:
    made = await devices.create_key(SYSTEM, "dev-p-501")
    await devices.actor_of_key(made.secret)
    first = clock.now()
    await clock.advance(300)
    await devices.actor_of_key(made.secret)
    assert (await devices.keys(SYSTEM, "dev-p-501"))[0].last_used_at == first
    await clock.advance(300)
    await devices.actor_of_key(made.secret)
    assert (await devices.keys(SYSTEM, "dev-p-501"))[0].last_used_at == clock.now()


async def test_keys_that_are_used_at_once_are_put_on_record_together(devices: DeviceService, clock: HandClock) -> None:
    one, other = [await devices.create_key(SYSTEM, "dev-p-501") for _ in range(2)]
    await devices.actor_of_key(one.secret)
    await devices.actor_of_key(other.secret)
    used = {key.id: key.last_used_at for key in await devices.keys(SYSTEM, "dev-p-501")}
    assert used == {one.key.id: clock.now(), other.key.id: None}
    await devices.note_uses()
    used = {key.id: key.last_used_at for key in await devices.keys(SYSTEM, "dev-p-501")}
    assert used == {one.key.id: clock.now(), other.key.id: clock.now()}


async def test_a_key_that_another_process_ends_is_refused_within_seconds(
    devices: DeviceService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    elsewhere = DeviceService(work, clock)
    for end in (elsewhere.revoke_key, elsewhere.rotate_key):
        made = await devices.create_key(SYSTEM, "dev-p-501")
        await devices.actor_of_key(made.secret)
        await end(SYSTEM, made.key.id)
        await clock.advance(REREAD_S + (24 * 3600 if end == elsewhere.rotate_key else 0))
        with pytest.raises(UnauthenticatedError):
            await devices.actor_of_key(made.secret)


async def test_a_device_that_another_process_deletes_is_refused_within_seconds(
    devices: DeviceService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    made = await devices.create_key(SYSTEM, "dev-p-501")
    await devices.actor_of_key(made.secret)
    async with work(EVERY_SITE) as w:
        await w.plant.delete(Device, "dev-p-501", "ada", clock.now())
        await w.commit()
    await clock.advance(REREAD_S)
    with pytest.raises(UnauthenticatedError):
        await devices.actor_of_key(made.secret)


async def test_one_question_of_the_database_does_for_the_keys_of_a_fleet(
    devices: DeviceService, work: SqlUnitOfWork, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [(await devices.create_key(SYSTEM, "dev-p-501")).secret for _ in range(5)]
    for secret in secrets:
        await devices.actor_of_key(secret)
    await devices.note_uses()
    await clock.advance(REREAD_S)
    seen: list[Scope] = []

    def counting(scope: Scope) -> Any:
        seen.append(scope)
        return work(scope)

    monkeypatch.setattr(devices, "_work", counting)
    for secret in secrets:
        await devices.actor_of_key(secret)
    assert len(seen) == 1


async def test_another_sites_devices_and_keys_do_not_exist(devices: DeviceService) -> None:
    made = await devices.create_key(SYSTEM, "dev-p-501")
    of_graz = somebody(Role.ENGINEER, "graz")
    assert [device.id for device in await devices.all(of_graz)] == ["dev-c-201"]
    assert await devices.keys(of_graz) == ()
    for attempt in (
        devices.by_id(of_graz, "dev-p-501"),
        devices.keys(of_graz, "dev-p-501"),
        devices.create_key(of_graz, "dev-p-501"),
        devices.revoke_key(of_graz, made.key.id),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    await devices.actor_of_key(made.secret)


async def test_keys_are_for_engineers_and_admins(devices: DeviceService) -> None:
    for role in (Role.VIEWER, Role.OPERATOR, Role.TECHNICIAN, Role.MANAGER, Role.SERVICE):
        person = somebody(role, "pune")
        for attempt in (
            devices.keys(person, "dev-p-501"),
            devices.create_key(person, "dev-p-501"),
            devices.revoke_key(person, "any"),
        ):
            with pytest.raises(PermissionDeniedError):
                await attempt


async def test_a_device_goes_on_sending_while_the_database_is_away(
    devices: DeviceService, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await devices.create_key(SYSTEM, "dev-p-501")
    unknown = await devices.create_key(SYSTEM, "dev-p-501")
    await devices.actor_of_key(known.secret)

    def away(_scope: object) -> Any:
        raise UnavailableError("The database does not answer.")

    monkeypatch.setattr(devices, "_work", away)
    await clock.advance(3600)
    assert (await devices.actor_of_key(known.secret)).name == "P-501"
    with pytest.raises(UnavailableError):
        await devices.actor_of_key(unknown.secret)
