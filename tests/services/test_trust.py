"""The trust list as people change it: what waits, what is decided, by whom, and within which limits."""

import base64
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Permission, Role, Scope, User, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.connections import Connection, ConnectionState, ConnectionStatus
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError, UnavailableError
from pdm_app.domain.link_security import CertificateRefusedError, LinkSecurity
from pdm_app.domain.repositories import Work
from pdm_app.domain.trust import Standing
from pdm_app.services import link_materials
from pdm_app.services.application_identity import ApplicationIdentity
from pdm_app.services.link_materials import LinkMaterials
from pdm_app.services.logins import LoginService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.services.trust import TrustService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.counterparts.device_certificates import DAY, Pair, authority, made

PRESS = made("press-07", number=1)
PLANT = authority()
ADA = actor_of(User(id="ada", username="ada", display_name="Ada", role=Role.ADMIN))
ERIN = actor_of(User(id="erin", username="erin", display_name="Erin", role=Role.ENGINEER, site_ids=("graz",)))
LINE = Connection(id="line", site_id="graz", name="Line 1", driver="opcua", endpoint="opc.tcp://10.0.0.7")
US_PER_HOUR = 3_600_000_000


class Collector:
    """Connections that stand on this and that, and which of them were made anew."""

    def __init__(self) -> None:
        self.statuses: Sequence[ConnectionStatus] = ()
        self.reloaded: list[str] = []

    async def reload(self, connection_id: str) -> None:
        self.reloaded.append(connection_id)


class SteppingClock(WallClock):
    """The wall's time and what was added to it."""

    ahead_us = 0

    def now(self):  # type: ignore[no-untyped-def]
        return super().now() + self.ahead_us


class Desk:
    """The list with all that belongs to it."""

    def __init__(self, work: SqlUnitOfWork, folder: Path) -> None:
        self.work, self.clock, self.collector = work, SteppingClock(), Collector()
        identity = ApplicationIdentity(folder, self.clock)
        store = SecretStore(work, self.clock, key_ring(folder))
        self.materials = LinkMaterials(work, self.clock, store, identity)
        self.trust = TrustService(work, self.clock, identity, self.collector)

    async def meet(self, shown: Pair, connection: Connection = LINE) -> None:
        error = CertificateRefusedError(
            "shows a stranger", pem=shown.pem, fingerprint=shown.fingerprint, is_unknown=True
        )
        await self.materials.met(connection, error.told_of("OPC UA server of 'Line 1'", connection.id))

    async def standings(self) -> dict[str, Standing]:
        return {one.fingerprint: one.standing for one in (await self.trust.all(ADA)).certificates}

    async def actions(self) -> list[tuple[str, str, str]]:
        async with self.work(EVERY_SITE) as work:
            return [
                (entry.action, entry.actor, entry.reason) for entry in reversed(await work.audit.page(AuditQuery()))
            ]


@pytest.fixture
def desk(work: SqlUnitOfWork, tmp_path: Path) -> Desk:
    return Desk(work, tmp_path)


@pytest.fixture
def sqlite_desk(sqlite_work: SqlUnitOfWork, tmp_path: Path) -> Desk:
    return Desk(sqlite_work, tmp_path)


async def test_what_a_connection_meets_waits_and_is_decided_on_with_a_trail(desk: Desk) -> None:
    await desk.meet(PRESS)
    [waiting] = (await desk.trust.all(ADA)).certificates
    assert (waiting.standing, waiting.fingerprint) == (Standing.WAITING, PRESS.fingerprint)
    assert (waiting.connection_name, waiting.endpoint) == ("Line 1", "opc.tcp://10.0.0.7")
    assert waiting.reason == "OPC UA server of 'Line 1' shows a stranger."
    assert waiting.certificate.subject == "press-07"
    assert (await desk.materials.material(LINE)).certificates == {}

    trusted = await desk.trust.trust(ADA, PRESS.fingerprint, "as its display says")
    assert (trusted.standing, trusted.decided_by) == (Standing.TRUSTED, "ada")
    assert (await desk.materials.material(LINE)).certificates == {PRESS.fingerprint: PRESS.pem}

    await desk.trust.reject(ADA, PRESS.fingerprint, "the press was sold")
    material = await desk.materials.material(LINE)
    assert (material.certificates, material.rejected) == ({}, frozenset({PRESS.fingerprint}))

    await desk.trust.remove(ADA, PRESS.fingerprint)
    assert await desk.standings() == {}
    assert await desk.actions() == [
        ("trust.trusted", "ada", "as its display says"),
        ("trust.rejected", "ada", "the press was sold"),
        ("trust.removed", "ada", ""),
    ]
    await desk.meet(PRESS)
    assert await desk.standings() == {PRESS.fingerprint: Standing.WAITING}, "taken off the list, it waits again"


