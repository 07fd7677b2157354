"""Passwords that a real OpenLDAP server checks, and the accounts that come of it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role
from pdm_app.domain.directories import DirectoryAwayError, Doors
from pdm_app.domain.errors import InvalidInputError, TooManyAttemptsError, UnauthenticatedError
from pdm_app.services.auth import AuthService
from pdm_app.services.directory_people import NotAdmittedError
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.sessions import SignedIn
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.slapd import ADA_PASSWORD, GROUPS, PEOPLE, Slapd, find_slapd
from tests.services.directory_plant import doors_to, ldap_directory

PASSWORD = "copper lantern drifts"
HERE = "192.0.2.7"
ENGINEERS = f"cn=Engineers,{GROUPS}"


@pytest.fixture(scope="module")
def slapd(need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    need("slapd", find_slapd())
    server = Slapd(tmp_path_factory.mktemp("slapd"))
    server.create()
    server.start()
    yield server
    server.stop()


class Installation:
    """The product's sign-in over one directory, whose settings a test may choose."""

    def __init__(
        self, work: SqlUnitOfWork, clock: HandClock, hasher: PasswordHasher, folder: Path, slapd: Slapd
    ) -> None:
        self.work, self.clock, self.slapd = work, clock, slapd
        self._hasher, self._folder = hasher, folder
        self._doors: list[Doors] = []

    def auth(self, **more: Any) -> AuthService:
        """A process of the product, with these settings of the directory."""
        doors = doors_to(self.clock, ldap_directory(self.slapd, **more))
        self._doors.append(doors)
        return AuthService(self.work, self.clock, Settings(data_dir=self._folder / "data"), self._hasher, doors=doors)

    async def audited(self, action: str) -> list[str]:
        async with self.work(EVERY_SITE) as work:
            entries = await work.audit.after(None, 500)
        return [entry.reason for entry in entries if entry.action == action]

    async def close(self) -> None:
        for doors in self._doors:
            await doors.close()


@pytest.fixture
async def here(
    sqlite_work: SqlUnitOfWork, clock: HandClock, hasher: PasswordHasher, tmp_path: Path, slapd: Slapd
) -> AsyncIterator[Installation]:
    installation = Installation(sqlite_work, clock, hasher, tmp_path, slapd)
    yield installation
    await installation.close()


async def ada_signs_in(auth: AuthService, address: str = HERE) -> SignedIn:
    return await auth.sign_in("ada", ADA_PASSWORD, address)


async def test_the_first_sign_in_makes_an_account_with_the_role_and_sites_of_the_groups(here: Installation) -> None:
    user = (await ada_signs_in(here.auth())).user
    assert (user.username, user.display_name, user.role, user.site_ids) == (
        "ada",
        "Ada Łovelace",
        Role.ENGINEER,
        ("pune",),
    )
    assert await here.audited("users.created") == ["first sign-in with Plant directory"]
    again = (await ada_signs_in(here.auth())).user
    assert again == user
    assert len(await here.audited("users.created")) == 1


async def test_an_account_of_the_directory_follows_its_groups_at_each_sign_in(here: Installation) -> None:
    await ada_signs_in(here.auth())
    user = (
        await ada_signs_in(
            here.auth(nested_groups="each", rules=[{"group": "Staff", "role": "viewer", "site_ids": ["*"]}])
        )
    ).user
    assert user.role is Role.VIEWER
    assert set(user.site_ids) > {"pune"}
    assert await here.audited("users.changed") == ["the groups in Plant directory"]


async def test_the_first_rule_that_fits_decides_and_a_whole_dn_means_that_group_alone(here: Installation) -> None:
    rules = [
        {"group": "cn=Engineers,ou=elsewhere,dc=plant,dc=example", "role": "admin"},
        {"group": f"CN=engineers, {GROUPS.upper()}", "role": "technician"},
        {"group": "*", "role": "viewer"},
    ]
    assert (await ada_signs_in(here.auth(rules=rules))).user.role is Role.TECHNICIAN
    assert (await here.auth(rules=rules).sign_in("bob", "bob likes bridges", HERE)).user.role is Role.VIEWER


async def test_somebody_in_no_group_of_a_rule_is_told_so_and_gets_no_account(here: Installation) -> None:
    with pytest.raises(NotAdmittedError, match="none of your groups"):
        await here.auth().sign_in("bob", "bob likes bridges", HERE)
    assert await here.audited("sessions.refused") == ["Plant directory: no_rule"]
    async with here.work(EVERY_SITE) as work:
        assert await work.users.by_username("bob") is None


