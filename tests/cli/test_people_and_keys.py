"""The commands `user` and `key`, on a database of their own, beside a product that is running."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest

from pdm_app.cli.main import main
from pdm_app.domain.access import Role
from pdm_app.domain.errors import UnauthenticatedError
from pdm_app.services.auth import AuthService
from pdm_app.services.devices import DeviceService
from pdm_app.settings import AuthSettings, Settings
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import opened_plant, quick_hasher, stored_plant

PASSWORD = "copper lantern drifts"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run("user", "list", typed="…")`` gives the exit code and what was printed and said."""

    def run(*words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = main([*words, "--data", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def plant(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}"

    async def make() -> None:
        async with stored_plant(url):
            pass

    asyncio.run(make())
    return url


def test_people_are_added_listed_changed_and_deactivated(run: Run, plant: str) -> None:
    add = ("user", "add", "olga", "--role", "operator", "--site", "pune", "--name", "Olga O.", "--password-stdin")
    assert run(*add, typed=f"{PASSWORD}\n") == (0, "olga signs in as operator; sites: pune.\n", "")
    assert run("user", "change", "olga", "--role", "technician", "--site", "graz", "--site", "pune")[0] == 0
    code, out, _ = run("user", "list")
    assert code == 0
    assert out.splitlines()[1].split() == ["olga", "Olga", "O.", "technician", "graz,", "pune", "yes"]
    assert run("user", "deactivate", "olga")[1] == "olga can no longer sign in.\n"
    assert run("user", "activate", "olga")[1] == "olga signs in as technician; sites: graz, pune.\n"


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("add", "olga", "--password-stdin"), "short\n", "has 5 characters"),
        (("add", "olga", "--password-stdin"), "", "has 0 characters"),
        (("add", "Ol ga", "--password-stdin"), f"{PASSWORD}\n", "username cannot be used"),
        (
            ("add", "olga", "--site", "mars", "--password-stdin"),
            f"{PASSWORD}\n",
            "There is no site 'mars'; choose from graz, pune",
        ),
        (("add", "olga", "--role", "service", "--password-stdin"), f"{PASSWORD}\n", "belongs to devices"),
        (("add", "olga"), "", "Send it with --password-stdin"),
        (("password", "nobody", "--password-stdin"), f"{PASSWORD}\n", "There is no user 'nobody'"),
        (("deactivate", "nobody"), "", "There is no user 'nobody'"),
        (("mfa-reset", "nobody"), "", "There is no user 'nobody'"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    run: Run, plant: str, words: tuple[str, ...], typed: str, said: str
) -> None:
    code, out, err = run("user", *words, typed=typed)
    assert code == 1
    assert said in err
    assert out == ""
    assert len(run("user", "list")[1].splitlines()) == 1


def test_a_new_password_reaches_a_product_that_is_running(run: Run, plant: str, tmp_path: Path) -> None:
    run("user", "add", "ada", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n")
    clock, hasher = HandClock(), quick_hasher()

    async def sign_in_before_and_after() -> None:
        async with opened_plant(plant) as work:
            alone = AuthSettings(mfa_required_roles=())
            auth = AuthService(work, clock, Settings(data_dir=tmp_path, auth=alone), hasher)
            signed_in = await auth.sign_in("ada", PASSWORD, "")
            await auth.actor_of_session(signed_in.session_id)
            await asyncio.to_thread(
                run, "user", "password", "ada", "--password-stdin", typed="granite whispers twice\n"
            )
            await clock.advance(10)
            with pytest.raises(UnauthenticatedError):
                await auth.actor_of_session(signed_in.session_id)
            renewed = await auth.sign_in("ada", "granite whispers twice", "")
            assert renewed.user.role is Role.ADMIN

    asyncio.run(sign_in_before_and_after())
    hasher.close()


def test_a_lost_app_is_taken_away_beside_a_product_that_is_running(run: Run, plant: str, tmp_path: Path) -> None:
    run("user", "add", "olga", "--role", "operator", "--password-stdin", typed=f"{PASSWORD}\n")
    clock, hasher = HandClock(), quick_hasher()

    async def sign_in_before_and_after() -> None:
        async with opened_plant(plant) as work:
            auth = AuthService(work, clock, Settings(data_dir=tmp_path), hasher)
            olga = await auth.actor_of_session((await auth.sign_in("olga", PASSWORD, "")).session_id)
            seed = (await auth.profile.begin_mfa(olga, PASSWORD)).typed.replace(" ", "")
            await auth.profile.confirm_mfa(olga, pyotp.TOTP(seed).at(int(clock.now()) // 1_000_000))
            with pytest.raises(UnauthenticatedError, match="one more step"):
                await auth.sign_in("olga", PASSWORD, "")
            code, out, _ = await asyncio.to_thread(run, "user", "mfa-reset", "olga")
            assert (code, "olga signs in without a code" in out) == (0, True)
            await clock.advance(10)
            with pytest.raises(UnauthenticatedError):
                await auth.actor_of_session(olga.session_id or "")
            await auth.sign_in("olga", PASSWORD, "")

    asyncio.run(sign_in_before_and_after())
    hasher.close()


def test_a_key_made_on_the_command_line_sends_and_a_revoked_one_does_not(run: Run, plant: str) -> None:
    code, out, err = run("key", "create", "P-501")
    secret = out.strip()
    assert code == 0
    assert "only its hash is stored" in err
    assert secret.startswith("pdm_")

    async def device_of(key: str) -> str:
        async with opened_plant(plant) as work:
            return (await DeviceService(work, HandClock()).actor_of_key(key)).name

    assert asyncio.run(device_of(secret)) == "P-501"
    listed = run("key", "list", "P-501")[1].splitlines()
    assert listed[1].split()[:2] == [secret[:10], "P-501"]
    assert secret not in "\n".join(listed)
    assert run("key", "revoke", secret[:10])[0] == 0
    with pytest.raises(UnauthenticatedError):
        asyncio.run(device_of(secret))


def test_an_unknown_device_or_key_is_named_with_what_there_is(run: Run, plant: str) -> None:
    code, _, err = run("key", "create", "P-999")
    assert (code, "There is no device 'P-999'. Devices: C-201, G-1, L-1, P-501." in err) == (1, True)
    code, _, err = run("key", "revoke", "pdm_nothere")
    assert (code, "`pdm-app key list` shows all" in err) == (1, True)


def test_a_data_directory_that_a_command_makes_is_its_owners_only_and_one_it_cannot_make_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["user", "list", "--data", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    (tmp_path / "file").touch()
    assert main(["user", "list", "--data", str(tmp_path / "file")]) == 1
    said = capsys.readouterr().err
    assert f"Opening the data directory failed at {tmp_path / 'file'}" in said
    assert "--data DIR" in said
