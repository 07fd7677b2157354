"""Exports: history as a file, what is asked for, how far it is, and what came of it."""

from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from pdm_app.domain.history import SIGNALS_MAX
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


class ExportOrder(Record):
    """Signals over a span as a table: every sample, or figures of stretches of equal length."""

    signals: tuple[SignalNumber, ...] = Field(min_length=1, max_length=SIGNALS_MAX)
    start_at: Instant = Field(description="Microseconds UTC, included.")
    end_at: Instant = Field(description="Microseconds UTC, excluded.")
    every_us: int | None = Field(
        default=None, ge=MICROS_PER_S, le=400 * 86_400 * MICROS_PER_S, description="Of a stretch; none for all samples."
    )
    figures: tuple[Figure, ...] = Field(default=(Figure.AVERAGE,), min_length=1, max_length=len(Figure))
    format: ExportFormat = ExportFormat.CSV
    zone: str = Field(default="UTC", max_length=60, description="IANA name; times are written in it.")
    decimal: Literal[".", ","] = Field(default=".", description="For CSV.")
    separator: Literal[",", ";", "\t"] = Field(default=",", description="For CSV.")
    us_units: bool = Field(default=False, description="US customary units where there are such.")

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("is no time zone; send a name such as Europe/Vienna")
        return zone

    @model_validator(mode="after")
    def _makes_sense(self) -> "ExportOrder":
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        if self.decimal == self.separator:
            raise ValueError("the decimal mark and the separator must not be the same")
        if len(set(self.signals)) < len(self.signals) or len(set(self.figures)) < len(self.figures):
            raise ValueError("a signal or a figure stands there twice")
        return self

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class ExportEstimate(Record):
    """What an order would come to."""

    rows: int
    bytes: int = Field(description="About so large will the file be.")
    is_large: bool = Field(description="Whether it is worked on in the background.")
    refused: str = Field(default="", description="Why it would be refused.")


class ExportState(StrEnum):
    """Where an export stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self not in (ExportState.WAITING, ExportState.RUNNING)


class Export(Record):
    """One export of one person."""

    id: Id
    owner_id: Id
    owner: str
    order: ExportOrder
    title: str = Field(description="What it is of, in words.")
    file_name: str
    state: ExportState = ExportState.WAITING
    rows: int = Field(default=0, description="Written so far.")
    rows_expected: int
    bytes: int = 0
    problem: str = ""
    asked_at: Instant
    ended_at: Instant | None = None
    expires_at: Instant | None = Field(default=None, description="Then the file is removed.")
