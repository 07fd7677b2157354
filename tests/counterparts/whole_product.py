"""The whole product as runtime composes it, in this process, over the demo plant's records.

Nothing listens where its connections point, so nothing moves by itself. In each site an alarm stands, one is over, and
in the demo's panel a sensor is broken. For every role there is a person who sees the site of Graz only.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from pdm_app.domain.access import EVERY_SITE, DeviceKey, Role, User
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, RuleMemory
from pdm_app.domain.annotations import Annotation
from pdm_app.domain.credentials import ApiKey
from pdm_app.domain.directories import IdentityRow, OidcProvider
from pdm_app.domain.holdings import CustomRole, Group, Share, ShareKind
from pdm_app.domain.repositories import SessionRow, Work
from pdm_app.domain.retention import DAYS_MAX, RetentionHold, RetentionRule
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.trust import PeerCertificate, Standing
from pdm_app.domain.views import View
from pdm_app.rpc.server import PATH, REST_PREFIX, make_rpc
from pdm_app.runtime import running
from pdm_app.services.catalogue import Services
from pdm_app.services.certificate_files import read_certificates
from pdm_app.services.demo import DemoService
from pdm_app.services.inbox import InboxService
from pdm_app.services.provisioning import provision
from pdm_app.services.sessions import SignedIn
from pdm_app.settings import AuthSettings, Settings
from pdm_app.simulation.fleet import Fleet
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.plant import PlantDefinition, PlantPorts, northfield
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.trpc import Limits
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.clocks import until
from tests.counterparts.device_certificates import made
from tests.counterparts.installation import quick_hasher
from tests.counterparts.maintenance import put_maintenance
from tests.counterparts.models import model_id, put_models
from tests.counterparts.notices import caught_for, put_notices
from tests.counterparts.ports import free_port
from tests.counterparts.production import put_production
from tests.counterparts.recordings import put_recordings
from tests.counterparts.releases import put_releases, release_id
from tests.counterparts.reports import put_reports
from tests.counterparts.rollouts import campaign_id, put_rollouts
from tests.counterparts.templates import begin_migrated

PASSWORD = "copper lantern drifts"
OURS, THEIRS = "graz", "pune"
AUTHORIZE_EVERY_S = 0.1
ROBOT, ROBOT_KEY = "robot", "robot-key"
PROVIDER = "corp"
KEPT = "kept"  # A rule of retention, and a held span.
RECORDING = "history.csv"
GROUP, CUSTOM_ROLE = "group-one", "role-one"


class AheadClock:
    """The wall's time, moved forward when told."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000 + round(self.ahead_s * MICROS_PER_S))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What stands in one site."""

    asset_id: str
    asset_code: str
    signal_id: int
    device_id: str
    connection_id: str
    rule_id: str
    alarm_id: str
    past_alarm_id: str
    fault_id: str
    user_id: str
    session_id: str
    area_id: str
    line_id: str
    key_id: str
    spare_rule_id: str
    peer: str
    share_id: str
    view_id: str
    annotation_id: str
    group_id: str
    notice_token: str
    campaign_id: str
    model_id: str


@dataclass(frozen=True, slots=True)
class WholeProduct:
    """The running product and what stands in its two sites."""

    services: Services
    work: SqlUnitOfWork
    clock: AheadClock
    plant: PlantDefinition
    ours: Belongings
    theirs: Belongings
    url: str

    async def sign_in(self, role: Role) -> SignedIn:
        """Sign in as the person of this role."""
        return await self.services.auth.sign_in(username(role), PASSWORD, "127.0.0.1")

    def client(self, access_token: str = "") -> TrpcClient:
        """A program that calls over HTTP and WebSocket; without a token a stranger."""
        headers = {"authorization": f"Bearer {access_token}"} if access_token else {}
        return TrpcClient(self.url + PATH, headers=headers, timeout_s=30.0)


def username(role: Role) -> str:
    """Name of the person who has this role."""
    return f"{role}.one"


