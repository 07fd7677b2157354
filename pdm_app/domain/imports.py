"""Imports of history: a file of somebody's, how it is read, which column is which signal, and what came of it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal, Protocol
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.history_facts import Imported
from pdm_app.domain.ports import Fence
from pdm_app.domain.record import Id, Instant, Record, SignalNumber, Text
from pdm_app.domain.samples import Batch, Micros, Stretch
from pdm_app.domain.table_files import TableFormat

COLUMNS_MAPPED_MAX = 500
SERIES_MAX = 200
"""Names of signals of a long table that are looked at and told."""
PREVIEW_ROWS = 20
PREVIEW_COLUMNS = 60
IMPORTS_LISTED = 100

ColumnName = Annotated[str, Field(max_length=2_000)]
TimeFormat = Literal["auto", "iso", "dmy", "mdy", "epoch_s", "epoch_ms", "epoch_us"]


class Shape(StrEnum):
    """How a table holds samples: a column for each signal, or a row for each sample with the signal's name in it."""

    WIDE = "wide"
    LONG = "long"


class ImportForm(TableFormat):
    """How a table is read; of what is left open the preview says how it would be taken."""

    shape: Shape | None = None
    time_column: ColumnName = Field(default="", description="Empty: found by its name, else the first.")
    clock_column: ColumnName = Field(default="", description="Of the time of day where the time column has dates only.")
    time_format: TimeFormat = Field(default="auto", description="dmy and mdy say which of two numbers is the day.")
    zone: str = Field(default="UTC", max_length=60, description="IANA name; of times that name no offset themselves.")
    decimal: Literal["auto", ".", ","] = "auto"
    name_column: ColumnName = Field(default="", description="Of a long table: where the signal's name stands.")
    value_column: ColumnName = Field(default="", description="Of a long table: where the value stands.")
    quality_column: ColumnName = Field(default="", description="good, uncertain or bad; empty: all are good.")

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("is no time zone; send a name such as Europe/Vienna")
        return zone

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to be found out."""
        return bool(self.shape and self.time_column) and "auto" not in (self.time_format, self.decimal)


class ImportLook(ImportForm):
    """Which file is to be looked at, and how it is read."""

    upload_id: Id

    @property
    def form(self) -> ImportForm:
        return ImportForm.model_validate(self.model_dump(exclude={"upload_id"}))


class ImportColumn(Record):
    """Where a column, or a name in a long table, belongs. ``unit`` is a UCUM code; none for the signal's own."""

    column: ColumnName
    signal_id: SignalNumber
    unit: str | None = Field(default=None, min_length=1, max_length=24)


class ImportPlan(Record):
    """What is to be done with a file."""

    upload_id: Id
    form: ImportForm = ImportForm()
    columns: tuple[ImportColumn, ...] = Field(min_length=1, max_length=COLUMNS_MAPPED_MAX)

    @model_validator(mode="after")
    def _each_once(self) -> "ImportPlan":
        if len({each.column for each in self.columns}) < len(self.columns):
            raise ValueError("a column stands there twice")
        if len({each.signal_id for each in self.columns}) < len(self.columns):
            raise ValueError("two columns go to the same signal; leave one of them out")
        return self


# --- before -------------------------------------------------------------------------------------------------------


class Proposal(Record):
    """A column, or a name in a long table, and what it seems to be; no signal where nothing fits."""

    column: str
    holds: Literal["time", "number", "text", "nothing"] = "number"
    example: str = ""
    signal_id: SignalNumber | None = None
    unit: str | None = Field(default=None, description="UCUM code, where the heading names one.")


class ImportPreview(Record):
    """How a file would be read. ``form`` has everything settled that was left open."""

    format: str
    sheets: tuple[str, ...] = ()
    form: ImportForm
    names: tuple[str, ...] = Field(description="The heading.")
    rows: tuple[tuple[str, ...], ...] = Field(description="The first ones, and of them the first columns.")
    rows_about: int
    proposals: tuple[Proposal, ...] = Field(description="Of a wide table its columns, of a long one its signals.")
    first_at: Instant | None = Field(default=None, description="As the first row would be understood.")
    problem: Text = Field(default="", description="Why it cannot be read so; empty where it can.")


# --- the import itself --------------------------------------------------------------------------------------------


class ImportState(StrEnum):
    """Where an import stands. CHECKED waits for its owner; DONE, FAILED and UNDONE have touched history."""

    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"

    @property
    def is_under_way(self) -> bool:
        return self in (ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)


class ImportedSignal(Record):
    """What an import has for one signal. ``same`` and ``other``: instants that history has already, alike and not."""

    signal_id: SignalNumber
    name: str
    samples: int = 0
    same: int = 0
    other: int = 0


class Refusal(Record):
    """A row, or a cell of it, that is not taken, and why."""

    line: int
    reason: str


class Import(Record):
    """One import, of signals of one site. Times in microseconds UTC.

    Attributes:
        mark: With this arrival time its samples stand in history, by which they are known when it is taken back; none
            before it has begun.
        removed: Samples that were taken back.
    """

    id: Id
    site_id: Id
    owner_id: Id
    owner: str = Field(max_length=120)
    file_name: str = Field(max_length=120)
    format: str = Field(max_length=24)
    plan: ImportPlan
    state: ImportState = ImportState.CHECKING
    rows_about: int = 0
    rows: int = 0
    samples: int = 0
    refused: int = 0
    repeated: int = Field(default=0, description="Rows whose signal and time come again further down, which counts.")
    refusals: tuple[Refusal, ...] = Field(default=(), description="The first ones.")
    signals: tuple[ImportedSignal, ...] = ()
    start_at: Instant | None = None
    end_at: Instant | None = Field(default=None, description="Of the last sample.")
    days: int = Field(default=0, description="Days whose files were written.")
    derived: tuple[SignalNumber, ...] = Field(default=(), description="Derived signals that read what was imported.")
    mark: Instant | None = None
    removed: int = 0
    problem: Text = ""
    notice: Text = Field(default="", description="What else is to be known before it begins.")
    asked_at: Instant
    ended_at: Instant | None = None


class Imports(Protocol):
    """Imports, inside the scope."""

    async def newest(self, rows_max: int) -> Sequence[Import]:
        """Return the last ones, the newest first."""
        ...

    async def under_way(self) -> Sequence[Import]:
        """Return those that something is being done for, the oldest first."""
        ...

    async def get(self, import_id: str) -> Import | None: ...
    async def put(self, one: Import) -> None:
        """Store an import.

        Raises:
            NotFoundError: Its site is not in scope.
        """
        ...


class ImportHistorian(Protocol):
    """What is needed of the historian."""

    async def import_past(self, batches: Sequence[Batch], fence: Fence) -> Imported: ...
    async def count(self, signal: int, start_at: Micros, end_at: Micros) -> int: ...
    async def samples(
        self, signals: Sequence[int], start_at: Micros, end_at: Micros, rows_max: int
    ) -> Mapping[int, Stretch]: ...
    async def take_back(
        self, signals: Sequence[int], start_at: Micros, end_at: Micros, mark: Micros, fence: Fence
    ) -> int:
        """Remove the samples that were imported with a mark; what they had replaced counts again.

        Returns:
            How many samples went.

        Raises:
            FencedError: Another process holds the lease.
            UnavailableError: The database does not answer, or a day's file cannot be read; doing it again goes on.
        """
        ...
