"""The plain HTTP addresses over a stored plant, called in process; the addresses of callers can be chosen."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from pdm_app.domain.access import SYSTEM, Role
from pdm_app.drivers.connection_rules import Rules
from pdm_app.drivers.csv_recordings import CsvRecordings
from pdm_app.endpoints.routes import routes
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.services.audit import AuditService
from pdm_app.services.auth import AuthService
from pdm_app.services.device_confirmations import DeviceConfirmationService
from pdm_app.services.device_updates import DeviceUpdateService
from pdm_app.services.devices import DeviceService
from pdm_app.services.director import DirectorService
from pdm_app.services.exports import ExportService
from pdm_app.services.imports import ImportService
from pdm_app.services.ingest import IngestService
from pdm_app.services.metrics import Metrics
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.plant_changes import Desk
from pdm_app.services.releases import ReleaseService
from pdm_app.services.replays import ReplayService
from pdm_app.services.reports import ReportService
from pdm_app.services.system import Check, SystemInfo, SystemService
from pdm_app.services.unfinished_uploads import UnfinishedUploadService
from pdm_app.services.uploads import UploadService
from pdm_app.settings import Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import NotedIntake, quick_hasher, stored_plant
from tests.counterparts.pumps import HasRoom, PumpRoom, pump_room

PASSWORD = "copper lantern drifts"
ORIGIN = "http://127.0.0.1:8000"


@dataclass
class Served(HasRoom):
    """The application, what is behind it, and what tests turn."""

    app: ASGIApp
    audit: AuditService
    auth: AuthService
    devices: DeviceService
    ingest: IngestService
    room: PumpRoom
    replays: ReplayService
    system: SystemService
    intake: NotedIntake
    clock: HandClock
    metrics: Metrics
    settings: Settings
    checks: dict[str, Check] = field(default_factory=dict)
    figures: list[SystemInfo] = field(default_factory=list)
    is_running: bool = True

    @property
    def reports(self) -> ReportService:
        """Copies are served in `tests/endpoints/test_report_files.py`."""
        raise AssertionError("nothing is reported here")

    @property
    def exports(self) -> ExportService:
        """Files are served in `tests/endpoints/test_files.py`."""
        raise AssertionError("nothing is exported here")

    @property
    def director(self) -> DirectorService:
        raise AssertionError("nothing is signed here")

    @property
    def device_confirmations(self) -> DeviceConfirmationService:
        """Devices' firmware is served in `tests/endpoints/test_ddi.py`."""
        raise AssertionError("nothing is updated here")

    @property
    def device_updates(self) -> DeviceUpdateService:
        raise AssertionError("nothing is updated here")

    @property
    def releases(self) -> ReleaseService:
        raise AssertionError("nothing is released here")

    @property
    def imports(self) -> ImportService:
        raise AssertionError("nothing is imported here")

    @property
    def uploads(self) -> UploadService:
        raise AssertionError("nothing is uploaded here")

    @property
    def unfinished_uploads(self) -> UnfinishedUploadService:
        raise AssertionError("nothing is uploaded here")

    def client(self, address: str = "127.0.0.1", base_url: str = ORIGIN) -> httpx.AsyncClient:
        """A browser or program at ``address``."""
        transport = httpx.ASGITransport(app=self.app, client=(address, 50_000), raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url=base_url)

    async def key(self, device_id: str = "dev-p-501") -> str:
        return (await self.devices.create_key(SYSTEM, device_id)).secret


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    hasher = quick_hasher()
    yield hasher
    hasher.close()


@pytest.fixture
async def work(sqlite_url: str) -> AsyncIterator[SqlUnitOfWork]:
    async with stored_plant(sqlite_url) as work:
        yield work


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def room(work: SqlUnitOfWork, sqlite_url: str, clock: HandClock) -> AsyncIterator[PumpRoom]:
    async with pump_room(work, sqlite_url, clock) as room:
        yield room


@pytest.fixture
async def served(
    work: SqlUnitOfWork, room: PumpRoom, clock: HandClock, hasher: PasswordHasher, tmp_path: Path
) -> Served:
    """The plain addresses over a plant of two sites; olga operates that of Pune."""
    intake, metrics, settings = NotedIntake(), Metrics(), Settings(data_dir=tmp_path / "data")
    checks = {"database": Check(name="database", ok=True, detail="answers in 0.2 ms")}

    async def database() -> Check:
        return checks["database"]

    figures: list[SystemInfo] = []
    served = Served(
        app=Starlette(),
        audit=AuditService(work, clock, settings.audit.entries_warn),
        auth=AuthService(work, clock, settings, hasher),
        devices=DeviceService(work, clock),
        ingest=IngestService(work, intake, clock, settings.ingest),
        room=room,
        replays=ReplayService(work, CsvRecordings(settings.data_dir / "recordings"), Desk(clock, Rules())),
        system=SystemService({"database": database}, lambda: figures[-1], clock),
        intake=intake,
        clock=clock,
        metrics=metrics,
        settings=settings,
        checks=checks,
        figures=figures,
    )
    found = routes(lambda: served if served.is_running else None, settings, metrics)
    served.app = Wrapping(Starlette(routes=found), metrics)
    await served.auth.people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, site_ids=["pune"])
    return served


@pytest.fixture
async def browser(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at this machine: it keeps cookies and says which page it is on."""
    async with served.client() as client:
        client.headers["origin"] = ORIGIN
        yield client
