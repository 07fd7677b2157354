"""Repositories and the unit of work over them: what is stored, as Protocols that storage implements.

Everything is read and written through `Work`, one transaction that sees only what its scope covers.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from pdm_app.domain.access import DeviceKey, Scope, User
from pdm_app.domain.alarm_figures import Happening
from pdm_app.domain.alarms import Alarm, AlarmRule, JournalEntry, JournalQuery, RuleMemory
from pdm_app.domain.annotations import Annotations
from pdm_app.domain.asset_health import Healths
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.audit import AuditEntry, AuditFact, AuditHead, AuditQuery
from pdm_app.domain.campaigns import Campaigns
from pdm_app.domain.cases import Cases
from pdm_app.domain.connections import Connection
from pdm_app.domain.credentials import ApiKeys, Credentials
from pdm_app.domain.device_groups import DeviceGroups
from pdm_app.domain.directories import Identities
from pdm_app.domain.firmware_actions import FirmwareActions
from pdm_app.domain.firmware_keys import Releases
from pdm_app.domain.firmware_twins import FirmwareTwins
from pdm_app.domain.handovers import Handovers
from pdm_app.domain.holdings import Groups, Roles, Shares
from pdm_app.domain.imports import Imports
from pdm_app.domain.maintenance_events import Maintenance
from pdm_app.domain.model_registry import Models
from pdm_app.domain.notice_words import NoticeTemplates
from pdm_app.domain.orders import ProductionPlans
from pdm_app.domain.outbox import Outbox
from pdm_app.domain.plant import Plant
from pdm_app.domain.ports import Fence
from pdm_app.domain.production_shifts import Production
from pdm_app.domain.reports import Reports
from pdm_app.domain.retention import Retention
from pdm_app.domain.rotas import Rotas
from pdm_app.domain.runs import Runs
from pdm_app.domain.samples import Micros
from pdm_app.domain.secrets import Secrets
from pdm_app.domain.settings_revisions import SettingsRevisions
from pdm_app.domain.shifts import ShiftCalendars
from pdm_app.domain.signals import Signal
from pdm_app.domain.sinks import Sinks
from pdm_app.domain.storage_rules import StorageRules
from pdm_app.domain.trust import PeerCertificates
from pdm_app.domain.views import Views


class Sites(Protocol):
    async def all(self) -> Sequence[Site]: ...
    async def put(self, site: Site) -> None: ...


class Assets(Protocol):
    async def areas(self) -> Sequence[Area]: ...
    async def lines(self) -> Sequence[Line]: ...
    async def all(self) -> Sequence[Asset]: ...
    async def get(self, asset_id: str) -> Asset | None: ...
    async def put_area(self, area: Area) -> None: ...
    async def put_line(self, line: Line) -> None: ...
    async def put(self, asset: Asset) -> None: ...


class Devices(Protocol):
    async def all(self) -> Sequence[Device]: ...
    async def get(self, device_id: str) -> Device | None: ...
    async def put(self, device: Device) -> None: ...
    async def keys(self, device_id: str | None = None) -> Sequence[DeviceKey]: ...
    async def add_key(self, key: DeviceKey, key_hash: str) -> None: ...
    async def key_by_hash(self, key_hash: str) -> DeviceKey | None: ...
    async def expire_key(self, key_id: str, at: Micros) -> bool: ...
    async def revoke_key(self, key_id: str, at: Micros) -> bool: ...
    async def keys_used(self, uses: Mapping[str, Micros]) -> None:
        """Set when keys were used last, by their ids."""
        ...

    async def mark(self) -> str:
        """Return what changes whenever a key or a device does, but not when a key is used."""
        ...


class Signals(Protocol):
    async def all(self) -> Sequence[Signal]: ...
    async def of_asset(self, asset_id: str) -> Sequence[Signal]: ...
    async def of_connection(self, connection_id: str) -> Sequence[Signal]: ...
    async def some(self, ids: Sequence[int]) -> Sequence[Signal]: ...
    async def derived(self) -> Sequence[Signal]: ...
    async def put(self, signals: Sequence[Signal]) -> None: ...


class Connections(Protocol):
    async def all(self) -> Sequence[Connection]: ...
    async def get(self, connection_id: str) -> Connection | None: ...
    async def put(self, connection: Connection) -> None: ...


class Alarms(Protocol):
    async def rules(self) -> Sequence[AlarmRule]: ...
    async def rule(self, rule_id: str) -> AlarmRule | None: ...
    async def put_rule(self, rule: AlarmRule) -> None: ...
    async def memories(self) -> Sequence[RuleMemory]: ...
    async def put_memories(self, memories: Sequence[RuleMemory]) -> None: ...
    async def standing(self) -> Sequence[Alarm]:
        """Return every alarm that is not in state A."""
        ...

    async def get(self, alarm_id: str) -> Alarm | None: ...
    async def put(self, alarms: Sequence[Alarm]) -> None: ...
    async def append(self, entries: Sequence[JournalEntry]) -> None:
        """Add journal entries; one that is there already (same id) stays as it is."""
        ...

    async def journal(self, query: JournalQuery) -> Sequence[JournalEntry]: ...
    async def journal_count(self, query: JournalQuery) -> int:
        """Count what a filter finds; its page and cursor do not matter."""
        ...

    async def catch_up_words(self, rows_max: int) -> int:
        """Keep the words of entries that were stored without; return of how many, 0 when all have theirs."""
        ...

    async def happenings(self, start_at: int, end_at: int, site_id: str | None, rows_max: int) -> Sequence[Happening]:
        """Return the newest entries of a span that say how alarms stood, oldest first."""
        ...

    async def journal_begins_at(self, site_id: str | None) -> int | None:
        """Return the time of the oldest entry; None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A signed-in session; ``refresh_hash`` is the hash of the one refresh token now valid."""

    id: str
    user_id: str
    created_at: Micros
    seen_at: Micros
    expires_at: Micros
    refresh_hash: str
    address: str
    agent: str
    revoked_at: Micros | None = None
    active_at: Micros | None = None  # When a person last did something on a page; None where no page is.


class Users(Protocol):
    async def all(self) -> Sequence[User]: ...
    async def get(self, user_id: str) -> User | None: ...
    async def by_username(self, username: str) -> User | None: ...
    async def password_hash(self, user_id: str) -> str | None: ...
    async def put(self, user: User, password_hash: str | None = None) -> None:
        """Store the user; ``password_hash`` None keeps the old one."""
        ...

    async def forget_password(self, user_id: str) -> None:
        """Remove the password hash: nobody signs in to the account by password any more."""
        ...

    async def seen(self) -> Mapping[str, Micros]:
        """Return by user when they were last there, from the sessions that are remembered."""
        ...

    async def session(self, session_id: str) -> SessionRow | None: ...
    async def put_session(self, session: SessionRow) -> None: ...
    async def sessions(self, user_id: str) -> Sequence[SessionRow]:
        """Return the user's sessions that are not revoked, oldest first."""
        ...

    async def rotate_session(self, session_id: str, old_hash: str, new_hash: str, at: Micros) -> bool:
        """Replace the refresh hash in one conditional UPDATE and set ``seen_at``; False if it is not ``old_hash``.

        Of two callers at once exactly one gets True. A revoked session is never rotated.
        """
        ...

    async def touch_session(self, session_id: str, at: Micros) -> None:
        """Set ``seen_at`` and nothing else."""
        ...

    async def note_activity(self, session_id: str, at: Micros) -> None:
        """Set ``active_at`` and ``seen_at``: somebody is in front of the page."""
        ...

    async def revoke_session(self, session_id: str, at: Micros) -> bool:
        """Set ``revoked_at`` unless it is set already; False if nothing was changed."""
        ...

    async def forget_sessions(self, before: Micros) -> int:
        """Delete sessions whose ``expires_at`` lies before ``before``; return how many."""
        ...

    async def value(self, key: str) -> str | None:
        """Return one installation fact, such as the hash of the set-up token."""
        ...

    async def put_value(self, key: str, value: str | None) -> None: ...

    async def take_value(self, key: str, value: str) -> bool:
        """Delete the fact if it is still ``value``, in one conditional DELETE: of two callers one gets True."""
        ...


