"""Reports that are kept: what each tells of, when it is made, who gets it, and the copies that were made.

A report is a question with a standing date. Each time it is made, a copy is kept with its checksum, so that what
somebody has received can be shown again, byte for byte, as long as copies are kept.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field, model_validator

from pdm_app.domain.errors import PdmError
from pdm_app.domain.record import Facts, Id, Name, Record, Revision
from pdm_app.domain.report_blocks import Paper, Report
from pdm_app.domain.report_schedules import Schedule

PER_SITE_MAX = 100
RECIPIENTS_MAX = 50
BLOCKS_CHOSEN_MAX = 14
FILE_BYTES_MAX = 10_000_000  # What mail servers commonly take; a weekly report has a hundredth of it.
KEPT_DAYS_MAX = 3_660
COPIES_PAGE_MAX = 200
PREVIEW_PAGES_MAX = 6


class ReportTemplate(StrEnum):
    """What a report tells of."""

    ALARM_KPI = "alarm_kpi"
    OEE = "oee"
    SHIFT_HANDOVER = "shift_handover"
    AUDIT_EXTRACT = "audit_extract"
    ASSET_HEALTH = "asset_health"
    FIRMWARE_STATUS = "firmware_status"
    CUSTOM = "custom"


class ReportPart(StrEnum):
    """A piece of a report that is put together by hand; templates are made of the same pieces."""

    ALARM_FIGURES = "alarm_figures"
    ALARM_LOAD = "alarm_load"
    ALARM_PRIORITIES = "alarm_priorities"
    BAD_ACTORS = "bad_actors"
    STANDING_ALARMS = "standing_alarms"
    SHELVED_ALARMS = "shelved_alarms"
    ALARM_JOURNAL = "alarm_journal"
    OEE_LINES = "oee_lines"
    OEE_LOSSES = "oee_losses"
    ASSET_HEALTH = "asset_health"
    FIRMWARE_STATUS = "firmware_status"
    NOTES = "notes"
    AUDIT_TRAIL = "audit_trail"
    SIGNATURES = "signatures"


PARTS_OF: dict[ReportTemplate, tuple[ReportPart, ...]] = {
    ReportTemplate.ALARM_KPI: (
        ReportPart.ALARM_FIGURES, ReportPart.ALARM_LOAD, ReportPart.ALARM_PRIORITIES, ReportPart.BAD_ACTORS,
        ReportPart.STANDING_ALARMS,
    ),
    ReportTemplate.OEE: (ReportPart.OEE_LINES, ReportPart.OEE_LOSSES),
    ReportTemplate.SHIFT_HANDOVER: (
        ReportPart.OEE_LINES, ReportPart.STANDING_ALARMS, ReportPart.SHELVED_ALARMS, ReportPart.ALARM_JOURNAL,
        ReportPart.NOTES, ReportPart.SIGNATURES,
    ),
    ReportTemplate.AUDIT_EXTRACT: (ReportPart.AUDIT_TRAIL,),
    ReportTemplate.ASSET_HEALTH: (ReportPart.ASSET_HEALTH,),
    ReportTemplate.FIRMWARE_STATUS: (ReportPart.FIRMWARE_STATUS,),
}  # fmt: skip


class ReportPeriod(StrEnum):
    """Of which time a report tells: the last whole one before it is made, by the clock of the site."""

    SHIFT = "shift"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class ReportFormat(StrEnum):
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


MEDIA_TYPES = {
    ReportFormat.PDF: "application/pdf",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.CSV: "text/csv; charset=utf-8",
    ReportFormat.JSON: "application/json",
}


class UnprintableError(PdmError):
    """A report could not be written; says why and what helps."""


class ReportFacts(Facts):
    """What a person says of a report."""

    site_id: Id
    name: Name
    template: ReportTemplate
    parts: tuple[ReportPart, ...] = Field(
        default=(), max_length=BLOCKS_CHOSEN_MAX, description="Of a custom report, in their order."
    )
    period: ReportPeriod = ReportPeriod.WEEK
    format: ReportFormat = ReportFormat.PDF
    paper: Paper = "a4"
    schedule: Schedule | None = Field(default=None, description="None: it is made by hand alone.")
    recipient_ids: tuple[Id, ...] = Field(default=(), max_length=RECIPIENTS_MAX, description="People, by e-mail.")
    kept_days: int = Field(default=400, ge=1, le=KEPT_DAYS_MAX, description="So long copies are kept.")

    @model_validator(mode="after")
    def _parts_are_chosen_where_they_may_be(self) -> "ReportFacts":
        if (self.template is ReportTemplate.CUSTOM) != bool(self.parts):
            raise ValueError("a custom report needs parts, and any other one has parts of its own")
        if len(set(self.parts)) < len(self.parts) or len(set(self.recipient_ids)) < len(self.recipient_ids):
            raise ValueError("a part, or a person, is named twice")
        return self

    @property
    def contents(self) -> tuple[ReportPart, ...]:
        """The parts it is made of."""
        return self.parts or PARTS_OF[self.template]


class ReportDefinition(ReportFacts):
    """A report that is kept; it is made with the rights its owner has then."""

    id: Id
    owner_id: Id
    revision: Revision = 0
    made_for_at: int = Field(default=0, description="The standing date up to which it was made; microseconds UTC.")


class CopyState(StrEnum):
    DONE = "done"
    FAILED = "failed"


class ReportCopy(Record):
    """One making of a report, and what became of it."""

    id: Id
    site_id: Id
    report_id: Id
    name: Name
    format: ReportFormat
    made_at: int
    made_by: str = Field(max_length=120)
    due_at: int | None = Field(default=None, description="Of which standing date it is; None where made by hand.")
    start_at: int
    end_at: int
    state: CopyState
    problem: str = Field(default="", max_length=1000, description="Why it could not be made, or whom it did not reach.")
    missed: int = Field(default=0, ge=0, description="Standing dates before it that went by while nothing ran.")
    parts: tuple[ReportPart, ...] = Field(
        default=(), max_length=BLOCKS_CHOSEN_MAX, description="Whoever reads it needs their rights."
    )
    file_name: str = Field(default="", max_length=200)
    bytes: int = 0
    sha256: str = Field(default="", max_length=64)
    message_ids: tuple[Id, ...] = Field(default=(), max_length=RECIPIENTS_MAX)
    kept_until: int


class CopyQuery(Record):
    """Which page of the history is asked for, newest first."""

    site_id: Id
    report_id: Id | None = None
    before: Id | None = Field(default=None, description="Cursor: last id of the page before.")
    limit: Annotated[int, Field(ge=1, le=COPIES_PAGE_MAX)] = 50


class Reports(Protocol):
    """Where reports and their copies are kept."""

    async def all(self, site_id: str | None = None) -> Sequence[ReportDefinition]: ...
    async def get(self, report_id: str) -> ReportDefinition | None: ...
    async def put(self, report: ReportDefinition) -> None: ...
    async def remove(self, report_id: str) -> bool:
        """Remove a report; its copies stay as long as they are kept."""
        ...

    async def add_copy(self, copy: ReportCopy, content: bytes) -> None: ...
    async def copies(self, query: CopyQuery) -> Sequence[ReportCopy]: ...
    async def copy(self, copy_id: str) -> ReportCopy | None: ...
    async def content(self, copy_id: str) -> bytes | None: ...
    async def newest(self, report_ids: Sequence[str]) -> Sequence[ReportCopy]:
        """Return the newest copy of each report that has one."""
        ...

    async def forget(self, at: int, limit: int) -> int:
        """Remove copies whose time is over, at most so many; return how many."""
        ...


class ReportPrinter(Protocol):
    """Writes reports as files."""

    async def write(self, report: Report, format: ReportFormat) -> bytes:
        """Return a file.

        Raises:
            UnprintableError: It takes too long, is too large, or cannot be set.
        """
        ...

    async def pictures(self, report: Report, pages: int) -> Sequence[bytes]:
        """Return the first pages as PNG.

        Raises:
            UnprintableError: As `write`.
        """
        ...
