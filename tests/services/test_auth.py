"""Sign-in, sessions and their ends, on real databases."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Permission, Role
from pdm_app.domain.errors import (
    NotFoundError,
    PdmError,
    TooManyAttemptsError,
    UnauthenticatedError,
    UnavailableError,
)
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher, Verdict
from pdm_app.services.sessions import SignedIn
from pdm_app.services.tokens import SigningKeyError, signing_key
from pdm_app.settings import AuthSettings, Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
HERE = "192.0.2.7"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
async def auth(work: SqlUnitOfWork, clock: HandClock, settings: Settings, hasher: PasswordHasher) -> AuthService:
    auth = AuthService(work, clock, settings, hasher)
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    return auth


async def refused(awaitable: Any) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        await awaitable
    return str(caught.value)


async def test_a_right_password_opens_a_session_with_the_rights_of_the_role(auth: AuthService) -> None:
    signed_in = await auth.sign_in(" Olga ", PASSWORD, HERE, "Firefox")
    actor = await auth.actor_of_access(signed_in.access_token, address=HERE)
    assert (actor.name, actor.role, actor.address) == ("olga", Role.OPERATOR, HERE)
    assert actor.scope.sites == frozenset({"pune"})
    assert Permission.ALARMS_ACKNOWLEDGE in actor.permissions
    assert Permission.USERS_CONFIGURE not in actor.permissions


async def test_a_wrong_password_and_an_unknown_user_read_alike_and_cost_the_same_work(
    auth: AuthService, hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str | None] = []
    hashed = hasher._verify

    def counted(password: str, stored_hash: str | None) -> Verdict:
        verified.append(stored_hash)
        return hashed(password, stored_hash)

    monkeypatch.setattr(hasher, "_verify", counted)
    wrong = await refused(auth.sign_in("olga", "not the password", HERE))
    unknown = await refused(auth.sign_in("nobody", "not the password", HERE))
    assert wrong == unknown
    assert len(verified) == 2
    assert verified[0] is not None
    assert verified[1] is None


async def test_the_dummy_hash_has_the_parameters_of_real_ones(hasher: PasswordHasher) -> None:
    await hasher.warm_up()
    real = await hasher.hash(PASSWORD)
    assert hasher._dummy_hash is not None
    assert real.split("$")[1:4] == hasher._dummy_hash.split("$")[1:4]


async def test_the_event_loop_turns_while_a_password_is_hashed(auth: AuthService) -> None:
    slow = PasswordHasher(memory_kib=65_536, passes=4)
    turns = 0
    hashing = asyncio.ensure_future(slow.hash(PASSWORD))
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    slow.close()
    assert turns > 100


async def test_a_deactivated_user_is_refused_as_if_unknown_and_their_sessions_end_at_once(auth: AuthService) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    await auth.actor_of_access(signed_in.access_token)
    await auth.people.deactivate(SYSTEM, "olga")
    await refused(auth.actor_of_access(signed_in.access_token))
    assert await refused(auth.sign_in("olga", PASSWORD, HERE)) == await refused(auth.sign_in("nobody", PASSWORD, HERE))


async def test_a_new_password_ends_the_sessions_of_the_old_one(auth: AuthService) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    await auth.actor_of_access(signed_in.access_token)
    await auth.people.set_password(SYSTEM, "olga", "granite whispers twice")
    await refused(auth.actor_of_access(signed_in.access_token))
    await refused(auth.refresh(signed_in.refresh_token or ""))
    await auth.sign_in("olga", "granite whispers twice", HERE)


async def test_after_five_failures_the_account_waits_at_this_address_and_not_at_others(
    auth: AuthService, clock: HandClock
) -> None:
    for _ in range(5):
        await refused(auth.sign_in("olga", "not the password", HERE))
    with pytest.raises(TooManyAttemptsError) as caught:
        await auth.sign_in("olga", PASSWORD, HERE)
    assert caught.value.facts["retry_after_s"] == 301
    await auth.sign_in("olga", PASSWORD, "192.0.2.8")
    await clock.advance(301)
    await auth.sign_in("olga", PASSWORD, HERE)


async def test_an_unknown_user_waits_like_a_known_one(auth: AuthService) -> None:
    for _ in range(5):
        await refused(auth.sign_in("nobody", "not the password", HERE))
    with pytest.raises(TooManyAttemptsError):
        await auth.sign_in("nobody", PASSWORD, HERE)


async def test_guesses_made_at_the_same_time_count_too(auth: AuthService) -> None:
    outcomes = await asyncio.gather(
        *(auth.sign_in("olga", f"guess number {number}", HERE) for number in range(20)), return_exceptions=True
    )
    assert sum(isinstance(outcome, UnauthenticatedError) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, TooManyAttemptsError) for outcome in outcomes) == 15


async def test_one_address_that_tries_many_accounts_waits(auth: AuthService) -> None:
    for number in range(50):
        await refused(auth.sign_in(f"user{number}", "not the password", HERE))
    with pytest.raises(TooManyAttemptsError):
        await auth.sign_in("olga", PASSWORD, HERE)


async def test_an_access_token_ends_after_a_quarter_of_an_hour_but_still_names_its_session(
    auth: AuthService, clock: HandClock
) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    await clock.advance(901)
    await refused(auth.actor_of_access(signed_in.access_token))
    actor = await auth.actor_of_access(signed_in.access_token, allow_expired=True)
    assert actor.name == "olga"


async def test_refreshing_carries_a_session_through_a_shift(auth: AuthService, clock: HandClock) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    for _ in range(12):
        await clock.advance(600 * 4)
        signed_in = await auth.refresh(signed_in.refresh_token or "")
    assert (await auth.actor_of_access(signed_in.access_token)).name == "olga"


async def test_a_session_ends_seven_days_after_sign_in_however_often_it_is_refreshed(
    auth: AuthService, clock: HandClock
) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    for _ in range(7 * 4 - 1):
        await clock.advance(6 * 3600)
        signed_in = await auth.refresh(signed_in.refresh_token or "")
    await clock.advance(6 * 3600)
    await refused(auth.refresh(signed_in.refresh_token or ""))
    await refused(auth.actor_of_session(signed_in.session_id))


async def test_a_session_without_a_page_open_ends_after_twelve_hours(auth: AuthService, clock: HandClock) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    await clock.advance(11 * 3600)
    await auth.actor_of_session(signed_in.session_id)
    await clock.advance(11 * 3600)
    await auth.actor_of_session(signed_in.session_id)
    await clock.advance(12 * 3600)
    await refused(auth.actor_of_session(signed_in.session_id))
    await refused(auth.refresh(signed_in.refresh_token or ""))


async def test_a_refresh_token_used_again_later_ends_the_session_for_thief_and_owner(
    auth: AuthService, clock: HandClock
) -> None:
    first = await auth.sign_in("olga", PASSWORD, HERE)
    second = await auth.refresh(first.refresh_token or "")
    await clock.advance(31)
    await refused(auth.refresh(first.refresh_token or ""))
    await refused(auth.refresh(second.refresh_token or ""))
    await refused(auth.actor_of_access(second.access_token))


async def test_an_older_refresh_token_is_no_excuse_even_at_once(auth: AuthService) -> None:
    first = await auth.sign_in("olga", PASSWORD, HERE)
    second = await auth.refresh(first.refresh_token or "")
    await auth.refresh(second.refresh_token or "")
    await refused(auth.refresh(first.refresh_token or ""))
    await refused(auth.actor_of_session(first.session_id))


async def test_two_tabs_that_refresh_at_once_both_stay_signed_in(auth: AuthService) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    answers: list[SignedIn] = await asyncio.gather(*(auth.refresh(signed_in.refresh_token or "") for _ in range(4)))
    newest = [answer.refresh_token for answer in answers if answer.refresh_token]
    assert len(newest) == 1  # The others keep the one that this answer brings to the shared cookie jar.
    await auth.refresh(newest[0])


async def test_a_forged_refresh_token_ends_nothing(auth: AuthService, settings: Settings, tmp_path: Path) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    token = signed_in.refresh_token or ""
    await refused(auth.refresh(token[:-6] + "abcdef"))
    await refused(auth.refresh(signed_in.access_token))
    await auth.refresh(token)


async def test_signing_out_is_visible_at_once(auth: AuthService) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    actor = await auth.actor_of_access(signed_in.access_token)
    await auth.sign_out(actor)
    await refused(auth.actor_of_session(signed_in.session_id))
    await refused(auth.refresh(signed_in.refresh_token or ""))


async def test_a_session_ended_by_another_process_ends_here_within_seconds(
    auth: AuthService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    await auth.actor_of_session(signed_in.session_id)
    async with work(EVERY_SITE) as transaction:
        await transaction.users.revoke_session(signed_in.session_id, clock.now())
        await transaction.commit()
    await clock.advance(10)
    await refused(auth.actor_of_session(signed_in.session_id))


async def test_people_see_and_end_their_own_sessions_and_no_others(auth: AuthService, clock: HandClock) -> None:
    await auth.people.add(SYSTEM, "tom", PASSWORD, Role.TECHNICIAN, site_ids=["graz"])
    toms = await auth.sign_in("tom", PASSWORD, HERE)
    old = await auth.sign_in("olga", PASSWORD, HERE, "old tablet")
    await clock.advance(1)
    new = await auth.sign_in("olga", PASSWORD, HERE, "Firefox")
    olga = await auth.actor_of_access(new.access_token)
    assert [(view.agent, view.is_current) for view in await auth.sessions(olga)] == [
        ("Firefox", True),
        ("old tablet", False),
    ]
    with pytest.raises(NotFoundError):
        await auth.end_session(olga, toms.session_id)
    await auth.end_session(olga, old.session_id)
    await refused(auth.actor_of_session(old.session_id))
    assert (await auth.actor_of_session(toms.session_id)).name == "tom"
    assert len(await auth.sessions(olga)) == 1


async def test_ending_all_other_sessions_keeps_this_one(auth: AuthService) -> None:
    others = [await auth.sign_in("olga", PASSWORD, HERE) for _ in range(3)]
    mine = await auth.sign_in("olga", PASSWORD, HERE)
    assert await auth.end_other_sessions(await auth.actor_of_access(mine.access_token)) == 3
    await auth.actor_of_session(mine.session_id)
    for other in others:
        await refused(auth.actor_of_session(other.session_id))


async def test_the_oldest_session_makes_room_when_there_are_too_many(
    work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher, auth: AuthService
) -> None:
    strict = AuthService(work, clock, Settings(data_dir=tmp_path / "data", auth=AuthSettings(sessions_max=2)), hasher)
    sessions = []
    for _ in range(3):
        sessions.append(await strict.sign_in("olga", PASSWORD, HERE))
        await clock.advance(1)
    await refused(strict.actor_of_session(sessions[0].session_id))
    await strict.actor_of_session(sessions[1].session_id)
    await strict.actor_of_session(sessions[2].session_id)


async def test_a_session_known_here_outlives_a_database_outage_and_an_unknown_one_waits(
    auth: AuthService, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await auth.sign_in("olga", PASSWORD, HERE)
    unknown = await auth.sign_in("olga", PASSWORD, HERE)
    await auth.actor_of_session(known.session_id)

    def away(_scope: object) -> Any:
        raise UnavailableError("The database does not answer.")

    monkeypatch.setattr(auth._sessions, "_work", away)
    await clock.advance(120)
    assert (await auth.actor_of_session(known.session_id)).name == "olga"
    with pytest.raises(UnavailableError):
        await auth.actor_of_session(unknown.session_id)


async def test_a_database_outage_is_no_failed_attempt(auth: AuthService, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_scope: object) -> Any:
        raise UnavailableError("The database does not answer.")

    with monkeypatch.context() as outage:
        outage.setattr(auth._sign_in, "_work", away)
        for _ in range(10):
            with pytest.raises(UnavailableError):
                await auth.sign_in("olga", PASSWORD, HERE)
    await auth.sign_in("olga", PASSWORD, HERE)


async def test_sessions_survive_a_restart_with_the_same_key(
    auth: AuthService, work: SqlUnitOfWork, clock: HandClock, settings: Settings, hasher: PasswordHasher
) -> None:
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    restarted = AuthService(work, clock, settings, hasher)
    assert (await restarted.actor_of_access(signed_in.access_token)).name == "olga"


def test_the_signing_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    key = signing_key(tmp_path / "data", None)
    path = tmp_path / "data" / "auth.key"
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert signing_key(tmp_path / "data", None) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["auth.key"]


def test_a_given_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert signing_key(tmp_path / "data", SecretStr("k" * 40)) == b"k" * 40
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", ["", "zz", "abcd", "\x00" * 64])
def test_a_damaged_signing_key_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "auth.key").write_text(content)
    with pytest.raises(SigningKeyError, match=r"auth\.key is damaged\. Delete it"):
        signing_key(tmp_path, None)


async def test_the_last_active_admin_cannot_be_deactivated(auth: AuthService) -> None:
    await auth.people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    with pytest.raises(PdmError, match="last active admin"):
        await auth.people.deactivate(SYSTEM, "ada")
    await auth.people.add(SYSTEM, "eve", PASSWORD, Role.ADMIN)
    assert not (await auth.people.deactivate(SYSTEM, "ada")).is_active
