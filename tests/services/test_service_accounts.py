"""Service accounts: programs with a key, and with exactly the rights and sites they were given."""

from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Actor, Permission, Role, Scope
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.service_accounts import KEYS_MAX
from pdm_app.services.tokens import SIGN_IN_AGAIN
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
DAY = 86_400
READ = (Permission.SIGNALS_READ, Permission.HISTORY_READ)


async def made(work: SqlUnitOfWork, clock: HandClock, folder: Path, hasher: PasswordHasher) -> AuthService:
    return AuthService(work, clock, Settings(data_dir=folder / "data"), hasher)


@pytest.fixture
async def auth(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    return await made(sqlite_work, clock, tmp_path, hasher)


@pytest.fixture
async def stored_auth(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    """On each of the two databases, for what they decide."""
    return await made(work, clock, tmp_path, hasher)


async def mes(auth: AuthService) -> str:
    """The id of an account that reads signals in Pune."""
    return (await auth.service_accounts.create(SYSTEM, "mes", "MES", ["pune"], READ)).account.id


async def refused(auth: AuthService, key: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        await auth.actor_of_access(key, address="192.0.2.7")
    return str(caught.value)


async def test_a_key_opens_what_the_account_may_and_nothing_else(auth: AuthService) -> None:
    made = await auth.service_accounts.create_key(SYSTEM, await mes(auth), "line 3")
    actor = await auth.actor_of_access(made.shown_once, address="192.0.2.7")
    assert (actor.name, actor.role, actor.address, actor.session_id) == ("mes", Role.SERVICE, "192.0.2.7", None)
    assert actor.permissions == frozenset(READ)
    assert actor.scope == Scope(sites=frozenset({"pune"}))
    assert made.shown_once.startswith(made.key.hint)


async def test_a_key_is_no_way_to_a_profile_or_to_sessions(auth: AuthService) -> None:
    made = await auth.service_accounts.create_key(SYSTEM, await mes(auth), "line 3")
    actor = await auth.actor_of_access(made.shown_once)
    with pytest.raises(PermissionDeniedError):
        await auth.profile.show(actor)
    with pytest.raises(UnauthenticatedError):
        await auth.refresh(made.shown_once)
    with pytest.raises(UnauthenticatedError):
        await auth.sign_in("mes", made.shown_once, "192.0.2.7")


async def test_every_key_that_is_not_good_is_refused_in_the_same_words(auth: AuthService, clock: HandClock) -> None:
    account = await mes(auth)
    revoked = await auth.service_accounts.create_key(SYSTEM, account, "revoked")
    expired = await auth.service_accounts.create_key(SYSTEM, account, "expired", days=1)
    await auth.actor_of_access(revoked.shown_once)
    await auth.actor_of_access(expired.shown_once)
    await auth.service_accounts.revoke_key(SYSTEM, revoked.key.id)
    await clock.advance(DAY)
    good = await auth.service_accounts.create_key(SYSTEM, account, "good")
    bad = (revoked.shown_once, expired.shown_once, good.shown_once[:-1], good.shown_once + "x", good.key.hint,
           "pds_", "pds_" + "\x00" * 50, good.shown_once.upper())  # fmt: skip
    assert {await refused(auth, key) for key in bad} == {SIGN_IN_AGAIN}
    await auth.actor_of_access(good.shown_once)


async def test_what_is_taken_from_the_account_is_gone_at_the_next_call(stored_auth: AuthService) -> None:
    account = await mes(stored_auth)
    key = (await stored_auth.service_accounts.create_key(SYSTEM, account, "line 3")).shown_once
    assert Permission.HISTORY_READ in (await stored_auth.actor_of_access(key)).permissions
    await stored_auth.people.change(SYSTEM, "mes", grants=[Permission.SIGNALS_READ], site_ids=["graz"])
    actor = await stored_auth.actor_of_access(key)
    assert (actor.permissions, actor.scope.sites) == (frozenset({Permission.SIGNALS_READ}), frozenset({"graz"}))
    await stored_auth.people.deactivate(SYSTEM, "mes")
    await refused(stored_auth, key)
    await stored_auth.people.change(SYSTEM, "mes", is_active=True)
    await stored_auth.actor_of_access(key)
    await stored_auth.people.delete(SYSTEM, "mes")
    await refused(stored_auth, key)
    with pytest.raises(NotFoundError):
        await stored_auth.service_accounts.by_id(SYSTEM, account)


async def test_a_rotated_key_works_on_for_a_day_beside_its_successor(
    stored_auth: AuthService, clock: HandClock
) -> None:
    old = await stored_auth.service_accounts.create_key(SYSTEM, await mes(stored_auth), "line 3", days=90)
    await clock.advance(80 * DAY)
    new = await stored_auth.service_accounts.rotate_key(SYSTEM, old.key.id)
    assert new.key.name == "line 3"
    assert new.key.expires_at == int(clock.now()) + 90 * DAY * 1_000_000
    await stored_auth.actor_of_access(old.shown_once)
    await stored_auth.actor_of_access(new.shown_once)
    await clock.advance(DAY)
    await refused(stored_auth, old.shown_once)
    await stored_auth.actor_of_access(new.shown_once)
    with pytest.raises(ConflictError, match="has ended"):
        await stored_auth.service_accounts.rotate_key(SYSTEM, old.key.id)


async def test_rotation_never_lengthens_the_old_key(auth: AuthService, clock: HandClock) -> None:
    old = await auth.service_accounts.create_key(SYSTEM, await mes(auth), "line 3", days=1)
    await clock.advance(DAY - 60)
    await auth.service_accounts.rotate_key(SYSTEM, old.key.id)
    await clock.advance(61)
    await refused(auth, old.shown_once)


async def test_a_key_revoked_by_another_process_ends_here_within_seconds(
    stored_auth: AuthService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    made = await stored_auth.service_accounts.create_key(SYSTEM, await mes(stored_auth), "line 3")
    await stored_auth.actor_of_access(made.shown_once)
    async with work(EVERY_SITE) as transaction:
        await transaction.api_keys.put(made.key.model_copy(update={"revoked_at": int(clock.now())}))
        await transaction.commit()
    await clock.advance(10)
    await refused(stored_auth, made.shown_once)


async def test_a_key_known_here_outlives_a_database_outage(
    auth: AuthService, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await mes(auth)
    known = await auth.service_accounts.create_key(SYSTEM, account, "known")
    unknown = await auth.service_accounts.create_key(SYSTEM, account, "unknown")
    await auth.actor_of_access(known.shown_once)

    def away(_scope: object) -> Any:
        raise UnavailableError("The database does not answer.")

    monkeypatch.setattr(auth.service_accounts, "_work", away)
    await clock.advance(120)
    assert (await auth.actor_of_access(known.shown_once)).name == "mes"
    with pytest.raises(UnavailableError):
        await auth.actor_of_access(unknown.shown_once)


async def test_last_use_is_noted(stored_auth: AuthService, clock: HandClock) -> None:
    account = await mes(stored_auth)
    made = await stored_auth.service_accounts.create_key(SYSTEM, account, "line 3")
    await clock.advance(60)
    await stored_auth.actor_of_access(made.shown_once)
    (key,) = (await stored_auth.service_accounts.by_id(SYSTEM, account)).keys
    assert key.last_used_at == int(clock.now())


async def test_the_key_itself_is_stored_nowhere(auth: AuthService) -> None:
    made = await auth.service_accounts.create_key(SYSTEM, await mes(auth), "line 3")
    async with auth.people._work(EVERY_SITE) as work:
        said = repr([await work.api_keys.all(), await work.audit.after(None, 100)])
    assert "service_accounts.key_created" in said
    assert made.shown_once not in said
    assert made.shown_once.rpartition("_")[2] not in said


async def test_what_an_account_cannot_be_says_why(auth: AuthService) -> None:
    account = await mes(auth)
    with pytest.raises(InvalidInputError, match=r"cannot have users\.configure"):
        await auth.service_accounts.create(SYSTEM, "root", "", (), [Permission.USERS_CONFIGURE])
    with pytest.raises(InvalidInputError, match=r"users\.configure comes with the role admin"):
        await auth.people.change(SYSTEM, "mes", grants=[Permission.USERS_CONFIGURE])
    with pytest.raises(InvalidInputError, match="is a service account and stays one"):
        await auth.people.change(SYSTEM, "mes", role=Role.ADMIN)
    with pytest.raises(InvalidInputError, match="has keys and no password"):
        await auth.people.set_password(SYSTEM, "mes", PASSWORD)
    with pytest.raises(InvalidInputError, match="has keys and no password"):
        await auth.links.renew(SYSTEM, "mes")
    with pytest.raises(ConflictError, match="mes is taken"):
        await auth.service_accounts.create(SYSTEM, "mes")
    olga = await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR)
    with pytest.raises(NotFoundError):
        await auth.service_accounts.create_key(SYSTEM, olga.id, "a person has none")
    with pytest.raises(NotFoundError):
        await auth.service_accounts.revoke_key(SYSTEM, "no-key")
    for number in range(KEYS_MAX):
        await auth.service_accounts.create_key(SYSTEM, account, f"key {number}")
    with pytest.raises(ConflictError, match="Revoke one"):
        await auth.service_accounts.create_key(SYSTEM, account, "one too many")


async def test_only_admins_administer_service_accounts(auth: AuthService) -> None:
    account = await mes(auth)
    for role in Role:
        if role is Role.ADMIN:
            continue
        somebody = Actor(id="x", name="x", role=role, scope=EVERY_SITE, permissions=ROLE_PERMISSIONS[role])
        for attempt in (
            auth.service_accounts.all(somebody),
            auth.service_accounts.by_id(somebody, account),
            auth.service_accounts.create(somebody, "eve"),
            auth.service_accounts.create_key(somebody, account, "mine"),
            auth.service_accounts.rotate_key(somebody, "x"),
            auth.service_accounts.revoke_key(somebody, "x"),
        ):
            with pytest.raises(PermissionDeniedError):
                await attempt
