"""The composition root: settings become adapters, services and an engine, in order, and end in the opposite order.

`running` is the whole life of the product: database > consumers > producers; at the end producers are cancelled,
consumers drained, the recorder flushed, the database closed. A fatal error in the engine ends the process.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from pdm_app.directories.doors import open_doors
from pdm_app.documents.renderers import RENDERERS
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import Batch
from pdm_app.domain.self_alarms import self_rules
from pdm_app.drivers.connection_rules import Rules
from pdm_app.drivers.csv_recordings import CsvRecordings
from pdm_app.drivers.registry import drivers_with, load
from pdm_app.engine.alarm_watch import CONSUMER as ALARMS
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.engine.certificate_keeper import CertificateKeeper
from pdm_app.engine.collector import Collector
from pdm_app.engine.cooling import Cooling
from pdm_app.engine.deriver import CONSUMER as FORMULAS
from pdm_app.engine.deriver import Deriver
from pdm_app.engine.host_checks import ClockCheck, DiskCheck
from pdm_app.engine.intake import Intake
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.partitions import PartitionKeeper
from pdm_app.engine.recorder import CONSUMER as RECORDER
from pdm_app.engine.recorder import Recorder
from pdm_app.engine.retention import RetentionKeeper
from pdm_app.engine.rollup import Rollup
from pdm_app.engine.run_watch import CONSUMER as RUNS
from pdm_app.engine.run_watch import RunWatch
from pdm_app.engine.self_watch import SelfWatch
from pdm_app.engine.shift_watch import ShiftWatch
from pdm_app.engine.sink_feed import CONSUMER as SINKS
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.engine.thinner import Thinner
from pdm_app.engine.vitals import About, Vitals
from pdm_app.runtime.demo import ToldPast, begin_past, begin_plant, begin_scene
from pdm_app.runtime.figures import of_cache, register_figures
from pdm_app.runtime.firmware import firmware_services
from pdm_app.runtime.imports import import_services
from pdm_app.runtime.maintenance import begin_maintenance
from pdm_app.runtime.models import begin_models
from pdm_app.runtime.notices import Notices, begin_notices
from pdm_app.runtime.process import SystemClock, end_process, later, product_version
from pdm_app.runtime.production import begin_production
from pdm_app.runtime.reports import begin_reports
from pdm_app.runtime.rollout import begin_rollout
from pdm_app.runtime.sinks import begin_sinks
from pdm_app.runtime.training import begin_training
from pdm_app.services.acme import AcmeKeeping
from pdm_app.services.alarm_services import alarm_services
from pdm_app.services.annotations import AnnotationService
from pdm_app.services.application_identity import ApplicationIdentity
from pdm_app.services.areas import AreaService
from pdm_app.services.assets import AssetService
from pdm_app.services.audit import AuditService
from pdm_app.services.auth import AuthService
from pdm_app.services.batches import BatchService
from pdm_app.services.bucket_key import bucket_key
from pdm_app.services.catalogue import Services
from pdm_app.services.certificate_store import CertificateStore
from pdm_app.services.certificates import CertificateService
from pdm_app.services.client_certificates import ClientCertificateService
from pdm_app.services.connection_tests import ConnectionTestService
from pdm_app.services.connections import ConnectionService
from pdm_app.services.demo import DemoService
from pdm_app.services.demo_notices import ensure_demo_notices
from pdm_app.services.device_sheet import DeviceSheetService
from pdm_app.services.devices import DeviceService
from pdm_app.services.directories import DirectoryService, directory_secret
from pdm_app.services.expiries import ExpiryService
from pdm_app.services.exports import FOLDER as EXPORTS_FOLDER
from pdm_app.services.exports import ExportService
from pdm_app.services.formulas import FormulaService
from pdm_app.services.history import HistoryService
from pdm_app.services.in_force import InForce
from pdm_app.services.ingest import IngestService
from pdm_app.services.lines import LineService
from pdm_app.services.link_materials import LinkMaterials
from pdm_app.services.live import LiveService
from pdm_app.services.logins import LoginService
from pdm_app.services.metrics import Metrics
from pdm_app.services.plant_changes import Desk
from pdm_app.services.pumps import PumpService
from pdm_app.services.recalculations import RecalculationService
from pdm_app.services.replays import ReplayService
from pdm_app.services.retention import RetentionService
from pdm_app.services.retention_runs import RetentionRuns
from pdm_app.services.run_rules import RunRuleService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.services.settings import SettingsService
from pdm_app.services.settings_book import SettingsBook
from pdm_app.services.signals import SignalService
from pdm_app.services.signatures import SignatureService
from pdm_app.services.sites import SiteService
from pdm_app.services.storage import StorageService
from pdm_app.services.storage_rules import StorageRuleService
from pdm_app.services.system import SystemService
from pdm_app.services.trust import TrustService
from pdm_app.services.views import ViewService
from pdm_app.settings import Settings
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.cold_bucket import place_of
from pdm_app.storage.committed import SqlCommitted
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.history_notes import SqlHistoryNotes
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.migrations import migrate
from pdm_app.storage.storage_facts import SqlStorageFacts
from pdm_app.storage.thinning_file import ThinningFile
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Bus
from pdm_app.stream.frames import LiveFrames
from pdm_app.stream.latest import Latest

log = structlog.get_logger(__name__)

BUFFER_FILE = "buffer.sqlite"
THINNING_FILE = "thinning.npz"
RECORDINGS_FOLDER = "recordings"  # Files that can be replayed.
WAITING_SAMPLES_MAX = 200_000  # Of what is not recorded yet, so many are seen by reads: seconds of a busy plant.
PAGES_FIRST_S = 0.5  # So long the first page has the processors to itself, before libraries and machines start.


@dataclass(frozen=True, slots=True)
class Product:
    """The running product."""

    settings: Settings
    services: Services
    version: str


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    on_fatal: Callable[[str, BaseException], None] = end_process,
) -> AsyncIterator[Product]:
    """Run the product until the block is left.

    Args:
        settings: The whole configuration.
        clock: The wall clock unless a test brings its own.
        metrics: Gets the engine's figures.
        on_fatal: Called when the engine cannot go on.

    Raises:
        PdmError: The database, the data directory or the master key cannot be used; says what to do.
    """
    clock = clock or SystemClock()
    metrics = metrics or Metrics()
    started_at = clock.now()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        stack.callback(log.info, "the product has stopped")
        database = Database(settings.database_url)
        stack.push_async_callback(database.close)
        await migrate(database)
        work = SqlUnitOfWork(database)
        settings_book = SettingsBook(settings, work, clock)
        settings = await settings_book.load()
        ring = key_ring(settings.data_dir, settings.secrets.key, settings.secrets.key_file)
        secret_store = SecretStore(work, clock, ring)
        await secret_store.check()
        pages_served = asyncio.Event()
        plant = await begin_plant(settings, work, clock, pages_served, stack) if settings.demo else None
        buffer = DiskBuffer(
            settings.data_dir / BUFFER_FILE,
            bytes_max=settings.buffer.bytes_max,
            consumers=(RECORDER, ALARMS, FORMULAS, RUNS, SINKS),
        )
        stack.push_async_callback(buffer.close)

        async def waiting() -> Sequence[Batch]:
            return await recorder.waiting(WAITING_SAMPLES_MAX)

        place = place_of(settings.history.bucket, settings.data_dir, bucket_key(work, secret_store), clock)
        stack.push_async_callback(place.close)
        historian = SqlHistorian(database, clock, waiting, cold := ColdTier(database, place))
        bus, latest = Bus[Batch](), Latest()
        frames = LiveFrames(latest, clock)
        stack.enter_context(latest.listening(frames.note))

        supervisor = Supervisor(clock, on_fatal)
        keeper = LeaseKeeper(SqlLease(database, clock), clock, holder=f"{socket.gethostname()}:{settings.data_dir}")
        stack.push_async_callback(keeper.release)
        stack.push_async_callback(supervisor.stop)
        supervisor.start("settings", settings_book.run, stage=Stage.SERVICE)
        supervisor.start("lease", keeper.run, stage=Stage.SERVICE)
        intake = Intake([], bus, latest, buffer, clock, may_collect=lambda: keeper.fence is not None)
        thinner = Thinner(ThinningFile(settings.data_dir / THINNING_FILE), work, clock, intake.thinned)
        recorder = Recorder(buffer, historian, keeper.held, clock, intake.settled, thinner)
        supervisor.start("recorder", recorder.run, stage=Stage.CONSUMER, backoff=recorder.backoff,
                         on_retry=recorder.retrying, drain=recorder.drain)  # fmt: skip
        rollup = Rollup(historian, keeper.held, clock)
        supervisor.start("rollup", rollup.run, stage=Stage.CONSUMER, backoff=rollup.backoff)
        compaction, removal = historian.ways_to_cold()
        cooling = Cooling(compaction, keeper.held, clock, settings.history.hot_days)
        supervisor.start("cooling", cooling.run, stage=Stage.CONSUMER, backoff=cooling.backoff)
        days = PartitionKeeper(historian.partitions, keeper.held, clock, lambda: cooling.hot_days)
        supervisor.start("partitions", days.run, stage=Stage.CONSUMER, backoff=days.backoff)
        retention = RetentionService(work, removal, clock)
        retention_runs = RetentionRuns(retention, removal, work, clock, keeper.held)
        forgetting = RetentionKeeper(retention_runs, keeper.held, clock)
        supervisor.start("retention", forgetting.run, stage=Stage.CONSUMER, backoff=forgetting.backoff)
        book = AlarmBook()
        alarm_watch = AlarmWatch(book, bus, buffer, work, clock, keeper.held, self_rules(), has_connections=True)
        await alarm_watch.load()
        supervisor.start("alarms", alarm_watch.run, stage=Stage.CONSUMER, drain=alarm_watch.drain)

        progress: ToldPast | None = None
        if plant is not None:
            progress = begin_past(settings, plant, historian, work, clock, keeper, pages_served, supervisor)
        deriver = Deriver(buffer, intake, historian, work, clock, keeper.held, intake.settled)
        supervisor.start("formulas", deriver.run, stage=Stage.CONSUMER, backoff=deriver.backoff,
                         on_retry=deriver.retrying, drain=deriver.drain)  # fmt: skip
        run_watch = RunWatch(buffer, historian, work, clock, keeper.held)
        supervisor.start("runs", run_watch.run, stage=Stage.CONSUMER, backoff=run_watch.backoff,
                         on_retry=run_watch.retrying)  # fmt: skip

        feed, sinks = begin_sinks(settings.data_dir, buffer, recorder, SqlCommitted(database, cold), work, secret_store,
                                  clock, keeper.held, supervisor)  # fmt: skip

        notices = await begin_notices(settings, work, secret_store, ring, clock, keeper.held, supervisor, stack)
        alarm_watch.on_events = notices.wake

        async def load_later(driver: str) -> None:
            await pages_served.wait()
            await load(driver)

        logins = LoginService(work, clock, secret_store)
        identity = ApplicationIdentity(settings.data_dir, clock)
        vouching = LinkMaterials(work, clock, secret_store, identity)
        drivers = drivers_with(settings.data_dir / RECORDINGS_FOLDER)
        collector = Collector(work, intake, supervisor, drivers, clock, keeper, load_later, logins.of, vouching)

        about = About(product_version(), started_at, database.place, str(settings.data_dir), settings.demo)
        vitals = Vitals(about, clock, work, buffer, recorder, collector, alarm_watch, deriver, keeper, bus, frames)
        vitals.register(metrics)
        stack.callback(metrics.clear)
        certificate_store = CertificateStore(settings.data_dir, settings.tls, clock, host=settings.host)
        acme = AcmeKeeping(certificate_store, settings.tls, work, clock)
        certificates = CertificateService(certificate_store, work, clock, settings, acme)
        expiries = ExpiryService(clock)
        expiries.register(metrics)
        expiries.add("certificates", certificates.expiries)
        supervisor.start("certificates", CertificateKeeper(acme, expiries, clock).run, stage=Stage.SERVICE)
        client_certificates = ClientCertificateService(work, clock, secret_store, collector)
        trust = TrustService(work, clock, identity, collector)
        expiries.add("trust", trust.expiries)
        expiries.add("client certificates", client_certificates.expiries)
        secret_of = directory_secret(work, secret_store)
        doors = open_doors(settings.auth.oidc, settings.auth.ldap, clock, secret_of)
        stack.push_async_callback(doors.close)
        auth = AuthService(work, clock, settings, sealer=ring, doors=doors)
        stack.callback(auth.close)
        supervisor.start("password hashing", auth.warm_up, stage=Stage.SERVICE)
        if settings.demo:
            await auth.ensure_demo_accounts()
            await ensure_demo_notices(work, clock)
        ingest = IngestService(work, intake, clock, settings.ingest)
        in_force = InForce(
            ingest.forget_signals,
            alarm_watch.reload,
            collector.reload_signals,
            collector.reload,
            deriver.reload,
            thinner.reload,
            run_watch.reload,
            feed.reload,
        )
        desk = Desk(clock, Rules(), in_force)
        signatures = SignatureService(work, clock, auth.profile.confirm)
        assets = AssetService(work, desk, signatures, signs_deletions=settings.audit.sign_deletions)
        signals = SignalService(work, desk)
        notes = SqlHistoryNotes(database, cold)
        recalculations = RecalculationService(work, historian, clock, keeper.held, lambda: deriver.status.faults, notes)
        supervisor.start("recalculations", recalculations.run, stage=Stage.CONSUMER)
        live = LiveService(frames, signals)
        exports = ExportService(work, historian, signals, clock, settings.data_dir / EXPORTS_FOLDER, RENDERERS)
        supervisor.start("exports", exports.run, stage=Stage.CONSUMER)
        history = HistoryService(historian, signals, metrics.query_latency_seconds.observe, clock, notes)
        audit = AuditService(work, clock, settings.audit.entries_warn,
                             lambda name, run: supervisor.start(name, run, stage=Stage.SERVICE))  # fmt: skip
        imports = import_services(settings, work, historian, clock, keeper.held, notes, supervisor)
        devices = DeviceService(work, clock, desk, overlap_hours=settings.auth.key_overlap_hours)
        firmware = await firmware_services(settings.data_dir, work, clock, imports["uploads"], expiries, secret_store)
        alarms = alarm_services(work, book, historian, desk, clock)
        rated = begin_production(bus, historian, work, clock, keeper.held, supervisor, progress, alarms, signatures)
        models = await begin_models(settings.data_dir, work, historian, intake, in_force, clock, keeper.held,
                                    supervisor, stack, metrics, progress)  # fmt: skip
        facts = SqlStorageFacts(database, compaction, historian.partitions, settings.data_dir, place)
        services = Services(
            **alarms,
            annotations=AnnotationService(work, clock),
            areas=AreaService(work, desk),
            assets=assets,
            audit=audit,
            auth=auth,
            batches=BatchService(
                work, historian, clock, RunRuleService(work, clock, run_watch.reload, lambda: run_watch.faults)
            ),
            certificates=certificates,
            connections=ConnectionService(work, collector, clock, desk),
            demo=DemoService(plant, work, clock, progress) if plant is not None else None,
            device_sheet=DeviceSheetService(work, devices, desk),
            devices=devices,
            directories=DirectoryService(work, clock, doors, secret_store),
            expiries=expiries,
            exports=exports,
            formulas=FormulaService(work, historian),
            history=history,
            client_certificates=client_certificates,
            connection_tests=ConnectionTestService(work, clock, Rules(), logins, collector),
            logins=LoginService(work, clock, secret_store, collector),
            **imports,
            **firmware,
            ingest=ingest,
            lines=LineService(work, desk),
            live=live,
            **await begin_maintenance(work, book, latest, clock, keeper.held, supervisor, demo=settings.demo),
            **models,
            **begin_training(work, historian, models["models"], imports["uploads"], clock, supervisor),
            **notices.services,
            **begin_rollout(work, latest, clock, keeper.held, supervisor, firmware["releases"], devices, history),
            **rated,
            pumps=PumpService(assets, signals, live, history),
            recalculations=recalculations,
            replays=ReplayService(work, CsvRecordings(settings.data_dir / RECORDINGS_FOLDER), desk),
            reports=begin_reports(work, alarms, audit, rated["production"], clock, keeper.held, supervisor),
            retention=retention,
            retention_runs=retention_runs,
            signals=signals,
            signatures=signatures,
            settings=SettingsService(work, clock, settings_book),
            sinks=sinks,
            sites=SiteService(work, desk),
            storage_rules=StorageRuleService(
                work, historian, clock, thinner.reload, lambda: thinner.thinned, cold.bytes_per_sample
            ),
            storage=StorageService(facts, buffer, clock, settings.history.hot_days, historian.cache_figures),
            trust=trust,
            views=ViewService(work, clock),
            system=SystemService(
                {
                    **vitals.checks(),
                    "audit": audit.check,
                    "certificate": expiries.check,
                    "notices": notices.services["notices"].check,
                    "sinks": sinks.check,
                    "disk": DiskCheck(settings.data_dir).check,
                    "clock": ClockCheck(clock).check,
                },
                lambda: vitals.info().model_copy(update=of_cache(historian.cache_figures())),
                clock,
            ),
        )
        own = SelfWatch(services.system.health, alarm_watch, book, clock, lambda: collector.statuses)
        supervisor.start("own alarms", own.run, stage=Stage.SERVICE)
        supervisor.start("shifts", ShiftWatch(work, alarm_watch, clock).run, stage=Stage.SERVICE)
        if plant is not None:
            begin_scene(settings, plant, book, services, work, clock, pages_served, supervisor)
        settings_book.follow(lambda now: _apply(now, services, buffer, cooling, notices))
        register_figures(metrics, historian.cache_figures, ingest)
        await collector.start(recalled=await historian.latest())
        supervisor.start("pages first", lambda: later(PAGES_FIRST_S, clock, pages_served), stage=Stage.SERVICE)
        log.info("the product runs", version=about.version, database=about.database, demo=settings.demo)
        yield Product(settings, services, about.version)


def _apply(settings: Settings, services: Services, buffer: DiskBuffer, cooling: Cooling, notices: Notices) -> None:
    """Have the parts of the product go by settings that an admin has just changed."""
    services.auth.apply(settings.auth)
    services.audit.entries_warn = settings.audit.entries_warn
    services.assets.signs_deletions = settings.audit.sign_deletions
    services.ingest.limits, services.uploads.limits = settings.ingest, settings.uploads
    buffer.limit(settings.buffer.bytes_max)
    notices.apply(settings)
    cooling.hot_days = services.storage.hot_days = settings.history.hot_days