async def test_authorities_are_brought_before_anybody_is_met(desk: Desk) -> None:
    added = await desk.trust.add(ADA, PLANT.pem + "\n" + authority("Another", number=2).pem, "delivery of March")
    assert [one.as_authority for one in added] == [True, True]
    assert set((await desk.materials.material(LINE)).authorities) == {one.fingerprint for one in added}
    [alone] = await desk.trust.add(ADA, base64.b64encode(PRESS.der).decode(), as_authority=False)
    assert alone.fingerprint == PRESS.fingerprint
    assert [action for action, *_ in await desk.actions()] == ["trust.added", "trust.added"], "one each time"


@pytest.mark.parametrize(
    ("given", "words"),
    [("nonsense", "none that can be read"),
     ("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----", "none that can be read"),
     (base64.b64encode(b"\x30\x03\x02\x01\x00").decode(), "none that can be read"),
     (made("press-07").pem, "no authority's"),
     ("".join(authority(f"A{n}").pem for n in range(21)), "are 21; 20"),
     (made("old", is_authority=True, usages=None, begins=-9 * DAY, ends=-DAY).pem, "has ended")],
)  # fmt: skip
async def test_what_cannot_be_trusted_so_is_refused_and_leaves_nothing(
    sqlite_desk: Desk, given: str, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as refused:
        await sqlite_desk.trust.add(ADA, given)
    assert refused.value.issues
    assert await sqlite_desk.standings() == {}
    assert await sqlite_desk.actions() == []


async def test_one_bad_certificate_among_good_ones_brings_none(sqlite_desk: Desk) -> None:
    with pytest.raises(InvalidInputError):
        await sqlite_desk.trust.add(ADA, PLANT.pem + PRESS.pem)
    assert await sqlite_desk.standings() == {}


async def test_a_certificate_of_no_authority_cannot_vouch_for_others(sqlite_desk: Desk) -> None:
    await sqlite_desk.meet(PRESS)
    with pytest.raises(InvalidInputError, match="can vouch for itself alone"):
        await sqlite_desk.trust.trust(ADA, PRESS.fingerprint, as_authority=True)
    assert await sqlite_desk.standings() == {PRESS.fingerprint: Standing.WAITING}


async def test_who_does_not_see_every_site_neither_reads_nor_decides(sqlite_desk: Desk) -> None:
    await sqlite_desk.meet(PRESS)
    limited = ERIN.model_copy(update={"permissions": ERIN.permissions | {Permission.TRUST_CONFIGURE}})
    trust, fingerprint = sqlite_desk.trust, PRESS.fingerprint
    for actor, error in ((ERIN, PermissionDeniedError), (limited, NotFoundError)):
        for attempt in (
            trust.all(actor), trust.by_fingerprint(actor, fingerprint), trust.trust(actor, fingerprint),
            trust.reject(actor, fingerprint), trust.remove(actor, fingerprint), trust.add(actor, PLANT.pem),
            trust.renew_own(actor),
        ):  # fmt: skip
            with pytest.raises(error):
                await attempt
    assert await sqlite_desk.standings() == {fingerprint: Standing.WAITING}
    with pytest.raises(NotFoundError):
        await trust.trust(ADA, PLANT.fingerprint)


async def test_a_decision_makes_anew_what_it_concerns_and_nothing_else(sqlite_desk: Desk) -> None:
    def status(name: str, state: ConnectionState, **more: object) -> ConnectionStatus:
        return ConnectionStatus.model_validate({"connection_id": name, "state": state, "since": 1, **more})

    def on(**link: str) -> LinkSecurity:
        return LinkSecurity.model_validate({"encrypted": True, **link})

    sqlite_desk.collector.statuses = (
        status("itself", ConnectionState.ONLINE, security=on(peer=PRESS.fingerprint, anchor=PRESS.fingerprint)),
        status("signed", ConnectionState.DEGRADED, security=on(peer="X", anchor=PRESS.fingerprint)),
        status("other", ConnectionState.ONLINE, security=on(peer="X", anchor=PLANT.fingerprint)),
        status("plain", ConnectionState.ONLINE, security=LinkSecurity(encrypted=False)),
        status("connecting", ConnectionState.CONNECTING),
        status("waits", ConnectionState.DISCONNECTED, refused=PRESS.fingerprint),
        status("rejected", ConnectionState.DISCONNECTED, last_error=f"SHA-256 {PRESS.fingerprint} was rejected"),
        status("paused", ConnectionState.PAUSED, refused=PRESS.fingerprint),
        status("down", ConnectionState.DISCONNECTED),
    )
    await sqlite_desk.meet(PRESS)
    await sqlite_desk.trust.reject(ADA, PRESS.fingerprint)
    assert sqlite_desk.collector.reloaded == ["itself", "signed", "connecting", "waits", "rejected"]


async def test_a_stranger_who_changes_his_face_crowds_out_nobody_else(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LINE.model_copy(update={"id": "other"})
    await sqlite_desk.meet(PRESS, other)
    faces = [made(f"face {n}") for n in range(link_materials.WAITING_MAX_EACH + 3)]
    for face in faces:
        await sqlite_desk.meet(face)
    newest = {face.fingerprint for face in faces[-link_materials.WAITING_MAX_EACH :]}
    assert set(await sqlite_desk.standings()) == {PRESS.fingerprint, *newest}
    monkeypatch.setattr(link_materials, "WAITING_MAX", len(newest) + 1)
    await sqlite_desk.meet(made("one more"), LINE.model_copy(update={"id": "third"}))
    assert len(await sqlite_desk.standings()) == len(newest) + 1
    assert PRESS.fingerprint not in await sqlite_desk.standings(), "the one that was met longest ago made room"


async def test_decided_ones_make_room_for_nobody(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_materials, "WAITING_MAX", 1)
    await sqlite_desk.meet(PRESS)
    await sqlite_desk.trust.trust(ADA, PRESS.fingerprint)
    for number in range(3):
        await sqlite_desk.meet(made(f"face {number}"))
    assert (await sqlite_desk.standings())[PRESS.fingerprint] is Standing.TRUSTED


async def test_when_it_was_last_met_is_kept_by_the_hour(sqlite_desk: Desk) -> None:
    await sqlite_desk.meet(PRESS)
    first = await sqlite_desk.trust.by_fingerprint(ADA, PRESS.fingerprint)
    sqlite_desk.clock.ahead_us = US_PER_HOUR // 2
    await sqlite_desk.meet(PRESS)
    assert await sqlite_desk.trust.by_fingerprint(ADA, PRESS.fingerprint) == first
    sqlite_desk.clock.ahead_us = US_PER_HOUR + 1
    await sqlite_desk.meet(PRESS)
    assert (
        await sqlite_desk.trust.by_fingerprint(ADA, PRESS.fingerprint)
    ).last_seen_at >= first.last_seen_at + US_PER_HOUR


async def test_a_certificate_without_an_end_is_met_like_any_other(sqlite_desk: Desk) -> None:
    """Devices get such from their makers (IEEE 802.1AR): the last second of the year 9999."""
    endless = made("drive", ends=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - datetime.now(UTC))
    await sqlite_desk.meet(endless)
    await sqlite_desk.trust.trust(ADA, endless.fingerprint)
    assert await sqlite_desk.trust.expiries()


async def test_what_cannot_be_read_at_all_is_not_noted_and_stops_nobody(sqlite_desk: Desk) -> None:
    error = CertificateRefusedError("shows nonsense", pem="nonsense", fingerprint=PRESS.fingerprint, is_unknown=True)
    await sqlite_desk.materials.met(LINE, error)
    assert await sqlite_desk.standings() == {}


async def test_our_own_certificate_is_shown_without_its_key_and_renewed(sqlite_desk: Desk) -> None:
    assert (await sqlite_desk.trust.all(ADA)).own is None
    pair = await (await sqlite_desk.materials.material(LINE)).application()
    own = (await sqlite_desk.trust.all(ADA)).own
    assert own is not None
    assert own.pem == pair.certificates
    assert "PRIVATE" not in own.model_dump_json()
    renewed = await sqlite_desk.trust.renew_own(ADA)
    assert renewed.uri == own.uri
    assert renewed.certificate.fingerprint != own.certificate.fingerprint
    assert (await (await sqlite_desk.materials.material(LINE)).application()).certificates == renewed.pem
    assert [action for action, *_ in await sqlite_desk.actions()] == ["trust.own_renewed"]


class Outage:
    """A database that is there, and then is not."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self.is_away = False
        self._work = work

    def __call__(self, scope: Scope) -> AbstractAsyncContextManager[Work]:
        if self.is_away:
            raise UnavailableError("The database does not answer.")
        return self._work(scope)

    async def ping(self) -> float:
        return 0.0


async def test_while_the_database_is_away_links_come_back_with_what_was_known(
    sqlite_work: SqlUnitOfWork, tmp_path: Path
) -> None:
    outage, clock = Outage(sqlite_work), WallClock()
    store = SecretStore(outage, clock, key_ring(tmp_path))
    materials = LinkMaterials(outage, clock, store, ApplicationIdentity(tmp_path, clock))
    logins = LoginService(outage, clock, store)
    outage.is_away = True
    for asked in (materials.material(LINE), logins.of(LINE.id)):
        with pytest.raises(UnavailableError):
            await asked
    outage.is_away = False
    await Desk(sqlite_work, tmp_path).trust.add(ADA, PLANT.pem)
    known = await materials.material(LINE)
    assert set(known.authorities) == {PLANT.fingerprint}
    assert await logins.of(LINE.id) is None
    outage.is_away = True
    assert await materials.material(LINE) == known
    assert await logins.of(LINE.id) is None


async def test_what_ends_is_named_for_what_is_trusted_and_for_ourselves(sqlite_desk: Desk) -> None:
    await sqlite_desk.meet(PRESS)
    await sqlite_desk.trust.add(SYSTEM, PLANT.pem)
    await (await sqlite_desk.materials.material(LINE)).application()
    found = {one.id: (one.kind, one.href) for one in await sqlite_desk.trust.expiries()}
    own = (await sqlite_desk.trust.all(ADA)).own
    assert own is not None
    assert found == {
        PLANT.fingerprint: ("trusted_certificate", "/settings/trust"),
        own.certificate.fingerprint: ("application", "/settings/trust"),
    }
