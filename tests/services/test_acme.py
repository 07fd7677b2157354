"""A certificate comes from a real ACME directory by itself, in time, and a directory that refuses stops nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from pydantic import SecretStr, ValidationError

from pdm_app.cli.https import Https, Redirect
from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.acme import AcmeSettings
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.certificates import DAY
from pdm_app.domain.samples import Micros
from pdm_app.engine.certificate_keeper import CertificateKeeper
from pdm_app.services.acme import FIRST_WAIT_S, AcmeKeeping
from pdm_app.services.certificate_store import CertificateStore
from pdm_app.services.certificates import CertificateService
from pdm_app.services.expiries import ExpiryService
from pdm_app.settings import Settings, TlsSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.certificates import brought
from tests.counterparts.clocks import HandClock, WallClock, until
from tests.counterparts.pebble import Pebble, find_pebble
from tests.counterparts.ports import free_port

NAMES = ("localhost",)


@pytest.fixture(scope="module")
def plain_port() -> int:
    """Where the directory asks, and our plain port answers."""
    return free_port()


@pytest.fixture(scope="module")
def pebble(
    need: Callable[[str, object], None], tmp_path_factory: pytest.TempPathFactory, plain_port: int
) -> Iterator[Pebble]:
    need("pebble", find_pebble())
    directory = Pebble(tmp_path_factory.mktemp("pebble"), plain_port, more={"PEBBLE_WFE_NONCEREJECT": "20"})
    directory.start()
    yield directory
    directory.stop()


Make = Callable[..., Awaitable["Asking"]]


class Asking:
    """A server's side of it: files, plain port, and who asks."""

    def __init__(self, folder: Path, work: SqlUnitOfWork, clock: HandClock, acme: AcmeSettings) -> None:
        self.work, self.clock = work, clock
        self.tls = TlsSettings(enabled=True, redirect_port=0, acme=acme)
        self.store = CertificateStore(folder, self.tls, clock, names=lambda more: [*more, "plant.example"])
        self.https = Https(self.store)
        self.keeping = AcmeKeeping(self.store, self.tls, work, clock)
        self.service = CertificateService(
            self.store, work, clock, Settings(data_dir=folder, tls=self.tls), self.keeping
        )

    @property
    def problem(self) -> str:
        state = self.keeping.state()
        assert state is not None
        return state.last.problem

    def serial(self) -> str:
        return self.store.shown().certificates[0].serial


@pytest.fixture
async def asking(pebble: Pebble, plain_port: int, tmp_path: Path, sqlite_work: SqlUnitOfWork) -> AsyncIterator[Make]:
    """Make a server's side for the directory, its plain port open."""
    servers: list[asyncio.Server] = []

    async def make(*, answers: bool = True, **more: object) -> Asking:
        given = {"directory": pebble.directory, "names": NAMES, "ca_file": pebble.ca_file, "terms_agreed": True, **more}
        one = Asking(tmp_path, sqlite_work, HandClock(WallClock().now()), AcmeSettings.model_validate(given))
        if answers:
            loop = asyncio.get_running_loop()
            servers.append(
                await loop.create_server(
                    lambda: Redirect(8443, loop.call_later, one.https.challenges), "127.0.0.1", plain_port
                )
            )
        return one

    yield make
    for server in servers:
        server.close()


