"""Plugs the import of history together: the store of uploads, the readers of tables, and the loop that works off."""

from collections.abc import Awaitable, Callable
from typing import TypedDict

from pdm_app.documents.table_files import open_table
from pdm_app.documents.table_sniffing import table_format
from pdm_app.domain.access import Permission
from pdm_app.domain.history_notes import HistoryNotes
from pdm_app.domain.imports import ImportHistorian
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.uploads import UploadKind
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.runtime.firmware import FIRMWARE_UPLOAD
from pdm_app.runtime.training import MODEL_UPLOAD
from pdm_app.services.import_jobs import FOLDER as IMPORTS_FOLDER
from pdm_app.services.import_jobs import ImportJobs
from pdm_app.services.imports import KIND as HISTORY
from pdm_app.services.imports import ImportService
from pdm_app.services.unfinished_uploads import UnfinishedUploadService
from pdm_app.services.uploads import FOLDER as UPLOADS_FOLDER
from pdm_app.services.uploads import UploadService
from pdm_app.settings import Settings

UPLOAD_KINDS = (
    UploadKind(HISTORY, Permission.HISTORY_IMPORT, table_format, "a table as CSV, Parquet or XLSX"),
    FIRMWARE_UPLOAD,
    MODEL_UPLOAD,
)
"""What may be handed in; a new kind is one line here."""


class ImportServices(TypedDict):
    """By their names among the services."""

    imports: ImportService
    unfinished_uploads: UnfinishedUploadService
    uploads: UploadService


def import_services(
    settings: Settings,
    work: UnitOfWork,
    historian: ImportHistorian,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    notes: HistoryNotes,
    supervisor: Supervisor,
) -> ImportServices:
    """Make the services of uploads and imports, and have what they do in the background begin."""
    uploads = UploadService(work, clock, settings.data_dir / UPLOADS_FOLDER, UPLOAD_KINDS, settings.uploads)
    supervisor.start("uploads", uploads.run, stage=Stage.SERVICE)
    unfinished = UnfinishedUploadService(uploads, clock)
    supervisor.start("unfinished uploads", unfinished.run, stage=Stage.SERVICE)
    folder = settings.data_dir / IMPORTS_FOLDER
    jobs = ImportJobs(work, historian, uploads, open_table, clock, fence, folder, notes)
    supervisor.start("imports", jobs.run, stage=Stage.CONSUMER)
    return {
        "imports": ImportService(work, uploads, jobs, open_table, clock),
        "unfinished_uploads": unfinished,
        "uploads": uploads,
    }
