"""Whom sign-in makes wait, what it puts on record, and pages that nobody touches."""

from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role
from pdm_app.domain.errors import TooManyAttemptsError, UnauthenticatedError
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher, Verdict
from pdm_app.services.sign_in import Visit
from pdm_app.settings import AuthSettings, Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
HERE = Visit("192.0.2.7", "Firefox", has_page=True)


async def made(work: SqlUnitOfWork, clock: HandClock, folder: Path, hasher: PasswordHasher) -> AuthService:
    auth = AuthService(work, clock, Settings(data_dir=folder / "data"), hasher)
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    await auth.people.add(SYSTEM, "vera", PASSWORD, Role.VIEWER, site_ids=["pune"])
    return auth


@pytest.fixture
async def auth(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    return await made(sqlite_work, clock, tmp_path, hasher)


@pytest.fixture
async def stored_auth(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    """On each of the two databases, for what they decide."""
    return await made(work, clock, tmp_path, hasher)


async def opened(auth: AuthService, username: str = "olga", visit: Visit = HERE) -> str:
    """Sign in and return the session."""
    progress = await auth.begin_sign_in(username, PASSWORD, visit)
    assert progress.signed_in is not None
    return progress.signed_in.session_id


# --- who waits -------------------------------------------------------------------------------------------------------


async def test_one_account_guessed_from_many_addresses_waits_everywhere(auth: AuthService, clock: HandClock) -> None:
    for number in range(25):
        with pytest.raises(UnauthenticatedError):
            await auth.sign_in("olga", f"guess {number}", f"198.51.100.{number}")
    with pytest.raises(TooManyAttemptsError):
        await auth.sign_in("olga", PASSWORD, HERE.address)
    await auth.sign_in("vera", PASSWORD, HERE.address)
    await clock.advance(301)
    await auth.sign_in("olga", PASSWORD, HERE.address)


async def test_an_address_that_waits_cannot_make_the_account_wait_elsewhere(auth: AuthService) -> None:
    for _ in range(5):
        with pytest.raises(UnauthenticatedError):
            await auth.sign_in("olga", "not the password", "198.51.100.1")
    for _ in range(45):
        with pytest.raises(TooManyAttemptsError):
            await auth.sign_in("olga", "not the password", "198.51.100.1")
    await auth.sign_in("olga", PASSWORD, HERE.address)


async def test_ten_thousand_wrong_passwords_cost_five_hashes_and_open_nothing(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher,
    monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    auth = AuthService(sqlite_work, clock, Settings(data_dir=tmp_path / "data"), hasher)
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR)
    hashes = 0
    verify = hasher._verify

    def counted(password: str, stored_hash: str | None) -> Verdict:
        nonlocal hashes
        hashes += 1
        return verify(password, stored_hash)

    monkeypatch.setattr(hasher, "_verify", counted)
    outcomes = {"UnauthenticatedError": 0, "TooManyAttemptsError": 0}
    for number in range(10_000):
        try:
            await auth.sign_in("olga", f"guess number {number}", HERE.address)
        except (UnauthenticatedError, TooManyAttemptsError) as error:
            outcomes[type(error).__name__] += 1
    assert outcomes == {"UnauthenticatedError": 5, "TooManyAttemptsError": 9_995}
    assert hashes == 5


async def test_whoever_may_not_enter_costs_the_same_work_and_reads_the_same(
    auth: AuthService, hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.links.invite(SYSTEM, "nina", Role.VIEWER)
    await auth.service_accounts.create(SYSTEM, "mes")
    for name in ("gone", "paused"):
        await auth.people.add(SYSTEM, name, PASSWORD, Role.VIEWER)
    await auth.people.delete(SYSTEM, "gone")
    await auth.people.deactivate(SYSTEM, "paused")
    verified = 0
    verify = hasher._verify

    def counted(password: str, stored_hash: str | None) -> Verdict:
        nonlocal verified
        verified += 1
        return verify(password, stored_hash)

    monkeypatch.setattr(hasher, "_verify", counted)
    told = set()
    names = ("nobody", "olga", "nina", "mes", "gone", "paused", "", "\x00", "x" * 5_000, "' or 1=1 --")
    for number, name in enumerate(names):
        with pytest.raises(UnauthenticatedError) as refused:
            await auth.sign_in(name, "wrong" if name == "olga" else PASSWORD, f"198.51.100.{number}")
        told.add(str(refused.value))
    assert len(told) == 1
    assert verified == len(names)


async def test_known_and_unknown_names_wait_alike(auth: AuthService) -> None:
    told = []
    for number, name in enumerate(("olga", "nobody")):
        address = f"198.51.100.{number}"
        for _ in range(5):
            with pytest.raises(UnauthenticatedError):
                await auth.sign_in(name, "wrong", address)
        with pytest.raises(TooManyAttemptsError) as refused:
            await auth.sign_in(name, "wrong", address)
        told.append((str(refused.value), dict(refused.value.facts)))
    assert told[0] == told[1]


async def test_sign_ins_and_refusals_are_on_record_without_the_password(stored_auth: AuthService) -> None:
    session_id = await opened(stored_auth)
    with pytest.raises(UnauthenticatedError):
        await stored_auth.sign_in("olga", "the wrong one", "198.51.100.1")
    await stored_auth.sign_out(await stored_auth.actor_of_session(session_id, HERE.address))
    async with stored_auth.people._work(EVERY_SITE) as work:
        trail = await work.audit.after(None, 100)
    of_sessions = [(entry.action, entry.name, entry.address) for entry in trail if entry.subject == "session"]
    assert of_sessions == [
        ("sessions.opened", "olga", HERE.address),
        ("sessions.refused", "olga", "198.51.100.1"),
        ("sessions.ended", "olga", HERE.address),
    ]
    assert "the wrong one" not in repr(trail)
    assert PASSWORD not in repr(trail)


# --- pages that nobody touches --------------------------------------------------------------------------------------


async def test_a_page_that_nobody_touches_ends_after_an_hour_however_much_it_asks(
    auth: AuthService, clock: HandClock
) -> None:
    session_id = await opened(auth)
    for _ in range(60):
        await clock.advance(60)
        await auth.actor_of_session(session_id)
    await clock.advance(91)
    with pytest.raises(UnauthenticatedError):
        await auth.actor_of_session(session_id)


async def test_refreshing_is_no_sign_of_a_person(auth: AuthService, clock: HandClock) -> None:
    progress = await auth.begin_sign_in("olga", PASSWORD, HERE)
    assert progress.signed_in is not None
    signed_in = progress.signed_in
    for _ in range(6):
        await clock.advance(600)
        signed_in = await auth.refresh(signed_in.refresh_token or "")
    await clock.advance(91)
    with pytest.raises(UnauthenticatedError):
        await auth.refresh(signed_in.refresh_token or "")


async def test_a_touched_page_goes_on(auth: AuthService, clock: HandClock) -> None:
    session_id = await opened(auth)
    for _ in range(8):
        await clock.advance(50 * 60)
        await auth.note_activity(await auth.actor_of_session(session_id))
    assert (await auth.actor_of_session(session_id)).name == "olga"


async def test_activity_is_seen_by_another_process(
    stored_auth: AuthService, work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher
) -> None:
    session_id = await opened(stored_auth)
    beside = AuthService(work, clock, Settings(data_dir=tmp_path / "data"), hasher)
    await beside.actor_of_session(session_id)
    await clock.advance(59 * 60)
    await stored_auth.note_activity(await stored_auth.actor_of_session(session_id))
    await clock.advance(10 * 60)
    assert (await beside.actor_of_session(session_id)).name == "olga"


async def test_screens_of_viewers_and_programs_stay_untouched(auth: AuthService, clock: HandClock) -> None:
    viewer = await opened(auth, "vera")
    program = (await auth.sign_in("olga", PASSWORD, HERE.address)).session_id
    assert auth.idle_s(await auth.actor_of_session(viewer)) is None
    for _ in range(11):
        await clock.advance(3600)
        await auth.actor_of_session(viewer)
        await auth.actor_of_session(program)
        await auth.note_activity(await auth.actor_of_session(program))  # It has no page, and gets none by saying so.
    await clock.advance(3600)
    await auth.actor_of_session(program)


async def test_settings_say_how_long_a_page_may_be_left_and_whose_never_end(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher, auth: AuthService
) -> None:
    short = AuthSettings(idle_minutes=5, idle_exempt_roles=(Role.OPERATOR,))
    strict = AuthService(sqlite_work, clock, Settings(data_dir=tmp_path / "data", auth=short), hasher)
    never = AuthService(
        sqlite_work, clock, Settings(data_dir=tmp_path / "data", auth=AuthSettings(idle_minutes=0)), hasher
    )
    operator, viewer = await opened(strict, "olga"), await opened(strict, "vera")
    assert strict.idle_s(await strict.actor_of_session(viewer)) == 300
    await clock.advance(391)
    await strict.actor_of_session(operator)
    with pytest.raises(UnauthenticatedError):
        await strict.actor_of_session(viewer)
    assert never.idle_s(await never.actor_of_session(operator)) is None