async def test_no_account_is_made_where_the_settings_say_so(here: Installation) -> None:
    with pytest.raises(NotAdmittedError, match="no account here"):
        await ada_signs_in(here.auth(create_people=False))


async def test_wrong_and_empty_passwords_and_unknown_names_sound_alike(here: Installation) -> None:
    auth = here.auth()
    texts: set[str] = set()
    for name, password in (
        ("ada", "wrong"),
        ("ada", ""),
        ("nobody", "wrong"),
        ("*", ADA_PASSWORD),
        ("a*", "x"),
        ("ada)(uid=*", "x"),
    ):
        with pytest.raises(UnauthenticatedError) as caught:
            await auth.sign_in(name, password, f"192.0.2.{len(texts)}")
        texts.add(caught.value.message)
    assert len(texts) == 1


async def test_the_directory_hears_of_fewer_wrong_passwords_than_lock_an_account_there(here: Installation) -> None:
    auth = here.auth(username_attributes=["uid", "mail"])
    for name, address in (("ada", "192.0.2.1"), ("Ada@plant.example", "192.0.2.2"), ("ADA", "192.0.2.3")):
        with pytest.raises(UnauthenticatedError):
            await auth.sign_in(name, "wrong", address)
    before = here.slapd.log.count(f'BIND dn="uid=ada,{PEOPLE}" method=128')
    for _ in range(2):
        with pytest.raises(TooManyAttemptsError):
            await auth.sign_in("ada", ADA_PASSWORD, "192.0.2.4")
    assert here.slapd.log.count(f'BIND dn="uid=ada,{PEOPLE}" method=128') == before
    await here.clock.advance(30 * 60 + 1)
    await ada_signs_in(auth)


async def test_our_own_limits_hold_for_the_directory_too(here: Installation) -> None:
    auth = here.auth(failures_max=100)
    for _ in range(5):
        with pytest.raises(UnauthenticatedError):
            await auth.sign_in("ada", "wrong", HERE)
    with pytest.raises(TooManyAttemptsError):
        await ada_signs_in(auth)
    await ada_signs_in(auth, "192.0.2.8")


async def test_while_the_directory_is_away_accounts_made_here_sign_in_and_the_others_are_told(
    here: Installation,
) -> None:
    auth = here.auth(url="ldaps://127.0.0.1:1")
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    await auth.sign_in("olga", PASSWORD, HERE)
    with pytest.raises(DirectoryAwayError, match="Plant directory does not answer"):
        await ada_signs_in(auth)
    for _ in range(6):  # Nobody guessed wrong, so nobody has to wait.
        with pytest.raises(DirectoryAwayError):
            await ada_signs_in(auth)


async def test_a_password_of_an_account_made_here_is_never_shown_to_the_directory(here: Installation) -> None:
    auth = here.auth()
    await auth.people.add(SYSTEM, "ada", PASSWORD, Role.VIEWER)
    before = here.slapd.log.count("SRCH")
    assert (await auth.sign_in("ada", PASSWORD, HERE)).user.role is Role.VIEWER
    with pytest.raises(UnauthenticatedError):
        await ada_signs_in(auth)
    assert here.slapd.log.count("SRCH") == before


async def test_an_account_that_was_deactivated_or_deleted_here_stays_out(here: Installation) -> None:
    auth = here.auth()
    await ada_signs_in(auth)
    await auth.people.deactivate(SYSTEM, "ada")
    with pytest.raises(NotAdmittedError, match="deactivated"):
        await ada_signs_in(auth)
    await auth.people.delete(SYSTEM, "ada")
    with pytest.raises(NotAdmittedError, match="deactivated"):
        await ada_signs_in(auth)


async def test_a_person_here_is_recognised_by_address_only_where_the_settings_allow_it(here: Installation) -> None:
    auth = here.auth()
    olga = await auth.people.add(SYSTEM, "olga", PASSWORD, Role.MANAGER)
    async with here.work(EVERY_SITE) as work:
        await work.identities.put_email(olga.id, "ada@plant.example")
        await work.commit()
    assert (await ada_signs_in(auth)).user.id != olga.id
    async with here.work(EVERY_SITE) as work:
        subject = (await work.identities.all())[0].subject
        await work.identities.remove("plant", subject)
        await work.commit()
    linked = (await ada_signs_in(here.auth(link_by_email=True))).user
    assert linked.id == olga.id
    assert linked.role is Role.MANAGER  # What was given here stands.
    await auth.sign_in("olga", PASSWORD, HERE)  # And so does the password.


