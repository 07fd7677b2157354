"""One transaction over everything that is stored, with the site scope of whoever opened it.

``SqlUnitOfWork(database)`` is the port's UnitOfWork: ``async with work(scope) as w: …; await w.commit()``.

Isolation is READ COMMITTED on both databases: what is read before the first write is read without a lock. Where two
callers may race, a conditional UPDATE decides (`rotate_session`, `take_value`). A transaction that failed is not begun
again here, since what the caller read in it may have changed: the caller sees `UnavailableError` and repeats the whole.
Connections are checked when they are lent, so that a restarted server costs nobody an error.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from pdm_app.domain.access import Scope
from pdm_app.domain.annotations import Annotations
from pdm_app.domain.asset_health import Healths
from pdm_app.domain.campaigns import Campaigns
from pdm_app.domain.cases import Cases
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
from pdm_app.domain.repositories import Alarms, Assets, Audit, Connections, Devices, Signals, Sites, Users, Work
from pdm_app.domain.retention import Retention
from pdm_app.domain.rotas import Rotas
from pdm_app.domain.runs import Runs
from pdm_app.domain.secrets import Secrets
from pdm_app.domain.settings_revisions import SettingsRevisions
from pdm_app.domain.shifts import ShiftCalendars
from pdm_app.domain.sinks import Sinks
from pdm_app.domain.storage_rules import StorageRules
from pdm_app.domain.trust import PeerCertificates
from pdm_app.domain.views import Views
from pdm_app.storage.alarms import SqlAlarms
from pdm_app.storage.annotations import SqlAnnotations
from pdm_app.storage.api_keys import SqlApiKeys
from pdm_app.storage.assets import SqlAssets, SqlSites
from pdm_app.storage.audit import SqlAudit
from pdm_app.storage.cases import SqlCases
from pdm_app.storage.connections import SqlConnections
from pdm_app.storage.credentials import SqlCredentials
from pdm_app.storage.database import Database
from pdm_app.storage.devices import SqlDevices
from pdm_app.storage.handovers import SqlHandovers
from pdm_app.storage.health import SqlHealths
from pdm_app.storage.holdings import SqlGroups, SqlRoles, SqlShares
from pdm_app.storage.identities import SqlIdentities
from pdm_app.storage.imports import SqlImports
from pdm_app.storage.maintenance import SqlMaintenance
from pdm_app.storage.models import SqlModels
from pdm_app.storage.notice_templates import SqlNoticeTemplates
from pdm_app.storage.outbox import SqlOutbox
from pdm_app.storage.plans import SqlProductionPlans
from pdm_app.storage.plant import SqlPlant
from pdm_app.storage.production import SqlProduction
from pdm_app.storage.releases import SqlReleases
from pdm_app.storage.reports import SqlReports
from pdm_app.storage.repository import Transaction
from pdm_app.storage.retention import SqlRetention
from pdm_app.storage.rollouts import SqlCampaigns, SqlDeviceGroups, SqlFirmwareActions, SqlFirmwareTwins
from pdm_app.storage.runs import SqlRuns
from pdm_app.storage.secrets import SqlSecrets
from pdm_app.storage.settings_revisions import SqlSettingsRevisions
from pdm_app.storage.shifts import SqlRotas, SqlShiftCalendars
from pdm_app.storage.signals import SqlSignals
from pdm_app.storage.sinks import SqlSinks
from pdm_app.storage.storage_rules import SqlStorageRules
from pdm_app.storage.trust import SqlPeerCertificates
from pdm_app.storage.users import SqlUsers
from pdm_app.storage.views import SqlViews

log = logging.getLogger(__name__)


class SqlWork:
    """The repositories of one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.sites: Sites = SqlSites(transaction)
        self.assets: Assets = SqlAssets(transaction)
        self.devices: Devices = SqlDevices(transaction)
        self.device_groups: DeviceGroups = SqlDeviceGroups(transaction)
        self.twins: FirmwareTwins = SqlFirmwareTwins(transaction)
        self.campaigns: Campaigns = SqlCampaigns(transaction)
        self.firmware_actions: FirmwareActions = SqlFirmwareActions(transaction)
        self.signals: Signals = SqlSignals(transaction)
        self.connections: Connections = SqlConnections(transaction)
        self.alarms: Alarms = SqlAlarms(transaction)
        self.users: Users = SqlUsers(transaction)
        self.credentials: Credentials = SqlCredentials(transaction)
        self.identities: Identities = SqlIdentities(transaction)
        self.api_keys: ApiKeys = SqlApiKeys(transaction)
        self.secrets: Secrets = SqlSecrets(transaction)
        self.outbox: Outbox = SqlOutbox(transaction)
        self.notice_templates: NoticeTemplates = SqlNoticeTemplates(transaction)
        self.shifts: ShiftCalendars = SqlShiftCalendars(transaction)
        self.handovers: Handovers = SqlHandovers(transaction)
        self.rotas: Rotas = SqlRotas(transaction)
        self.reports: Reports = SqlReports(transaction)
        self.trust: PeerCertificates = SqlPeerCertificates(transaction)
        self.releases: Releases = SqlReleases(transaction)
        self.settings: SettingsRevisions = SqlSettingsRevisions(transaction)
        self.groups: Groups = SqlGroups(transaction)
        self.roles: Roles = SqlRoles(transaction)
        self.shares: Shares = SqlShares(transaction)
        self.production: Production = SqlProduction(transaction)
        self.plans: ProductionPlans = SqlProductionPlans(transaction)
        self.runs: Runs = SqlRuns(transaction)
        self.sinks: Sinks = SqlSinks(transaction)
        self.storage_rules: StorageRules = SqlStorageRules(transaction)
        self.views: Views = SqlViews(transaction)
        self.annotations: Annotations = SqlAnnotations(transaction)
        self.imports: Imports = SqlImports(transaction)
        self.maintenance: Maintenance = SqlMaintenance(transaction)
        self.cases: Cases = SqlCases(transaction)
        self.models: Models = SqlModels(transaction)
        self.health: Healths = SqlHealths(transaction)
        self.plant: Plant = SqlPlant(transaction)
        self.retention: Retention = SqlRetention(transaction)
        self._audit = SqlAudit(transaction)
        self.audit: Audit = self._audit

    async def hold(self, fence: Fence) -> None:
        """Keep the collector lease from changing hands until this transaction ends.

        Raises:
            FencedError: Another process holds it already.
        """
        await self._transaction.hold(fence)

    async def commit(self) -> None:
        """Keep what was written, with its audit entries; the work may go on in a new transaction afterwards."""
        entries = await self._audit.chain()
        await self._transaction.commit()
        for entry in entries:  # A log that is kept elsewhere thereby holds anchors for the chain.
            log.info("audited", extra={"seq": entry.seq, "action": entry.action, "hash": entry.hash})


class SqlUnitOfWork:
    """Opens transactions. Leaving the block without `SqlWork.commit` rolls back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, scope: Scope) -> AbstractAsyncContextManager[Work]:
        return self._open(scope)

    @asynccontextmanager
    async def _open(self, scope: Scope) -> AsyncIterator[Work]:
        async with self._database.connected("open a transaction") as connection:
            yield SqlWork(Transaction(self._database, connection, scope))

    async def ping(self) -> float:
        """Return the round trip to the database in milliseconds.

        Raises:
            UnavailableError: It does not answer.
        """
        return await self._database.ping()