async def test_the_first_certificate_comes_by_itself_and_the_next_in_time(asking: Make, pebble: Pebble) -> None:
    one = await asking(names=("localhost", "127.0.0.1"))
    assert one.store.source == "own", "until then there is one of ours"
    assert await one.keeping.tend()
    shown = one.store.shown()
    assert (shown.source, shown.renews_itself, set(shown.certificates[0].names)) == (
        "acme", True, {"localhost", "127.0.0.1"},
    )  # fmt: skip
    chain = x509.load_pem_x509_certificates(one.store.obtained_file.read_bytes())
    chain[-1].verify_directly_issued_by(x509.load_pem_x509_certificate(pebble.root().encode()))
    assert one.store.obtained_file.stat().st_mode & 0o777 == 0o600
    assert one.https.reload(), "a server takes it up"
    assert list((one.store.folder / "challenges").iterdir()) == []
    first = one.serial()
    assert not await one.keeping.tend(), "it is fresh"
    life = shown.certificates[0].valid_until - shown.certificates[0].valid_from
    one.clock.at = Micros(shown.certificates[0].valid_until - life // 3 - DAY)
    assert not await one.keeping.tend()
    one.clock.at = Micros(one.clock.at + 2 * DAY)
    assert await one.keeping.tend()
    assert one.serial() != first


async def test_a_name_that_is_added_is_asked_for_at_once_and_the_account_is_the_same(asking: Make) -> None:
    one = await asking()
    assert await one.keeping.tend()
    account = (one.store.folder / "acme-account.key").read_bytes()
    more = await asking(answers=False, names=("localhost", "127.0.0.1"))
    assert await more.keeping.tend()
    assert set(more.store.shown().certificates[0].names) == {"localhost", "127.0.0.1"}
    assert (one.store.folder / "acme-account.key").read_bytes() == account
    async with one.work(EVERY_SITE) as work:
        entries = list(await work.audit.page(AuditQuery()))
    assert [(entry.action, entry.actor) for entry in entries] == [("certificates.obtained", "system")] * 2


async def test_who_cannot_be_reached_learns_why_and_waits_longer_each_time_also_over_a_restart(asking: Make) -> None:
    one = await asking(answers=False)
    assert not await one.keeping.tend()
    assert "could not see that localhost is this machine" in one.problem
    assert "PDM_TLS__REDIRECT_PORT" in one.problem
    assert (one.store.source, list((one.store.folder / "challenges").iterdir())) == ("own", [])
    again = AcmeKeeping(one.store, one.tls, one.work, one.clock)
    state = again.state()
    assert state is not None
    assert (state.last.failures, state.last.next_at - state.last.tried_at) == (1, FIRST_WAIT_S * 1_000_000)
    assert not await again.tend()
    assert again.state() == state, "it was not asked again"
    one.clock.at = Micros(state.last.next_at + 1)
    assert not await again.tend()
    state = again.state()
    assert state is not None
    assert (state.last.failures, state.last.next_at - state.last.tried_at) == (2, 2 * FIRST_WAIT_S * 1_000_000)


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "nobody there": ({"directory": "https://127.0.0.1:1/dir"}, "does not answer"),
    "not trusted": ({"ca_file": None}, "PDM_TLS__ACME__CA_FILE"),
    "no authority file": ({"ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
    "terms not agreed to": ({"terms_agreed": False}, "PDM_TLS__ACME__TERMS_AGREED"),
    "a mail that is none": ({"mail": "nobody"}, "refused"),
    "a name that is nowhere": ({"names": ("nowhere.invalid",)}, "could not see that nowhere.invalid is this machine"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_set_wrongly_is_said_in_words(asking: Make, case: str) -> None:
    more, words = WRONG[case]
    one = await asking(**more)
    assert not await one.keeping.tend()
    assert words in one.problem
    assert "Traceback" not in one.problem


async def test_something_else_than_a_directory_is_told_apart(asking: Make, pebble: Pebble) -> None:
    for path in ("/nothing", "/nonce-plz"):
        one = await asking(answers=False, directory=pebble.directory.replace("/dir", path))
        one.keeping.ask_now()
        assert not await one.keeping.tend()
        assert pebble.directory.replace("/dir", path) in one.problem


async def test_an_uploaded_certificate_counts_and_the_directory_is_left_in_peace(asking: Make) -> None:
    one = await asking()
    assert await one.keeping.tend()
    first = one.serial()
    await one.service.replace(SYSTEM, *brought(one.clock))
    one.clock.at = Micros(one.clock.at + 200 * DAY)
    assert not await one.keeping.tend()
    state = await one.service.restore_own(SYSTEM)
    assert state.shown is not None
    assert (state.shown.source, one.serial()) == ("acme", first)


async def test_asking_at_once_does_not_wait_for_the_next_look(asking: Make) -> None:
    one = await asking(answers=False)
    keeper = CertificateKeeper(one.keeping, ExpiryService(one.clock), WallClock())
    running = asyncio.ensure_future(keeper.run())
    try:
        await until(lambda: bool(one.problem), within_s=120)
        again = await asking()
        state = await one.service.obtain(SYSTEM)
        assert state.acme is not None
        await until(lambda: one.store.source == "acme", within_s=120)
        await until(lambda: again.problem == "")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_another_directory_is_asked_at_once_and_the_same_one_when_somebody_wants_it(asking: Make) -> None:
    one = await asking()
    assert await one.keeping.tend()
    first = one.serial()
    assert not await one.keeping.tend()
    await one.service.obtain(SYSTEM)
    assert await one.keeping.tend()
    assert one.serial() != first
    assert not await one.keeping.tend(), "it was wanted once"
    moved = await asking(answers=False, directory="https://127.0.0.1:1/dir")
    assert not await moved.keeping.tend()
    assert "127.0.0.1:1/dir does not answer" in moved.problem
    assert (moved.store.source, moved.serial()) == ("acme", one.serial()), "what is there stays"
    again = await asking(answers=False)
    moved.clock.at = Micros(moved.clock.at + 2 * FIRST_WAIT_S * 1_000_000)
    assert not await moved.keeping.tend()
    state = moved.keeping.state()
    assert state is not None
    assert state.last.failures == 2, "a directory that refused is asked again, though the one of before gave enough"
    assert await again.keeping.tend(), "and the former one at once, when the settings go back to it"


async def test_who_ends_the_program_does_not_wait_for_a_directory_that_hangs(asking: Make) -> None:
    silent = socket.create_server(("127.0.0.1", 0))  # Takes connections and says nothing.
    port = silent.getsockname()[1]
    one = await asking(answers=False, directory=f"https://127.0.0.1:{port}/dir")
    asked = asyncio.ensure_future(one.keeping.tend())
    await until(lambda: bool(one.keeping.state() and one.keeping.state().is_asking), within_s=120)  # type: ignore[union-attr]
    asked.cancel()
    async with asyncio.timeout(12):  # Less than a call of its own accord takes.
        await asyncio.gather(asked, return_exceptions=True)
    state = one.keeping.state()
    assert state is not None
    assert not state.is_asking
    silent.close()


async def test_an_external_account_opens_the_door_where_one_is_asked(
    need: Callable[[str, object], None], tmp_path: Path, sqlite_work: SqlUnitOfWork
) -> None:
    need("pebble", find_pebble())
    key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    pebble = Pebble(tmp_path / "pebble", port := free_port(), {"plant-7": key}, {"PEBBLE_WFE_NONCEREJECT": "0"})
    pebble.start()
    try:
        given = {"directory": pebble.directory, "names": NAMES, "ca_file": pebble.ca_file, "terms_agreed": True}
        clock = HandClock(WallClock().now())
        stranger = Asking(tmp_path / "a", sqlite_work, clock, AcmeSettings.model_validate(given))
        assert not await stranger.keeping.tend()
        assert "PDM_TLS__ACME__EXTERNAL_KEY_ID" in stranger.problem
        known = {**given, "external_key_id": "plant-7", "external_key": SecretStr(key)}
        one = Asking(tmp_path / "b", sqlite_work, clock, AcmeSettings.model_validate(known))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Redirect(8443, loop.call_later, one.https.challenges), "127.0.0.1", port
        )
        async with server:
            assert await one.keeping.tend()
        assert one.store.source == "acme"
    finally:
        pebble.stop()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"directory": "http://ca.example/dir", "names": ["a.example"]}, "begins with https"),
        ({"directory": "https://ca.example/dir"}, "without names"),
        ({"directory": "https://ca.example/dir", "names": ["*.example"]}, "can reach"),
        ({"directory": "https://ca.example/dir", "names": ["a.example"], "external_key_id": "7"}, "set both"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AcmeSettings.model_validate(given)


def test_a_directory_needs_the_port_on_which_it_asks() -> None:
    acme = AcmeSettings(directory="https://ca.example/dir", names=("a.example",))
    with pytest.raises(ValidationError, match="REDIRECT_PORT"):
        TlsSettings(enabled=True, acme=acme)