class Audit(Protocol):
    async def add(self, fact: AuditFact) -> None:
        """Put a change on record when this transaction commits; services call `pdm_app.services.auditing.audit`."""
        ...

    async def head(self) -> AuditHead: ...
    async def page(self, query: AuditQuery) -> Sequence[AuditEntry]: ...
    async def after(self, seq: int | None, limit: int, query: AuditQuery | None = None) -> Sequence[AuditEntry]:
        """Return the entries that follow number ``seq``, or the first ones for None, oldest first.

        ``query`` leaves out what it does not admit; its own page and limit do not matter.
        """
        ...


class Work(Protocol):
    """One transaction over everything that is stored; reads show only what the scope covers."""

    sites: Sites
    assets: Assets
    devices: Devices
    device_groups: DeviceGroups
    twins: FirmwareTwins
    campaigns: Campaigns
    firmware_actions: FirmwareActions
    signals: Signals
    connections: Connections
    alarms: Alarms
    users: Users
    credentials: Credentials
    identities: Identities
    api_keys: ApiKeys
    groups: Groups
    roles: Roles
    shares: Shares
    production: Production
    plans: ProductionPlans
    runs: Runs
    sinks: Sinks
    storage_rules: StorageRules
    views: Views
    annotations: Annotations
    imports: Imports
    maintenance: Maintenance
    cases: Cases
    models: Models
    health: Healths
    outbox: Outbox
    notice_templates: NoticeTemplates
    shifts: ShiftCalendars
    handovers: Handovers
    rotas: Rotas
    reports: Reports
    secrets: Secrets
    trust: PeerCertificates
    releases: Releases
    settings: SettingsRevisions
    audit: Audit
    plant: Plant
    retention: Retention

    async def hold(self, fence: Fence) -> None:
        """Keep the collector lease from changing hands until this transaction ends; before the first write.

        Raises:
            FencedError: Another process holds it already.
        """
        ...

    async def commit(self) -> None: ...


class UnitOfWork(Protocol):
    """Opens transactions. Leaving the block without `Work.commit` rolls back."""

    def __call__(self, scope: Scope) -> AbstractAsyncContextManager[Work]: ...

    async def ping(self) -> float:
        """Return the round trip to the database in milliseconds.

        Raises:
            UnavailableError: It does not answer.
        """
        ...
