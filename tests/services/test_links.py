"""One-time links: invitations and new passwords, good once, for a while, and for nothing else."""

import asyncio
from pathlib import Path

import pyotp
import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Actor, Role, Scope
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    TooManyAttemptsError,
    UnauthenticatedError,
)
from pdm_app.services.auth import AuthService
from pdm_app.services.links import NOT_GOOD, NewLink
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.sign_in import Progress, Step, Visit
from pdm_app.services.tokens import token_hash
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD, OTHER = "copper lantern drifts", "granite whispers twice"
HERE = Visit("192.0.2.7", "Firefox", has_page=True)
HOUR = 3600


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


def token(link: NewLink) -> str:
    page, _, token = link.path.partition("#")
    assert page == "/accept"
    return token


async def invited(auth: AuthService) -> NewLink:
    return await auth.links.invite(SYSTEM, "nina", Role.ENGINEER, "Nina", ("pune",))


async def state_of(auth: AuthService, username: str) -> str:
    return next(
        view.state for view in await auth.users.all(SYSTEM, with_deleted=True) if view.user.username == username
    )


async def accept(auth: AuthService, link: NewLink, password: str = PASSWORD) -> Progress:
    return await auth.accept_link(token(link), password, HERE)


async def test_an_invited_person_sets_a_password_and_is_in(auth: AuthService) -> None:
    link = await invited(auth)
    assert await state_of(auth, "nina") == "invited"
    view = await auth.link_view(token(link), HERE.address)
    assert (view.username, view.purpose) == ("nina", "invite")
    done = await accept(auth, link)
    assert done.signed_in is not None
    actor = await auth.actor_of_session(done.signed_in.session_id)
    assert (actor.name, actor.role, actor.scope.sites) == ("nina", Role.ENGINEER, frozenset({"pune"}))
    assert await state_of(auth, "nina") == "active"
    await auth.sign_in("nina", PASSWORD, HERE.address)


async def test_before_that_nobody_gets_in_as_if_there_were_no_such_user(auth: AuthService) -> None:
    await invited(auth)
    told = []
    for name in ("nina", "nobody"):
        with pytest.raises(UnauthenticatedError) as refused:
            await auth.sign_in(name, PASSWORD, HERE.address)
        told.append(str(refused.value))
    assert told[0] == told[1]