@asynccontextmanager
async def whole_product(database_url: str, folder: Path) -> AsyncIterator[WholeProduct]:
    """Run the product on a fresh database until the block is left; a fault of its engine fails the test."""
    clock, faults = AheadClock(), list[str]()
    ports = PlantPorts(opcua=free_port(), modbus=free_port(), mqtt=free_port())
    plant = northfield(ports)
    database = Database(database_url)
    work = SqlUnitOfWork(database)
    try:
        await begin_migrated(database)
        await provision(work, plant, clock.now())
        await _store_people(work, clock.now())
        fleet = Fleet(folder / "demo", clock, ports, Labels(since=clock.now()))  # Its processes do not run.
        ours = await _belongings(work, fleet, OURS, clock.now())
        theirs = await _belongings(work, fleet, THEIRS, clock.now())
        nowhere = OidcProvider(id=PROVIDER, name="Corporate", issuer="https://127.0.0.1:1", client_id="pdm")
        auth = AuthSettings(mfa_required_roles=(), oidc=(nowhere,))  # Its admin signs in with a password alone.
        settings = Settings(data_dir=folder / "data", database_url=database_url, auth=auth)
        (settings.data_dir / "recordings").mkdir(parents=True)
        (settings.data_dir / "recordings" / RECORDING).write_text("time,Recorded\n2026-03-01T06:00:00Z,1\n")
        async with work(EVERY_SITE) as transaction:
            await put_releases(transaction, settings.data_dir, clock.now())
            await transaction.commit()
        async with running(
            settings, clock=clock, on_fatal=lambda child, error: faults.append(f"{child}: {error}")
        ) as one:
            demo, inbox = DemoService(fleet, work, clock), InboxService(caught_for(clock), work, clock)
            services = replace(one.services, demo=demo, inbox=inbox)
            async with serving(services) as url:
                yield WholeProduct(services, work, clock, plant, ours, theirs, url)
        assert faults == []
    finally:
        await database.close()


async def _store_people(work: SqlUnitOfWork, now: Micros) -> None:
    hasher = quick_hasher()
    password_hash = await hasher.hash(PASSWORD)
    hasher.close()
    async with work(EVERY_SITE) as transaction:
        for role in Role:
            person = User(
                id=f"person-{role}", username=username(role), display_name=f"One {role}", role=role, site_ids=(OURS,)
            )
            await transaction.users.put(person, password_hash)
        for site_id in (OURS, THEIRS):
            await _store_visitor(transaction, site_id, now)
        robot = User(id=ROBOT, username="robot", display_name="Robot", role=Role.SERVICE, site_ids=(OURS,))
        key = ApiKey(id=ROBOT_KEY, user_id=ROBOT, name="first", hint="pds_robot1", created_at=now, created_by="ada")
        await transaction.users.put(robot)
        await transaction.api_keys.add(key, "0" * 64)
        await transaction.groups.put(Group(id=GROUP, name="Fitters", member_ids=("visitor-graz",)))
        await transaction.roles.put(
            CustomRole(id=CUSTOM_ROLE, name="Line lead", based_on=Role.OPERATOR, permissions=())
        )
        await transaction.commit()


async def _store_visitor(work: Work, site_id: str, now: Micros) -> None:
    """Store somebody who is there to be administered, with a session that is nobody else's."""
    visitor = User(
        id=f"visitor-{site_id}",
        username=f"visitor.{site_id}",
        display_name=f"Visitor of {site_id}",
        role=Role.VIEWER,
        site_ids=(site_id,),
    )
    await work.users.put(visitor)
    await work.identities.put(IdentityRow(PROVIDER, visitor.id, visitor.id, True, now, now))
    session = SessionRow(
        id=f"session-{site_id}",
        user_id=visitor.id,
        created_at=now,
        seen_at=now,
        expires_at=Micros(now + 86_400 * MICROS_PER_S),
        refresh_hash="0" * 64,
        address="192.0.2.9",
        agent="Firefox",
    )
    await work.users.put_session(session)


