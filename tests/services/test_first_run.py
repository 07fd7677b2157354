"""The one-time link, the chooser and the first admin; the demo's accounts."""

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role
from pdm_app.domain.errors import ConflictError, InvalidInputError, UnauthenticatedError
from pdm_app.services.auth import AuthService
from pdm_app.services.demo_accounts import PEOPLE
from pdm_app.services.first_run import SetupRequest
from pdm_app.services.passwords import PasswordHasher
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
HERE = "127.0.0.1"

Make = Callable[..., AuthService]


@pytest.fixture
def make(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> Make:
    def make(*, demo: bool = False) -> AuthService:
        return AuthService(work, clock, Settings(data_dir=tmp_path / "data", demo=demo), hasher)

    return make


def token_of(link: str | None) -> str:
    assert link is not None
    return parse_qs(urlsplit(link).query)["token"][0]


def empty(token: str, **changed: str) -> SetupRequest:
    return SetupRequest.model_validate(
        {"token": token, "choice": "empty", "username": "ada", "password": PASSWORD, **changed}
    )


async def test_the_link_makes_the_first_admin_and_signs_in(make: Make) -> None:
    auth = make()
    assert (await auth.setup_state()).needs_setup
    link = await auth.setup_link("http://127.0.0.1:8000/")
    assert link is not None
    assert link.startswith("http://127.0.0.1:8000/setup?token=")
    token = token_of(link)
    assert (await auth.setup_state(token)).link_is_good
    signed_in = await auth.set_up(empty(token), HERE)
    actor = await auth.actor_of_access(signed_in.access_token)
    assert (actor.name, actor.role, actor.scope) == ("ada", Role.ADMIN, EVERY_SITE)
    assert not (await auth.setup_state()).needs_setup
    with pytest.raises(UnauthenticatedError, match="one more step to sign in: enrol"):  # An app, from now on.
        await auth.sign_in("ada", PASSWORD, HERE)


async def test_set_up_and_the_session_it_opens_are_on_record_without_password_or_link(
    make: Make, work: SqlUnitOfWork
) -> None:
    auth = make()
    token = token_of(await auth.setup_link("http://x"))
    with pytest.raises(UnauthenticatedError):
        await auth.set_up(empty("x" * 43), HERE)
    await auth.set_up(empty(token), HERE)
    async with work(EVERY_SITE) as transaction:
        entries = await transaction.audit.after(None, 10)
    assert [(entry.action, entry.actor, entry.address) for entry in entries] == [
        ("setup.completed", "ada", HERE),
        ("sessions.opened", "ada", HERE),
    ]
    written = "".join(entry.model_dump_json() for entry in entries)
    assert PASSWORD not in written
    assert token not in written


async def test_after_set_up_there_is_no_further_link_and_the_old_one_is_dead(make: Make) -> None:
    auth = make()
    token = token_of(await auth.setup_link("http://x"))
    await auth.set_up(empty(token), HERE)
    assert await auth.setup_link("http://x") is None
    assert not (await auth.setup_state(token)).link_is_good
    with pytest.raises(ConflictError, match="done already"):
        await auth.set_up(empty(token, username="eve"), HERE)


async def test_of_two_people_with_one_link_one_becomes_admin(make: Make) -> None:
    auth = make()
    token = token_of(await auth.setup_link("http://x"))
    outcomes = await asyncio.gather(
        *(auth.set_up(empty(token, username=name), HERE) for name in ("ada", "eve", "mallory")), return_exceptions=True
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert all(
        isinstance(outcome, (ConflictError, UnauthenticatedError))
        for outcome in outcomes
        if isinstance(outcome, BaseException)
    )
    assert len(await auth.people.all(SYSTEM)) == 1


async def test_a_new_link_replaces_the_one_before(make: Make) -> None:
    auth = make()
    old, new = token_of(await auth.setup_link("http://x")), token_of(await auth.setup_link("http://x"))
    with pytest.raises(UnauthenticatedError, match="used or replaced"):
        await auth.set_up(empty(old), HERE)
    await auth.set_up(empty(new), HERE)


@pytest.mark.parametrize("token", ["", "guess", "é", "x" * 200])
async def test_a_guessed_token_makes_no_admin(make: Make, token: str) -> None:
    auth = make()
    await auth.setup_link("http://x")
    assert not (await auth.setup_state(token)).link_is_good
    with pytest.raises(UnauthenticatedError):
        await auth.set_up(empty(token), HERE)
    assert await auth.people.all(SYSTEM) == ()


async def test_only_the_hash_of_the_token_is_stored(make: Make, work: SqlUnitOfWork) -> None:
    token = token_of(await make().setup_link("http://x"))
    async with work(EVERY_SITE) as transaction:
        stored = await transaction.users.value("setup.token_hash")
    assert stored is not None
    assert token not in stored
    assert len(stored) == 64


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"username": ""}, "username"),
        ({"username": "A B"}, "username"),
        ({"username": "-ada"}, "username"),
        ({"choice": "explore"}, "choice"),
    ],
)
async def test_a_form_that_cannot_be_used_names_the_field_and_leaves_the_link_good(
    make: Make, changed: dict[str, str], field: str
) -> None:
    auth = make()
    token = token_of(await auth.setup_link("http://x"))
    with pytest.raises(InvalidInputError) as caught:
        await auth.set_up(empty(token, **changed), HERE)
    assert caught.value.issues[0].field == field
    assert (await auth.setup_state(token)).link_is_good


