"""Sinks: copies of recorded samples that leave for files and other databases.

A sink has a kind, a choice of signals and a place for each of them: up to which source time its samples have been taken
over there. Samples are taken from history, where the recorder has put them, never from the way there: so a target may
be away for as long as history keeps the samples, and holds nothing up. Each is sent at least once, those of one signal
in the order of time; what arrives late is sent when it has arrived. What imports and recalculations change in history
is changed over there, as far as the other side can delete; what retention removes stays where it was sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Protocol, TypeAlias

import numpy as np
from pydantic import Field

from pdm_app.domain.errors import PdmError
from pdm_app.domain.history_changes import HistoryChange
from pdm_app.domain.record import Facts, Id, Instant, Name, Record, Revision
from pdm_app.domain.samples import F8, I8
from pdm_app.domain.signals import DataType, Signal
from pdm_app.domain.storage_rules import Pattern

SINKS_MAX = 32
"""Of one site; each reads history on its own."""
SECRET_CHARACTERS_MAX = 2_048

Url = Annotated[str, Field(min_length=8, max_length=300, pattern=r"^https?://[^\s@?#]+$")]
Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:\[\]-]+$")]
TableName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z_][a-z0-9_]*$")]
Word = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$")]
Folder = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="Its own, below the folder of sinks in the data directory.",
    ),
]


class SinkKind(StrEnum):
    """What takes the samples."""

    CSV = "csv"
    PARQUET = "parquet"
    POSTGRESQL = "postgresql"
    INFLUXDB = "influxdb"


CAN_ERASE = frozenset({SinkKind.POSTGRESQL, SinkKind.INFLUXDB})
"""Of which kinds samples can be deleted over there when they go from history."""

BY_HAND = "to put it right now, delete there what is from that time on, and have the sink go on from it."

TRIED_WITH = {
    SinkKind.CSV: "Python's csv module",
    SinkKind.PARQUET: "PyArrow",
    SinkKind.POSTGRESQL: "PostgreSQL 15; as a table of TimescaleDB it was not run against a real server",
    SinkKind.INFLUXDB: "InfluxDB 1.6; the interface of InfluxDB 2 was not run against a real server",
}
"""What each has been run against, and what it has not: shown where one is chosen."""


class FileOptions(Facts):
    """Files of which a new one is begun when one is large, old, or the day (UTC) is over."""

    kind: Literal["csv", "parquet"]
    folder: Folder
    megabytes_max: int = Field(default=100, ge=1, le=10_000, description="A file ends when it is larger.")
    minutes_max: int = Field(default=60, ge=1, le=1440, description="A file ends when it is older.")


class PostgresqlOptions(Facts):
    """A table of a PostgreSQL server; it is made where there is none."""

    kind: Literal["postgresql"] = "postgresql"
    host: Host
    port: int = Field(default=5432, ge=1, le=65_535)
    database: Word
    username: Word
    table: TableName = "pdm_samples"
    tls: Literal["verify", "encrypt", "none"] = Field(
        default="verify", description="Whether the server must prove who it is, is believed, or is spoken to in clear."
    )
    timescale: bool = Field(default=False, description="Make the table a hypertable of TimescaleDB.")
    timeout_s: float = Field(default=20, gt=0, le=120, description="For each answer of the server.")


class InfluxdbOptions(Facts):
    """A measurement of an InfluxDB, by line protocol."""

    kind: Literal["influxdb"] = "influxdb"
    url: Url
    version: Literal[1, 2] = Field(default=1, description="1: /write with a database; 2: /api/v2/write with a bucket.")
    database: Word = Field(description="Database of 1.x, bucket of 2.x.")
    organisation: str = Field(default="", max_length=120, description="Of 2.x.")
    retention_policy: str = Field(default="", max_length=120, description="Of 1.x; empty: the default one.")
    username: str = Field(default="", max_length=120, description="Of 1.x; empty: it asks for none.")
    measurement: Word = "pdm_samples"
    timeout_s: float = Field(default=20, gt=0, le=120, description="For each answer of the server.")


Options: TypeAlias = Annotated[FileOptions | PostgresqlOptions | InfluxdbOptions, Field(discriminator="kind")]


class SinkFacts(Facts):
    """What is said of a sink: the signals it takes, and where they go."""

    site_id: Id
    name: Name
    enabled: bool = True
    pattern: Pattern = "*"
    asset_id: Id | None = Field(default=None, description="Only signals of this machine.")
    data_type: DataType | None = Field(default=None, description="Only signals of this type.")
    begins_at: Instant = Field(default=0, description="Samples of before are left out; 0 is when the sink is created.")
    options: Options


class Sink(SinkFacts):
    """A sink of a site."""

    id: Id
    revision: Revision = 0
    changed_at: int = Field(default=0, description="Microseconds UTC.")
    changed_by: str = ""
    deleted_at: int | None = Field(default=None, description="Nothing is sent from then on; it can be restored.")

    @property
    def kind(self) -> SinkKind:
        return SinkKind(self.options.kind)

    def takes(self, signal: Signal, asset_code: str) -> bool:
        """Whether samples of a signal are sent."""
        return (
            signal.site_id == self.site_id
            and self.asset_id in (None, signal.asset_id)
            and self.data_type in (None, signal.data_type)
            and fnmatchcase(f"{asset_code}.{signal.name}".lower(), self.pattern.lower())
        )


class SinkStatus(Record):
    """How a sink is doing. Times in microseconds UTC."""

    sink_id: str
    signals: int = Field(description="How many it takes.")
    is_sending: bool = Field(description="False while it is switched off or fails.")
    written_at: int | None = Field(default=None, description="When the newest samples were taken over there.")
    newest_at: int | None = Field(default=None, description="Source time of the newest sample that was taken.")
    lag_s: float = Field(default=0.0, description="By how much the place of the slowest signal lies behind history.")
    behind: int = Field(default=0, description="How many signals have samples that were not taken yet.")
    late: int = Field(default=0, description="How many spans of late samples wait.")
    samples_per_s: float = Field(default=0.0, description="Over the last minute.")
    samples_total: int = Field(default=0, description="Since the start of the process.")
    refused_total: int = Field(default=0, description="Of these, how many the other side dropped for good.")
    problem: str = Field(default="", description="Why nothing is taken, and what to do; empty where all is well.")
    failing_since: int | None = None
    gap: str = Field(default="", description="What was removed from history before it could be sent.")
    anew: int = Field(default=0, description="How many spans that were changed in history wait to be put anew there.")
    outdated: str = Field(default="", description="What went from history and is still over there, and why.")


class SinkView(Record):
    """A sink, and how it is doing."""

    sink: Sink
    has_secret: bool
    status: SinkStatus
    tried_with: str = Field(description="What its kind has been run against.")


class SinkTest(Record):
    """What came of trying a sink."""

    reached: bool
    detail: str = Field(description="What answered, or why nothing did and what to do.")
    elapsed_ms: float


# --- what is sent -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SentSignal:
    """What a target is told of a signal."""

    number: int
    site: str
    machine: str
    name: str
    unit: str
    data_type: DataType

    @property
    def full_name(self) -> str:
        return f"{self.machine}.{self.name}"


Value: TypeAlias = float | int | bool | str | None


@dataclass(frozen=True, slots=True, eq=False)
class SentSamples:
    """Samples on their way out: columns of one length, those of one signal in the order of time, no instant twice.

    Attributes:
        signals: Each signal that occurs.
        signal: Numbers of signals.
        source_at: Microseconds UTC.
        value: NaN where there is no number.
        quality: `Quality` codes.
        text: Values of text signals by row.
    """

    signals: Mapping[int, SentSignal]
    signal: I8
    source_at: I8
    value: F8
    quality: I8
    text: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.signal)

    def values(self) -> list[Value]:
        """Return each value in the type of its signal, None where there is none."""
        found: list[Value] = []
        number_is = np.isfinite(self.value)
        for row, (number, value, there) in enumerate(
            zip(self.signal.tolist(), self.value.tolist(), number_is.tolist(), strict=True)
        ):
            words = self.text.get(row)
            found.append(
                words if words is not None else typed(self.signals[number].data_type, value) if there else None
            )
        return found

    def part(self, begin: int, end: int) -> "SentSamples":
        """Return the rows from ``begin`` up to ``end``."""
        rows = slice(begin, end)
        text = {row - begin: words for row, words in self.text.items() if begin <= row < end}
        return SentSamples(
            self.signals, self.signal[rows], self.source_at[rows], self.value[rows], self.quality[rows], text
        )


WHOLE_MAX = 2.0**53
"""Above, doubles are not told apart by ones, and no integer column is wide enough for all of them."""


def typed(data_type: DataType, value: float) -> float | int | bool:
    """Return a stored number as its signal means it; one that does not fit the type stays a number."""
    if data_type is DataType.BOOLEAN and value in (0.0, 1.0):
        return bool(value)
    if data_type is DataType.INTEGER and value == int(value) and abs(value) <= WHOLE_MAX:
        return int(value)
    return value


class SinkError(PdmError):
    """The other side did not take samples; says why and what to do. They are sent again."""


class CannotEraseError(SinkError):
    """The other side does not delete samples, and will not however often it is asked; says why and what to do."""


SentSpan: TypeAlias = tuple[SentSignal, int, int]
"""A signal, from a time, up to, not including, another; microseconds UTC."""


class Target(Protocol):
    """One opened sink. Its methods are called one after the other.

    A checkpoint is what a target wants to be given back when it is opened again; it is stored together with the places
    of the signals, so that what was taken and what is known to be taken never part.

    Attributes:
        refused: Samples that the other side has dropped for good since it was opened.
    """

    refused: int

    async def open(self, checkpoint: str) -> None:
        """Reach the other side and make ready there.

        Raises:
            SinkError: Says what was tried, what came back and what to do.
        """
        ...

    async def write(self, samples: SentSamples) -> str | None:
        """Hand samples over; a checkpoint when everything given so far will survive, None while it may be lost.

        Raises:
            SinkError: Not taken, or nobody knows.
        """
        ...

    async def erase(self, spans: Sequence[SentSpan]) -> str | None:
        """Delete all samples of some spans; a checkpoint as of `write`. What is in history is written again afterwards.

        Raises:
            CannotEraseError: It does not do that.
            SinkError: Not done, or nobody knows.
        """
        ...

    async def settle(self, *, at_once: bool) -> str | None:
        """End what waits only for company once it has waited long enough, or at once; a checkpoint as of `write`."""
        ...

    async def confirm(self, checkpoint: str) -> None:
        """Hear that a checkpoint is stored: what it vouches for will not come again."""
        ...

    async def probe(self) -> str:
        """Say who answers, changing nothing over there.

        Raises:
            SinkError: Nobody, or not to us.
        """
        ...

    async def close(self) -> None:
        """Never raises."""
        ...


class TargetRules(Protocol):
    """Who opens targets."""

    def target(self, sink: Sink, secret: str | None) -> Target: ...


class Sinks(Protocol):
    """Where sinks are kept; reads and writes only what the scope covers."""

    async def all(self) -> Sequence[Sink]:
        """Return the sinks by name."""
        ...

    async def get(self, sink_id: str) -> Sink | None:
        """Return one, also one that was deleted."""
        ...

    async def put(self, sink: Sink) -> None: ...

    async def progress(self, sink_id: str) -> bytes:
        """Return where a sink stands, as it was stored last; nothing where nothing was."""
        ...

    async def put_progress(self, sink_id: str, content: bytes) -> None:
        """Store where a sink stands.

        Raises:
            NotFoundError: There is no such sink in scope.
        """
        ...

    async def changes(self, rows_max: int) -> Sequence[HistoryChange]:
        """Return what was changed in history and is not forgotten, the oldest first; nothing unless to every site."""
        ...

    async def forget_changes(self, ids: Sequence[str]) -> None:
        """Forget changes that every sink knows of.

        Raises:
            NotFoundError: Not all sites are in scope.
        """
        ...
