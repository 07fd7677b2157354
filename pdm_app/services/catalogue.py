"""All services in one place: what runtime builds and what RPC, UI, endpoints and CLI receive."""

from dataclasses import dataclass

from pdm_app.services.alarm_backtest import AlarmBacktestService
from pdm_app.services.alarm_figures import AlarmFiguresService
from pdm_app.services.alarm_holds import AlarmHoldService
from pdm_app.services.alarm_proposals import AlarmProposalService
from pdm_app.services.alarm_rule_sheet import AlarmRuleSheetService
from pdm_app.services.alarm_rules import AlarmRuleService
from pdm_app.services.alarms import AlarmService
from pdm_app.services.annotations import AnnotationService
from pdm_app.services.areas import AreaService
from pdm_app.services.assets import AssetService
from pdm_app.services.audit import AuditService
from pdm_app.services.auth import AuthService
from pdm_app.services.batches import BatchService
from pdm_app.services.campaigns import CampaignService
from pdm_app.services.cases import CaseService
from pdm_app.services.certificates import CertificateService
from pdm_app.services.client_certificates import ClientCertificateService
from pdm_app.services.connection_tests import ConnectionTestService
from pdm_app.services.connections import ConnectionService
from pdm_app.services.copilot import CopilotService
from pdm_app.services.count_sheets import CountSheetService
from pdm_app.services.demo import DemoService
from pdm_app.services.device_confirmations import DeviceConfirmationService
from pdm_app.services.device_groups import DeviceGroupService
from pdm_app.services.device_sheet import DeviceSheetService
from pdm_app.services.device_stories import DeviceStoryService
from pdm_app.services.device_updates import DeviceUpdateService
from pdm_app.services.devices import DeviceService
from pdm_app.services.director import DirectorService
from pdm_app.services.directories import DirectoryService
from pdm_app.services.expiries import ExpiryService
from pdm_app.services.exports import ExportService
from pdm_app.services.formulas import FormulaService
from pdm_app.services.handovers import HandoverService
from pdm_app.services.health import HealthService
from pdm_app.services.history import HistoryService
from pdm_app.services.imports import ImportService
from pdm_app.services.inbox import InboxService
from pdm_app.services.ingest import IngestService
from pdm_app.services.lines import LineService
from pdm_app.services.live import LiveService
from pdm_app.services.logins import LoginService
from pdm_app.services.maintenance import MaintenanceService
from pdm_app.services.maintenance_rules import MaintenanceRuleService
from pdm_app.services.models import ModelService
from pdm_app.services.notice_links import NoticeLinks
from pdm_app.services.notice_routes import NoticeRouteService
from pdm_app.services.notice_templates import NoticeTemplateService
from pdm_app.services.notices import NoticeService
from pdm_app.services.order_sheets import OrderSheetService
from pdm_app.services.orders import OrderService
from pdm_app.services.page_notices import PageNoticeService
from pdm_app.services.planned_stops import PlannedStopService
from pdm_app.services.production import ProductionService
from pdm_app.services.production_setup import ProductionSetupService
from pdm_app.services.pumps import PumpService
from pdm_app.services.recalculations import RecalculationService
from pdm_app.services.releases import ReleaseService
from pdm_app.services.replays import ReplayService
from pdm_app.services.reports import ReportService
from pdm_app.services.retention import RetentionService
from pdm_app.services.retention_runs import RetentionRuns
from pdm_app.services.rotas import RotaService
from pdm_app.services.settings import SettingsService
from pdm_app.services.shifts import ShiftService
from pdm_app.services.signals import SignalService
from pdm_app.services.signatures import SignatureService
from pdm_app.services.signing_keys import SigningKeyService
from pdm_app.services.sinks import SinkService
from pdm_app.services.sites import SiteService
from pdm_app.services.stops import StopService
from pdm_app.services.storage import StorageService
from pdm_app.services.storage_rules import StorageRuleService
from pdm_app.services.system import SystemService
from pdm_app.services.training import TrainingService
from pdm_app.services.trust import TrustService
from pdm_app.services.unfinished_uploads import UnfinishedUploadService
from pdm_app.services.uploads import UploadService
from pdm_app.services.views import ViewService


@dataclass(frozen=True, slots=True)
class Services:
    """One of each; ``demo`` and ``inbox`` only where the simulated plant runs."""

    alarm_backtest: AlarmBacktestService
    alarm_figures: AlarmFiguresService
    alarm_holds: AlarmHoldService
    alarm_proposals: AlarmProposalService
    alarm_rule_sheet: AlarmRuleSheetService
    alarm_rules: AlarmRuleService
    alarms: AlarmService
    annotations: AnnotationService
    areas: AreaService
    assets: AssetService
    audit: AuditService
    auth: AuthService
    batches: BatchService
    campaigns: CampaignService
    cases: CaseService
    certificates: CertificateService
    client_certificates: ClientCertificateService
    connection_tests: ConnectionTestService
    connections: ConnectionService
    copilot: CopilotService
    count_sheets: CountSheetService
    device_confirmations: DeviceConfirmationService
    device_groups: DeviceGroupService
    device_sheet: DeviceSheetService
    device_stories: DeviceStoryService
    device_updates: DeviceUpdateService
    devices: DeviceService
    director: DirectorService
    directories: DirectoryService
    expiries: ExpiryService
    exports: ExportService
    formulas: FormulaService
    handovers: HandoverService
    health: HealthService
    history: HistoryService
    imports: ImportService
    ingest: IngestService
    lines: LineService
    live: LiveService
    logins: LoginService
    maintenance: MaintenanceService
    maintenance_rules: MaintenanceRuleService
    models: ModelService
    notice_links: NoticeLinks
    notice_routes: NoticeRouteService
    notice_templates: NoticeTemplateService
    notices: NoticeService
    order_sheets: OrderSheetService
    orders: OrderService
    page_notices: PageNoticeService
    planned_stops: PlannedStopService
    production: ProductionService
    production_setup: ProductionSetupService
    pumps: PumpService
    recalculations: RecalculationService
    releases: ReleaseService
    replays: ReplayService
    reports: ReportService
    retention: RetentionService
    retention_runs: RetentionRuns
    rotas: RotaService
    settings: SettingsService
    shifts: ShiftService
    signals: SignalService
    signatures: SignatureService
    signing_keys: SigningKeyService
    sinks: SinkService
    sites: SiteService
    storage_rules: StorageRuleService
    storage: StorageService
    stops: StopService
    system: SystemService
    training: TrainingService
    trust: TrustService
    unfinished_uploads: UnfinishedUploadService
    uploads: UploadService
    views: ViewService
    demo: DemoService | None = None
    inbox: InboxService | None = None