async def test_an_admin_made_on_the_command_line_ends_set_up(make: Make) -> None:
    auth = make()
    token = token_of(await auth.setup_link("http://x"))
    await auth.people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    assert not (await auth.setup_state(token)).needs_setup
    with pytest.raises(ConflictError):
        await auth.set_up(empty(token, username="eve"), HERE)


async def test_exploring_the_demo_signs_in_as_its_admin(make: Make) -> None:
    auth = make(demo=True)
    await auth.ensure_demo_accounts()
    state = await auth.setup_state()
    assert (state.needs_setup, state.demo, state.choices) == (True, True, ("explore",))
    token = token_of(await auth.setup_link("http://x"))
    signed_in = await auth.set_up(SetupRequest(token=token, choice="explore"), HERE)
    assert (signed_in.user.username, signed_in.user.role) == ("ada.admin", Role.ADMIN)
    assert not (await auth.setup_state()).needs_setup


async def test_exploring_with_an_account_of_ones_own_makes_that_admin(make: Make) -> None:
    auth = make(demo=True)
    await auth.ensure_demo_accounts()
    token = token_of(await auth.setup_link("http://x"))
    signed_in = await auth.set_up(
        SetupRequest(token=token, choice="explore", username="grace", password=PASSWORD), HERE
    )
    assert (signed_in.user.username, signed_in.user.role) == ("grace", Role.ADMIN)


async def test_the_demo_accounts_sign_in_with_the_passwords_shown_on_this_machine_only(make: Make) -> None:
    auth = make(demo=True)
    await auth.ensure_demo_accounts()
    assert auth.demo_accounts(is_on_this_machine=False) == ()
    accounts = auth.demo_accounts(is_on_this_machine=True)
    assert [account.username for account in accounts] == [
        "olga.operator", "tom.tech", "erin.engineer", "max.manager", "ada.admin",
    ]  # fmt: skip
    for account in accounts:
        signed_in = await auth.sign_in(account.username, account.password, HERE)
        assert signed_in.user.role is account.role
    assert make(demo=False).demo_accounts(is_on_this_machine=True) == ()


async def test_the_demo_passwords_differ_in_every_data_directory_and_only_their_owner_may_read_them(
    make: Make, tmp_path: Path
) -> None:
    auth = make(demo=True)
    await auth.ensure_demo_accounts()
    path = tmp_path / "data" / "demo_accounts.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = json.loads(path.read_text())
    assert len(set(first.values())) == len(PEOPLE)
    path.unlink()
    await auth.ensure_demo_accounts()
    second = json.loads(path.read_text())
    assert not set(first.values()) & set(second.values())
    for username, password in second.items():
        await auth.sign_in(username, password, HERE)


async def test_ensuring_the_accounts_again_changes_nothing(make: Make, work: SqlUnitOfWork) -> None:
    auth = make(demo=True)
    await auth.ensure_demo_accounts()
    shown = auth.demo_accounts(is_on_this_machine=True)
    async with work(EVERY_SITE) as transaction:
        before = {user.id: await transaction.users.password_hash(user.id) for user in await transaction.users.all()}
    await auth.ensure_demo_accounts()
    async with work(EVERY_SITE) as transaction:
        after = {user.id: await transaction.users.password_hash(user.id) for user in await transaction.users.all()}
    assert after == before
    assert auth.demo_accounts(is_on_this_machine=True) == shown


async def test_the_technician_sees_one_site_and_the_others_see_both(make: Make) -> None:
    auth = make(demo=True)
    await auth.ensure_demo_accounts()
    sites = {user.username: set(user.site_ids) for user in await auth.people.all(SYSTEM)}
    assert sites["tom.tech"] == {"graz"}
    assert sites["olga.operator"] == sites["erin.engineer"] == sites["max.manager"] == {"graz", "pune"}
