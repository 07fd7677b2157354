"""Small plants and batches for the tests of storage."""

import asyncio
from collections.abc import Sequence

import numpy as np

from pdm_app.domain.access import EVERY_SITE, DeviceKey, Role, User
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalEntry, JournalKind, RuleMemory
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.audit import AuditFact
from pdm_app.domain.certificates import Certificate
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.connections import Connection
from pdm_app.domain.repositories import SessionRow, UnitOfWork
from pdm_app.domain.samples import Batch, Micros, Quality
from pdm_app.domain.secrets import SecretFact
from pdm_app.domain.settings_revisions import SettingsRevision
from pdm_app.domain.signals import Signal
from pdm_app.domain.trust import PeerCertificate, Standing
from tests.storage.people_data import put_people

NOON = Micros(1_763_640_000_000_000)  # A whole multiple of ten seconds.
S = 1_000_000

MINE, THEIRS = "graz", "linz"


class SteppedClock:
    """Time that moves only when the test says so."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def now(self) -> Micros:
        return Micros(self.at)

    async def sleep(self, seconds: float) -> None:
        self.at += int(seconds * S)
        await asyncio.sleep(0)


def batch(
    rows: Sequence[tuple[int, float, float | str | None] | tuple[int, float, float | str | None, int]],
    *,
    seq: int = 1,
    received_s: float = 0.0,
    device: str = "press-07",
) -> Batch:
    """Make a batch of (signal, seconds after noon, value[, quality]) rows."""
    full = [(*row, int(Quality.GOOD)) if len(row) == 3 else row for row in rows]
    return Batch(
        device=device,
        signal=np.array([row[0] for row in full], dtype=np.uint32),
        source_at=np.array([NOON + round(row[1] * S) for row in full], dtype=np.int64),
        value=np.array([row[2] if isinstance(row[2], int | float) else np.nan for row in full], dtype=np.float64),
        quality=np.array([row[3] for row in full], dtype=np.uint16),
        received_at=Micros(NOON + round(received_s * S)),
        seq=seq,
        text={place: row[2] for place, row in enumerate(full) if isinstance(row[2], str)},
    )


def ramp(signal: int, start_s: float, count: int, *, every_s: float = 1.0, seq: int = 1) -> Batch:
    """Make a batch of one signal whose value is its number in the batch, received with its last sample."""
    rows = [(signal, start_s + number * every_s, float(number)) for number in range(count)]
    return batch(rows, seq=seq, received_s=start_s + count * every_s)


def site(name: str) -> Site:
    return Site(id=f"site-{name}", code=name.upper(), name=f"Werk {name}", time_zone="Europe/Vienna", currency="EUR")


def area(name: str) -> Area:
    return Area(id=f"area-{name}", site_id=f"site-{name}", name="Utilities")


def line(name: str) -> Line:
    return Line(id=f"line-{name}", site_id=f"site-{name}", area_id=f"area-{name}", name="Water", lead_signal_id=7)


def asset(name: str, code: str = "P-101A") -> Asset:
    return Asset(
        id=f"asset-{name}",
        site_id=f"site-{name}",
        line_id=f"line-{name}",
        code=code,
        name="Feed pump",
        asset_class="Centrifugal pump, 22 kW",
        state_signal_id=2**32 - 1,
        simulated=True,
    )


def device(name: str) -> Device:
    return Device(id=f"device-{name}", site_id=f"site-{name}", code="G-1", name="Gateway 1", asset_id=f"asset-{name}")


def device_key(name: str) -> DeviceKey:
    return DeviceKey(
        id=f"key-{name}",
        site_id=f"site-{name}",
        device_id=f"device-{name}",
        hint="pdm_ab12",
        created_at=NOON,
        created_by="erin.engineer",
    )


def signal(name: str, number: int) -> Signal:
    return Signal(
        id=number,
        site_id=f"site-{name}",
        asset_id=f"asset-{name}",
        name=f"bearing_{number}",
        label="Bearing temperature, drive end",
        unit="Cel",
        range_low=-40.0,
        range_high=0.1 + 0.2,
        connection_id=f"connection-{name}",
        address={"node": "ns=2;s=P-101A.Bearing", "deep": {"list": [1, 2.5, None, "ä"]}},
        scale=1 / 3,
    )


def connection(name: str) -> Connection:
    return Connection(
        id=f"connection-{name}",
        site_id=f"site-{name}",
        name="Pump PLC",
        driver="opcua",
        endpoint="opc.tcp://127.0.0.1:4840",
        options={"publish_every_ms": 50, "security": None},
    )


def rule(name: str) -> AlarmRule:
    return AlarmRule(
        id=f"rule-{name}",
        site_id=f"site-{name}",
        asset_id=f"asset-{name}",
        signal_id=1,
        name="Bearing hot",
        condition=HighLimit(limit=85.5, deadband=0.3),
        priority=2,
        action="Check oil.\nCall maintenance.",
    )


def alarm(name: str, number: int = 1, state: AlarmState = AlarmState.UNACKNOWLEDGED, raised_s: float = 0.0) -> Alarm:
    return Alarm(
        id=f"alarm-{name}-{number}",
        rule_id=f"rule-{name}",
        site_id=f"site-{name}",
        asset_id=f"asset-{name}",
        signal_id=1,
        name="Bearing hot",
        priority=2,
        state=state,
        limit=85.5,
        raised_at=NOON + round(raised_s * S),
        value=86.1,
    )


def entry(name: str, number: int, at_s: float = 0.0, **changes: object) -> JournalEntry:
    fields: dict[str, object] = {
        "id": f"entry-{name}-{number:04}",
        "alarm_id": f"alarm-{name}-1",
        "rule_id": f"rule-{name}",
        "site_id": f"site-{name}",
        "asset_id": f"asset-{name}",
        "at": NOON + round(at_s * S),
        "recorded_at": NOON,
        "kind": JournalKind.RAISED,
        "state": AlarmState.UNACKNOWLEDGED,
        "priority": 2,
        "name": "Bearing hot",
        **changes,
    }
    return JournalEntry.model_validate(fields)


def fact(name: str) -> AuditFact:
    return AuditFact(
        id=f"fact-{name}", at=NOON, actor_id="ada", actor="ada", action="assets.changed", subject="asset",
        subject_id=f"asset-{name}", name=f"asset {name}", site_id=f"site-{name}",
    )  # fmt: skip


def user(name: str, role: Role = Role.OPERATOR, sites: tuple[str, ...] | None = None) -> User:
    return User(
        id=f"user-{name}",
        username=f"olga.{name}",
        display_name="Olga Ö.",
        role=role,
        site_ids=(f"site-{name}",) if sites is None else sites,
        created_at=NOON,
    )


def session(name: str, number: int = 1, expires_s: float = 3600) -> SessionRow:
    return SessionRow(
        id=f"session-{name}-{number}",
        user_id=f"user-{name}",
        created_at=NOON,
        seen_at=NOON,
        expires_at=Micros(NOON + round(expires_s * S)),
        refresh_hash="h1",
        address="127.0.0.1",
        agent="Firefox " * 60,
    )


def secret(name: str) -> SecretFact:
    return SecretFact(
        purpose="connection", record_id=f"connection-{name}", site_id=f"site-{name}", key_id="old", changed_at=NOON
    )


def peer() -> PeerCertificate:
    """A certificate of nobody's site."""
    fingerprint = ":".join(["AB"] * 32)
    facts = Certificate(
        subject="press-07", issuer="Plant authority", names=("press-07",), valid_from=NOON, valid_until=NOON + S,
        serial="1f", fingerprint=fingerprint, is_authority=False,
    )  # fmt: skip
    return PeerCertificate(
        fingerprint=fingerprint, certificate=facts, pem="pem", standing=Standing.WAITING, reason="r" * 2000,
        connection_id="connection-linz", connection_name="Line", first_seen_at=NOON, last_seen_at=NOON,
    )  # fmt: skip


