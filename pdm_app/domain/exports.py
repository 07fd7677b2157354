"""Exports: history or the journal of alarms as a file, what is asked for, how far it is, and what came of it."""

from enum import StrEnum
from typing import Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.alarms import PRIORITIES, JournalKind, JournalQuery
from pdm_app.domain.history import SIGNALS_MAX
from pdm_app.domain.jobs import JobState
from pdm_app.domain.rationale import Priority
from pdm_app.domain.record import Id, Instant, Record, SignalNumber
from pdm_app.domain.samples import MICROS_PER_S


class ExportFormat(StrEnum):
    """As what a table is written."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Figure(StrEnum):
    """What is said of a signal in a stretch of time; names as in `pdm_app.domain.history.Aggregates`."""

    AVERAGE = "average"
    LOW = "low"
    HIGH = "high"
    FIRST = "first"
    LAST = "last"
    TOTAL = "total"
    MEAN = "mean"
    COUNT = "count"


class TableOrder(Record):
    """How a table is wanted, whatever is in it."""

    format: ExportFormat = ExportFormat.CSV
    zone: str = Field(default="UTC", max_length=60, description="IANA name; times are written in it.")
    decimal: Literal[".", ","] = Field(default=".", description="For CSV.")
    separator: Literal[",", ";", "\t"] = Field(default=",", description="For CSV.")

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("is no time zone; send a name such as Europe/Vienna")
        return zone

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.decimal == self.separator:
            raise ValueError("the decimal mark and the separator must not be the same")
        return self

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class ExportOrder(TableOrder):
    """Signals over a span as a table: every sample, or figures of stretches of equal length."""

    signals: tuple[SignalNumber, ...] = Field(min_length=1, max_length=SIGNALS_MAX)
    start_at: Instant = Field(description="Microseconds UTC, included.")
    end_at: Instant = Field(description="Microseconds UTC, excluded.")
    every_us: int | None = Field(
        default=None, ge=MICROS_PER_S, le=400 * 86_400 * MICROS_PER_S, description="Of a stretch; none for all samples."
    )
    figures: tuple[Figure, ...] = Field(default=(Figure.AVERAGE,), min_length=1, max_length=len(Figure))
    us_units: bool = Field(default=False, description="US customary units where there are such.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        if len(set(self.signals)) < len(self.signals) or len(set(self.figures)) < len(self.figures):
            raise ValueError("a signal or a figure stands there twice")
        return self


class JournalOrder(TableOrder):
    """The journal of alarms as a table, newest first, with the same filter as on its page."""

    asset_id: Id | None = None
    site_id: Id | None = None
    kinds: tuple[JournalKind, ...] = Field(default=(), max_length=len(JournalKind))
    priorities: tuple[Priority, ...] = Field(default=(), max_length=len(PRIORITIES))
    text: str = Field(default="", max_length=120)
    start_at: Instant | None = Field(default=None, description="Microseconds UTC, included.")
    end_at: Instant | None = Field(default=None, description="Microseconds UTC, excluded.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.start_at is not None and self.end_at is not None and self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        return self

    @property
    def query(self) -> JournalQuery:
        """The first page of what is asked for."""
        return JournalQuery(
            **{name: getattr(self, name) for name in JournalOrder.model_fields if name not in TableOrder.model_fields}
        )


class ExportEstimate(Record):
    """What an order would come to."""

    rows: int
    bytes: int = Field(description="About so large will the file be.")
    is_large: bool = Field(description="Whether it is worked on in the background.")
    refused: str = Field(default="", description="Why it would be refused.")


class Export(Record):
    """One export of one person."""

    id: Id
    owner_id: Id
    owner: str
    order: ExportOrder | JournalOrder
    title: str = Field(description="What it is of, in words.")
    file_name: str
    state: JobState = JobState.WAITING
    rows: int = Field(default=0, description="Written so far.")
    rows_expected: int
    bytes: int = 0
    problem: str = ""
    asked_at: Instant
    ended_at: Instant | None = None
    expires_at: Instant | None = Field(default=None, description="Then the file is removed.")
    site_ids: tuple[Id, ...] = Field(default=(), description="Of a journal: the sites it tells of.")