async def _belongings(work: SqlUnitOfWork, fleet: Fleet, site_id: str, now: Micros) -> Belongings:
    """Store a standing and a past alarm in a site, break one of its sensors, and name all that is there."""
    plant = fleet.definition
    rule = next(rule for rule in plant.rules if rule.site_id == site_id and not rule.comment_required)
    asset = next(asset for asset in plant.assets if asset.id == rule.asset_id)
    device = next(device for device in plant.devices if device.asset_id == asset.id)
    signal = next(signal for signal in plant.signals if signal.id == rule.signal_id)
    standing = _alarm(rule, f"alarm-{site_id}-standing", AlarmState.UNACKNOWLEDGED, now)
    past = _alarm(rule, f"alarm-{site_id}-past", AlarmState.NORMAL, now)
    memory = RuleMemory(rule_id=rule.id, state=standing.state, alarm_id=standing.id, evaluated_to=now)
    line = next(line for line in plant.lines if line.id == asset.line_id)
    spare = next(other for other in plant.rules if other.site_id == site_id and other.signal_id != rule.signal_id)
    another = next(other for other in plant.devices if other.site_id == site_id and other.id != device.id)
    peer = met_certificate(now)
    key = DeviceKey(
        id=f"key-{site_id}", site_id=site_id, device_id=another.id, hint="pdm_spare", created_at=now, created_by="tests"
    )
    share = Share(
        id=f"share-{site_id}", kind=ShareKind.ASSET, resource_id=asset.id, site_id=site_id,
        user_id=f"visitor-{site_id}", created_at=now, created_by="tests",
    )  # fmt: skip
    owner = f"person-{Role.ADMIN}" if site_id == OURS else f"visitor-{site_id}"
    view = View(id=f"view-{site_id}", owner_id=owner, owner=owner, name="First", address=f"s={signal.id}")
    note = Annotation(
        id=f"note-{site_id}", site_id=site_id, asset_id=asset.id, start_at=int(now), words="oiled", author_id=owner,
        author=owner,
    )  # fmt: skip
    async with work(EVERY_SITE) as transaction:
        await transaction.devices.add_key(key, f"hash of {key.id}")
        await transaction.shares.put(share)
        await transaction.views.put(view)
        await transaction.annotations.put(note)
        await transaction.alarms.put([past, standing])
        await transaction.trust.put(peer)
        await put_notices(transaction, site_id, f"visitor-{site_id}")
        await put_reports(transaction, site_id, f"visitor-{site_id}")
        await put_maintenance(transaction, site_id, asset.id)
        await put_models(transaction, site_id, asset.id)
        await put_production(transaction, site_id, asset.id, line.id, signal.id)
        await put_rollouts(transaction, site_id, device.id, release_id("assign"))
        await put_recordings(transaction, site_id, asset.id, int(now))
        await transaction.retention.put_rule(RetentionRule(id=KEPT, name="Everything", raw_days=DAYS_MAX))
        await transaction.retention.put_hold(RetentionHold(id=KEPT, reason="batch 7", start_at=0, end_at=1))
        await transaction.alarms.put_memories([memory])
        await transaction.commit()
    fault = await fleet.inject("sensor_stuck", asset.code, signal.name, 1.0)
    connection = next(connection for connection in plant.connections if connection.site_id == site_id)
    return Belongings(
        asset_id=asset.id,
        asset_code=asset.code,
        signal_id=signal.id,
        device_id=device.id,
        connection_id=connection.id,
        rule_id=rule.id,
        alarm_id=standing.id,
        past_alarm_id=past.id,
        fault_id=fault.id,
        user_id=f"visitor-{site_id}",
        session_id=f"session-{site_id}",
        area_id=line.area_id,
        line_id=line.id,
        key_id=key.id,
        spare_rule_id=spare.id,
        peer=peer.fingerprint,
        share_id=share.id,
        view_id=view.id,
        annotation_id=note.id,
        group_id=GROUP,
        campaign_id=campaign_id(site_id, "pause"),
        model_id=model_id(site_id),
        notice_token=standing.id,  # Sealed ones are opened by a call of the page, which is tried by itself.
    )


def met_certificate(now: Micros) -> PeerCertificate:
    """A certificate that somebody has shown and nobody has decided on."""
    shown = made("press-07", number=1)
    return PeerCertificate(
        fingerprint=shown.fingerprint, certificate=read_certificates(shown.pem)[0], pem=shown.pem,
        standing=Standing.WAITING, first_seen_at=now, last_seen_at=now,
    )  # fmt: skip


def _alarm(rule: AlarmRule, alarm_id: str, state: AlarmState, now: Micros) -> Alarm:
    return Alarm(
        id=alarm_id,
        rule_id=rule.id,
        site_id=rule.site_id,
        asset_id=rule.asset_id,
        signal_id=rule.signal_id,
        name=rule.name,
        priority=rule.priority,
        state=state,
        limit=rule.condition.shown_limit,
        raised_at=now - 60 * MICROS_PER_S,
        value=rule.condition.shown_limit,
    )


@asynccontextmanager
async def serving(services: Services) -> AsyncIterator[str]:
    """Serve the procedures on loopback and yield the server's address."""
    rpc = make_rpc(lambda: services, limits=Limits(authorize_every_s=AUTHORIZE_EVERY_S))
    app = Starlette(routes=[*rpc.routes(PATH), *rpc.rest_routes(REST_PREFIX)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await rpc.drain(0.5)
        server.should_exit = True
        await serving
