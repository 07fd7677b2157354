"""What people do with their own account."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Role
from pdm_app.domain.credentials import Preferences
from pdm_app.domain.errors import (
    InvalidInputError,
    PermissionDeniedError,
    TooManyAttemptsError,
    UnauthenticatedError,
)
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD, OTHER = "copper lantern drifts", "granite whispers twice"
HERE = "192.0.2.7"


async def made(work: SqlUnitOfWork, clock: HandClock, folder: Path, hasher: PasswordHasher) -> AuthService:
    auth = AuthService(work, clock, Settings(data_dir=folder / "data"), hasher)
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    return auth


@pytest.fixture
async def auth(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    return await made(sqlite_work, clock, tmp_path, hasher)


@pytest.fixture
async def stored_auth(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    """On each of the two databases, for what they decide."""
    return await made(work, clock, tmp_path, hasher)


async def olga(auth: AuthService) -> Actor:
    return await auth.actor_of_session((await auth.sign_in("olga", PASSWORD, HERE)).session_id, HERE)


async def test_a_new_password_needs_the_old_one_and_ends_every_other_session(auth: AuthService) -> None:
    here, elsewhere = await olga(auth), await olga(auth)
    with pytest.raises(InvalidInputError, match="The password is wrong") as refused:
        await auth.profile.change_password(here, "not it", OTHER)
    assert refused.value.issues[0].field == "password"
    for weak in ("short", PASSWORD, "olga olga olga"):
        with pytest.raises(InvalidInputError) as refused:
            await auth.profile.change_password(here, PASSWORD, weak)
        assert refused.value.issues[0].field == "new_password"
    await auth.profile.change_password(here, PASSWORD, OTHER)
    await auth.actor_of_session(here.session_id or "")
    with pytest.raises(UnauthenticatedError):
        await auth.actor_of_session(elsewhere.session_id or "")
    await auth.sign_in("olga", OTHER, HERE)


async def test_whoever_finds_a_page_open_cannot_guess_the_password_there(auth: AuthService) -> None:
    found = await olga(auth)
    for number in range(5):
        with pytest.raises(InvalidInputError):
            await auth.profile.change_password(found, f"guess {number}", OTHER)
    with pytest.raises(TooManyAttemptsError):
        await auth.profile.change_password(found, PASSWORD, OTHER)


async def test_preferences_are_kept_with_the_account_and_on_record(stored_auth: AuthService) -> None:
    assert await stored_auth.profile.preferences(await olga(stored_auth)) == Preferences()
    wanted = Preferences(theme="dark", density="compact", home="/alarms", units="us")
    await stored_auth.profile.prefer(await olga(stored_auth), wanted)
    assert (await stored_auth.profile.show(await olga(stored_auth))).preferences == wanted
    async with stored_auth.people._work(EVERY_SITE) as work:
        trail = await work.audit.after(None, 100)
    assert [entry.after for entry in trail if entry.action == "profile.preferences_changed"] == [
        '{"density":"compact","home":"/alarms","theme":"dark","units":"us"}'
    ]


@pytest.mark.parametrize("home", ["//evil.example", "/\\evil.example", "https://evil.example", "plant", "", "/" * 300])
def test_the_first_page_is_one_of_this_product(home: str) -> None:
    with pytest.raises(ValidationError):
        Preferences(home=home)


async def test_a_program_and_the_product_itself_have_no_profile(auth: AuthService) -> None:
    account = (await auth.service_accounts.create(SYSTEM, "mes")).account
    key = (await auth.service_accounts.create_key(SYSTEM, account.id, "line 3")).shown_once
    for nobody in (SYSTEM, await auth.actor_of_access(key)):
        for attempt in (
            auth.profile.show(nobody),
            auth.profile.prefer(nobody, Preferences()),
            auth.profile.change_password(nobody, PASSWORD, OTHER),
            auth.profile.begin_mfa(nobody, PASSWORD),
        ):
            with pytest.raises(PermissionDeniedError):
                await attempt
    assert await auth.sessions(await auth.actor_of_access(key)) == ()


async def test_an_admin_sees_how_far_everybodys_sign_in_is_and_ends_their_sessions(stored_auth: AuthService) -> None:
    open_page = await olga(stored_auth)
    await stored_auth.links.invite(SYSTEM, "nina", Role.VIEWER)
    await stored_auth.people.add(SYSTEM, "tom", PASSWORD, Role.TECHNICIAN, must_change=True)
    await stored_auth.people.deactivate(SYSTEM, "tom")
    await stored_auth.service_accounts.create(SYSTEM, "mes")
    views = {view.user.username: view for view in await stored_auth.users.all(SYSTEM)}
    assert {name: view.state for name, view in views.items()} == {
        "nina": "invited",
        "olga": "active",
        "tom": "deactivated",
    }
    assert views["nina"].link_expires_at is not None
    assert views["tom"].must_change
    assert views["olga"].seen_at is not None
    assert views["nina"].seen_at is None
    user_id = views["olga"].user.id
    assert [view.address for view in await stored_auth.users.sessions(SYSTEM, user_id)] == [HERE]
    assert await stored_auth.users.end_sessions(SYSTEM, user_id) == 1
    with pytest.raises(UnauthenticatedError):
        await stored_auth.actor_of_session(open_page.session_id or "")