async def test_a_link_works_once_even_for_two_at_the_same_moment(stored_auth: AuthService) -> None:
    link = await invited(stored_auth)
    outcomes = await asyncio.gather(accept(stored_auth, link), accept(stored_auth, link, OTHER), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Progress", "UnauthenticatedError"]
    with pytest.raises(UnauthenticatedError):
        await accept(stored_auth, link, "velvet orchard hums")


async def test_a_weak_password_leaves_the_link_good(auth: AuthService) -> None:
    link = await invited(auth)
    with pytest.raises(InvalidInputError, match="contains the username"):
        await accept(auth, link, "nina is my name")
    assert (await accept(auth, link)).signed_in is not None


async def test_unknown_used_replaced_expired_and_dead_links_are_refused_in_the_same_words(
    stored_auth: AuthService, clock: HandClock
) -> None:
    used = await invited(stored_auth)
    await accept(stored_auth, used)
    replaced = await stored_auth.links.renew(SYSTEM, "nina")
    dead = await stored_auth.links.renew(SYSTEM, "nina")
    await stored_auth.people.deactivate(SYSTEM, "nina")
    expired = await stored_auth.links.renew(SYSTEM, "olga")
    await clock.advance(24 * HOUR + 1)
    for bad in (token(used), token(replaced), token(dead), token(expired), "", "x" * 43, "\x00", "é" * 5_000):
        with pytest.raises(UnauthenticatedError) as refused:
            await stored_auth.link_view(bad, f"192.0.2.{len(bad) % 200}")
        assert str(refused.value) == NOT_GOOD
        with pytest.raises(UnauthenticatedError) as refused:
            await stored_auth.accept_link(bad, OTHER, HERE)
        assert str(refused.value) == NOT_GOOD
    await stored_auth.sign_in("olga", PASSWORD, HERE.address)


async def test_an_invitation_lasts_three_days_and_can_be_renewed(auth: AuthService, clock: HandClock) -> None:
    link = await invited(auth)
    await clock.advance(72 * HOUR - 1)
    await auth.link_view(token(link), HERE.address)
    await clock.advance(1)
    with pytest.raises(UnauthenticatedError):
        await auth.link_view(token(link), HERE.address)
    again = await auth.links.renew(SYSTEM, "nina")
    assert again.purpose == "invite"
    assert (await accept(auth, again)).signed_in is not None


async def test_a_reset_link_ends_all_sessions_when_it_is_used_and_not_before(stored_auth: AuthService) -> None:
    signed_in = await stored_auth.sign_in("olga", PASSWORD, HERE.address)
    link = await stored_auth.links.renew(SYSTEM, "olga")
    assert link.purpose == "reset"
    await stored_auth.actor_of_session(signed_in.session_id)
    await stored_auth.sign_in("olga", PASSWORD, HERE.address)
    with pytest.raises(InvalidInputError, match="the password of before"):
        await accept(stored_auth, link, PASSWORD)
    await accept(stored_auth, link, OTHER)
    with pytest.raises(UnauthenticatedError):
        await stored_auth.actor_of_session(signed_in.session_id)
    with pytest.raises(UnauthenticatedError):
        await stored_auth.sign_in("olga", PASSWORD, HERE.address)


async def test_a_reset_link_is_no_way_around_the_second_factor(auth: AuthService, clock: HandClock) -> None:
    actor = await auth.actor_of_session((await auth.sign_in("olga", PASSWORD, HERE.address)).session_id)
    totp = pyotp.TOTP((await auth.profile.begin_mfa(actor, PASSWORD)).typed.replace(" ", ""))
    await auth.profile.confirm_mfa(actor, totp.at(int(clock.now()) // 1_000_000))
    progress = await accept(auth, await auth.links.renew(SYSTEM, "olga"), OTHER)
    assert (progress.step, progress.signed_in) == (Step.CODE, None)


async def test_guessing_links_makes_an_address_wait(auth: AuthService) -> None:
    for number in range(50):
        with pytest.raises(UnauthenticatedError):
            await auth.link_view(f"guess {number}", HERE.address)
    with pytest.raises(TooManyAttemptsError):
        await auth.link_view("guess", HERE.address)


async def test_only_the_hash_of_a_link_is_stored_and_none_of_it_is_on_record(auth: AuthService) -> None:
    link = await invited(auth)
    async with auth.people._work(EVERY_SITE) as work:
        rows = await work.credentials.links()
        trail = repr(await work.audit.after(None, 100))
    assert [row.token_hash for row in rows] == [token_hash(token(link))]
    assert "users.invited" in trail
    assert token(link) not in trail
    assert token_hash(token(link)) not in trail


async def test_what_cannot_be_invited_says_why(auth: AuthService) -> None:
    with pytest.raises(ConflictError, match="olga is taken"):
        await auth.links.invite(SYSTEM, "olga", Role.VIEWER)
    with pytest.raises(InvalidInputError, match="belongs to devices"):
        await auth.links.invite(SYSTEM, "robot", Role.SERVICE)
    with pytest.raises(InvalidInputError, match="There is no site 'mars'"):
        await auth.links.invite(SYSTEM, "nina", Role.VIEWER, site_ids=("mars",))
    with pytest.raises(NotFoundError):
        await auth.links.renew(SYSTEM, "nobody")
    await auth.people.deactivate(SYSTEM, "olga")
    with pytest.raises(InvalidInputError, match="Activate the account first"):
        await auth.links.renew(SYSTEM, "olga")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_admins_make_links(auth: AuthService, role: Role) -> None:
    somebody = Actor(id="x", name="x", role=role, scope=Scope(sites=frozenset()), permissions=ROLE_PERMISSIONS[role])
    with pytest.raises(PermissionDeniedError):
        await auth.links.invite(somebody, "eve", Role.ADMIN)
    with pytest.raises(PermissionDeniedError):
        await auth.links.renew(somebody, "olga")


async def test_a_password_given_by_somebody_else_is_replaced_at_the_first_sign_in(auth: AuthService) -> None:
    await auth.people.add(SYSTEM, "tom", PASSWORD, Role.TECHNICIAN, must_change=True)
    progress = await auth.begin_sign_in("tom", PASSWORD, HERE)
    assert (progress.step, progress.signed_in) == (Step.PASSWORD, None)
    for weak in (PASSWORD, "short", "tom"):
        with pytest.raises(InvalidInputError):
            await auth.proceed(progress.challenge, weak, HERE)
    assert (await auth.proceed(progress.challenge, OTHER, HERE)).signed_in is not None
    with pytest.raises(UnauthenticatedError):  # The challenge was for the password of then.
        await auth.proceed(progress.challenge, "velvet orchard hums", HERE)
    assert (await auth.begin_sign_in("tom", OTHER, HERE)).signed_in is not None