async def test_the_last_admin_is_not_taken_away_by_a_rule(here: Installation) -> None:
    auth = here.auth(rules=[{"group": "Engineers", "role": "admin"}])
    progress = await auth.begin_sign_in("ada", ADA_PASSWORD, visit())
    assert progress.step == "enrol"  # Our second factor, which no directory of passwords replaces.
    user = (await auth.people.all(SYSTEM))[0]
    assert user.role is Role.ADMIN
    demoted = here.auth(rules=[{"group": "Engineers", "role": "viewer"}])
    await demoted.begin_sign_in("ada", ADA_PASSWORD, visit())
    assert (await auth.people.all(SYSTEM))[0].role is Role.ADMIN
    await auth.people.add(SYSTEM, "root", PASSWORD, Role.ADMIN)
    await demoted.begin_sign_in("ada", ADA_PASSWORD, visit())
    assert {person.username: person.role for person in await auth.people.all(SYSTEM)}["ada"] is Role.VIEWER


async def test_a_password_of_the_directory_is_not_changed_here(here: Installation) -> None:
    auth = here.auth()
    signed_in = await ada_signs_in(auth)
    actor = await auth.actor_of_session(signed_in.session_id)
    assert (await auth.profile.confirm(actor, ADA_PASSWORD)).username == "ada"
    with pytest.raises(InvalidInputError):
        await auth.profile.confirm(actor, "wrong")
    with pytest.raises(InvalidInputError, match="company's directory"):
        await auth.profile.change_password(actor, ADA_PASSWORD, PASSWORD)


# --- open sessions ---------------------------------------------------------------------------------------------------


async def test_a_session_ends_at_its_next_renewal_once_its_owner_is_gone(here: Installation) -> None:
    auth = here.auth()
    signed_in = await ada_signs_in(auth)
    here.slapd.modify(f"dn: {ENGINEERS}\nchangetype: modify\nreplace: member\nmember: uid=bob,{PEOPLE}\n")
    try:
        signed_in = await renewed(auth, signed_in)  # The answer of the sign-in is young enough.
        await here.clock.advance(601)
        with pytest.raises(UnauthenticatedError):
            await renewed(auth, signed_in)
        with pytest.raises(UnauthenticatedError):
            await auth.actor_of_session(signed_in.session_id)
        assert await here.audited("sessions.not_renewed") == ["Plant directory does not vouch for it any more"]
    finally:
        here.slapd.modify(f"dn: {ENGINEERS}\nchangetype: modify\nreplace: member\nmember: uid=ada,{PEOPLE}\n")


async def test_a_session_takes_over_the_role_of_now_when_it_is_renewed(here: Installation) -> None:
    signed_in = await ada_signs_in(here.auth())
    later = here.auth(rules=[{"group": "*", "role": "viewer", "site_ids": ["pune"]}])
    assert (await later.actor_of_session(signed_in.session_id)).role is Role.ENGINEER
    await here.clock.advance(601)
    await renewed(later, signed_in)
    assert (await later.actor_of_session(signed_in.session_id)).role is Role.VIEWER


async def test_while_the_directory_is_away_sessions_go_on(here: Installation) -> None:
    signed_in = await ada_signs_in(here.auth())
    await here.clock.advance(601)
    signed_in = await renewed(here.auth(url="ldaps://127.0.0.1:1"), signed_in)
    assert (await here.auth().actor_of_session(signed_in.session_id)).name == "ada"


async def test_a_session_of_a_directory_that_is_no_more_in_the_settings_ends(here: Installation) -> None:
    signed_in = await ada_signs_in(here.auth())
    with pytest.raises(UnauthenticatedError):
        await renewed(here.auth(id="other"), signed_in)


async def test_a_session_by_a_password_of_ours_is_none_of_the_directory(here: Installation) -> None:
    auth = here.auth(url="ldaps://127.0.0.1:1")
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    signed_in = await auth.sign_in("olga", PASSWORD, HERE)
    await here.clock.advance(601)
    await renewed(auth, signed_in)


async def renewed(auth: AuthService, signed_in: SignedIn) -> SignedIn:
    assert signed_in.refresh_token is not None
    return await auth.refresh(signed_in.refresh_token)


def visit() -> Any:
    from pdm_app.services.sign_in import Visit

    return Visit(HERE, "Firefox", has_page=True)
