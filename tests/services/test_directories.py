"""What an admin sees and does about directories: checks, trials, secrets, addresses and links."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pdm_app.directories.doors import open_doors
from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role
from pdm_app.domain.directories import DirectoryPerson, DirectoryRule, Doors, IdentityRow, rule_for
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.samples import Micros
from pdm_app.services.auth import AuthService
from pdm_app.services.directories import DirectoryService, directory_secret
from pdm_app.services.directory_people import username_from
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.people import new_user
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.settings import Settings, load_settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.slapd import GROUPS, READER_PASSWORD, Slapd, find_slapd
from tests.services.directory_plant import ldap_directory, oidc_directory

PASSWORD = "copper lantern drifts"


@pytest.fixture(scope="module")
def slapd(need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    need("slapd", find_slapd())
    server = Slapd(tmp_path_factory.mktemp("slapd"))
    server.create()
    server.start()
    yield server
    server.stop()


class Admin:
    """The services an admin uses, over a real LDAP server and a provider that nobody serves."""

    def __init__(
        self, work: SqlUnitOfWork, clock: HandClock, hasher: PasswordHasher, folder: Path, slapd: Slapd
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.work = work
        store = SecretStore(work, clock, key_ring(folder))
        nowhere = oidc_directory("https://127.0.0.1:1", "pdm")
        self.doors: Doors = open_doors(
            [nowhere], [ldap_directory(slapd, nested_groups="each")], clock, directory_secret(work, store)
        )
        self.directories = DirectoryService(work, clock, self.doors, store)
        self.auth = AuthService(work, clock, Settings(data_dir=folder), hasher, doors=self.doors)

    async def person(self, username: str) -> str:
        return (await self.auth.people.add(SYSTEM, username, PASSWORD, Role.VIEWER, site_ids=["pune"])).id

    async def actions(self) -> list[str]:
        async with self.work(EVERY_SITE) as work:
            return [entry.action for entry in await work.audit.after(None, 500)]


@pytest.fixture
async def admin(
    sqlite_work: SqlUnitOfWork, clock: HandClock, hasher: PasswordHasher, tmp_path: Path, slapd: Slapd
) -> AsyncIterator[Admin]:
    admin = Admin(sqlite_work, clock, hasher, tmp_path / "data", slapd)
    yield admin
    await admin.doors.close()


async def test_a_secret_is_used_from_the_next_question_on_and_shown_nowhere(admin: Admin) -> None:
    told = await admin.directories.check(SYSTEM, "plant")
    assert (told.is_good, "no password is stored" in told.problem) == (False, True)
    view = await admin.directories.put_secret(SYSTEM, "plant", READER_PASSWORD)
    assert view.is_ready
    assert READER_PASSWORD not in str(await admin.directories.all(SYSTEM))
    assert (await admin.directories.check(SYSTEM, "plant")).is_good
    assert not (await admin.directories.remove_secret(SYSTEM, "plant")).is_ready
    assert {"directories.secret_set", "directories.secret_removed"} <= set(await admin.actions())
    async with admin.work(EVERY_SITE) as work:
        assert READER_PASSWORD not in str(await work.audit.after(None, 500))
    for secret in ("", "x" * 2_049):
        with pytest.raises(InvalidInputError):
            await admin.directories.put_secret(SYSTEM, "plant", secret)


async def test_a_trial_says_who_somebody_would_be_and_makes_nothing(admin: Admin) -> None:
    await admin.directories.put_secret(SYSTEM, "plant", READER_PASSWORD)
    trial = await admin.directories.try_person(SYSTEM, "plant", " ada ")
    assert (trial.is_found, trial.rule, trial.role, trial.site_ids) == (True, 0, Role.ENGINEER, ("pune",))
    assert trial.groups[0] == f"cn=Engineers,{GROUPS}"
    assert trial.account == ""
    assert not (await admin.directories.try_person(SYSTEM, "plant", "nobody")).is_found
    assert not (await admin.directories.try_person(SYSTEM, "plant", "a\x00b")).is_found
    bob = await admin.directories.try_person(SYSTEM, "plant", "bob")
    assert (bob.is_found, bob.rule, bob.role) == (True, None, None)
    assert "users.created" not in await admin.actions()
    with pytest.raises(InvalidInputError, match="only when they sign in"):
        await admin.directories.try_person(SYSTEM, "corp", "ada")


async def test_a_provider_that_is_not_there_is_said_with_its_reason(admin: Admin) -> None:
    told = await admin.directories.check(SYSTEM, "corp")
    assert (told.is_good, "cannot be reached" in told.problem) == (False, True)
    with pytest.raises(NotFoundError):
        await admin.directories.check(SYSTEM, "nowhere")


async def test_an_address_is_tidied_belongs_to_one_person_and_is_free_after_a_deletion(admin: Admin) -> None:
    ada, bob = await admin.person("ada"), await admin.person("bob")
    assert (await admin.directories.set_email(SYSTEM, ada, " Ada@Plant.example ")).email == "ada@plant.example"
    with pytest.raises(ConflictError, match="ada has this address"):
        await admin.directories.set_email(SYSTEM, bob, "ada@plant.example")
    for wrong in ("ada", "a@b@c", "a b@c", "@", "x" * 260 + "@c"):
        with pytest.raises(InvalidInputError):
            await admin.directories.set_email(SYSTEM, bob, wrong)
    await admin.auth.people.delete(SYSTEM, "ada")
    assert (await admin.directories.set_email(SYSTEM, bob, "ada@plant.example")).email == "ada@plant.example"
    assert (await admin.directories.set_email(SYSTEM, bob, "")).email == ""


async def test_a_link_is_shown_and_ended(admin: Admin) -> None:
    ada, bob = await admin.person("ada"), await admin.person("bob")
    async with admin.work(EVERY_SITE) as work:
        await work.identities.put(IdentityRow("plant", "s-1", ada, False, 0, 0))  # type: ignore[arg-type]
        await work.commit()
    shown = await admin.directories.of_user(SYSTEM, ada)
    assert [(each.directory, each.subject) for each in shown.identities] == [("Plant directory", "s-1")]
    for user_id, subject in ((bob, "s-1"), (ada, "s-2"), ("nobody", "s-1")):
        with pytest.raises(NotFoundError):
            await admin.directories.unlink(SYSTEM, user_id, "plant", subject)
    assert (await admin.directories.unlink(SYSTEM, ada, "plant", "s-1")).identities == ()


async def test_nobody_but_an_admin_sees_or_does_any_of_it(admin: Admin) -> None:
    await admin.person("vera")
    signed_in = await admin.auth.sign_in("vera", PASSWORD, "192.0.2.7")
    vera = await admin.auth.actor_of_session(signed_in.session_id)
    tried: list[Any] = [
        admin.directories.all(vera),
        admin.directories.check(vera, "plant"),
        admin.directories.try_person(vera, "plant", "ada"),
        admin.directories.put_secret(vera, "plant", "x"),
        admin.directories.remove_secret(vera, "plant"),
        admin.directories.of_user(vera, vera.id),
        admin.directories.set_email(vera, vera.id, "v@plant.example"),
        admin.directories.unlink(vera, vera.id, "plant", "s"),
    ]
    for attempt in tried:
        with pytest.raises(PermissionDeniedError):
            await attempt


# --- names and rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("ada", "ada"), ("Ada.Lovelace@plant.example", "ada.lovelace"), ("PLANT\\ALove", "alove"), ("J Doe", "j-doe"),
        ("Łukasz Żółć", "lukasz-zolc"), ("Jürgen Groß", "jurgen-gross"), ("-_.x", "x"), ("张伟", "person"),
        ("", "person"), ("a" * 200, "a" * 80), ("<script>", "script"), ("a\r\nb", "a-b"),
    ],
)  # fmt: skip
def test_a_name_there_becomes_a_username_here(there: str, here: str) -> None:
    assert username_from(there) == here


def test_a_plain_rule_reads_names_of_dns_in_ldap_and_whole_names_of_providers() -> None:
    rules = (DirectoryRule(group="admins", role=Role.ADMIN), DirectoryRule(group="*", role=Role.VIEWER))
    of_ldap = DirectoryPerson("s", "u", "U", groups=("CN=Admins, OU=x,DC=y",), dn="uid=u")
    of_provider = DirectoryPerson("s", "u", "U", groups=("role=admins", "xadmins", "admins,x"))
    assert rule_for(rules, of_ldap) == 0
    assert rule_for(rules, of_provider) == 1
    assert rule_for(rules[:1], of_provider) is None


def test_settings_that_would_let_the_wrong_people_in_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    corp = '"id": "corp", "name": "C", "client_id": "c"'
    wrong = {
        f'[{{{corp}, "issuer": "http://login.example"}}]': "is not https",
        f'[{{{corp}, "issuer": "https://a"}}, {{{corp}, "issuer": "https://b"}}]': "same id",
        f'[{{{corp}, "issuer": "https://a", "scopes": ["email"]}}]': "openid",
        f'[{{{corp}, "issuer": "https://a", "rules": [{{"group": "x", "role": "service"}}]}}]': "belongs to programs",
        f'[{{{corp}, "issuer": "https://user:pass@a"}}]': "is no address",
    }
    for text, expected in wrong.items():
        monkeypatch.setenv("PDM_AUTH__OIDC", text)
        with pytest.raises(InvalidInputError, match=expected):
            load_settings(data_dir=tmp_path)


async def test_the_last_admin_with_a_password_stays_for_the_day_the_directory_is_away(admin: Admin) -> None:
    await admin.auth.people.add(SYSTEM, "root", PASSWORD, Role.ADMIN)
    async with admin.work(EVERY_SITE) as work:
        await work.users.put(new_user(Micros(1), "of.directory", "Of the directory", Role.ADMIN))
        await work.commit()
    for end in (admin.auth.people.deactivate(SYSTEM, "root"), admin.auth.people.delete(SYSTEM, "root"),
                admin.auth.people.change(SYSTEM, "root", role=Role.VIEWER)):  # fmt: skip
        with pytest.raises(ConflictError, match="last active admin with a password"):
            await end
    await admin.auth.people.deactivate(SYSTEM, "of.directory")
    await admin.auth.people.add(SYSTEM, "second", PASSWORD, Role.ADMIN)
    await admin.auth.people.deactivate(SYSTEM, "root")