def settings_revision(number: int, name: str = THEIRS) -> SettingsRevision:
    return SettingsRevision(
        number=number,
        at=NOON,
        actor_id=f"user-{name}",
        actor=f"olga.{name}",
        reason=f"as {name} wants it",
        changed=("auth.idle_minutes", "auth.mfa_required_roles"),
        stored={"auth.idle_minutes": 12.5, "auth.mfa_required_roles": ("admin", "manager"), "log.requests": True},
    )


async def put_plant(work: UnitOfWork, name: str, signal_id: int) -> None:
    """Store one of everything at one site."""
    async with work(EVERY_SITE) as transaction:
        await transaction.sites.put(site(name))
        await transaction.trust.put(peer())
        await transaction.settings.add(settings_revision(await transaction.settings.newest_number() + 1, name))
        await transaction.assets.put_area(area(name))
        await transaction.assets.put_line(line(name))
        await transaction.assets.put(asset(name))
        await transaction.connections.put(connection(name))
        await transaction.devices.put(device(name))
        await transaction.devices.add_key(device_key(name), f"hash-{name}")
        await transaction.signals.put([signal(name, signal_id)])
        await transaction.alarms.put_rule(rule(name))
        await transaction.alarms.put_memories([RuleMemory(rule_id=f"rule-{name}", abnormal_since=NOON)])
        await transaction.alarms.put([alarm(name)])
        await transaction.alarms.append([entry(name, 1)])
        await transaction.users.put(user(name), f"password-{name}")
        await transaction.users.put_session(session(name))
        await transaction.users.put_value("setup", "token")
        await put_people(transaction, name)
        await transaction.audit.add(fact(name))
        await transaction.secrets.put(secret(name), f"sealed-{name}")
        await transaction.commit()
