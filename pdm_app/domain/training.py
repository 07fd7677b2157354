"""Training a model on a machine's own history: what is ordered, how good the data are, and how far a job has come.

Times in which the machine had a failure are left out, or the model would learn that failing is usual.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol, Self

from pydantic import Field, model_validator

from pdm_app.domain.jobs import JobState
from pdm_app.domain.model_registry import LOSS_MAX, BacktestEpisode, BacktestPoint, HistogramBar, ModelOrigin
from pdm_app.domain.models import SIGNALS_MAX, TRAINING_ROWS_MIN, DetectorKind, ModelCard
from pdm_app.domain.record import Finite, Id, Instant, Name, Record, SignalNumber
from pdm_app.domain.samples import F8, MICROS_PER_S
from pdm_app.domain.scores import Flags
from pdm_app.domain.thresholds import VerdictRule

ROWS_MAX = 200_000
"""Of one training or backtest: 90 days of minutes are 129,600; with 64 signals 100 MB."""
DAYS_MAX = 92
EXCLUDED_MAX = 200
RowSeconds = Annotated[int, Field(ge=1, le=3600, description="Seconds between two rows.")]


class Span(Record):
    """A time, from its beginning up to and without its end."""

    start_at: Instant
    end_at: Instant

    @model_validator(mode="after")
    def _is_forward(self) -> Self:
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        return self


class Grade(StrEnum):
    """How far a signal's data can be relied on."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class GradedSignal(Record):
    """A signal of the machine, and what its data are worth to a model."""

    signal_id: SignalNumber
    name: str
    label: str
    unit: str
    grade: Grade
    covered: Annotated[Finite, Field(ge=0, le=1, description="Share of the rows with a good value.")]
    changes: bool = Field(description="One that never moved says nothing of what is usual.")
    fits: bool = Field(description="Whether it is chosen unless somebody says otherwise.")


class ExclusionKind(StrEnum):
    """Where a time that is left out comes from."""

    EVENT = "event"
    CASE = "case"
    ALARM = "alarm"


class KnownTrouble(Record):
    """A time in which the machine was not well, by what is on record."""

    kind: ExclusionKind
    id: Id
    name: Name
    start_at: Instant
    end_at: Instant
    is_failure: bool = Field(description="It counts in a backtest: a model ought to have seen it.")


class TrainingPlan(Record):
    """What there is to train on."""

    asset_id: Id
    code: str
    span: Span
    row_s: RowSeconds
    rows: int
    running_rows: int = Field(description="Rows in which the machine ran; all of them where it has no state signal.")
    signals: tuple[GradedSignal, ...]
    troubles: tuple[KnownTrouble, ...]
    refused: str = Field(default="", description="Why nothing can be trained on it; empty where it can.")


class TrainingOrder(Record):
    """What is to be trained, on what."""

    asset_id: Id
    name: Name = "Watch"
    detector: DetectorKind = DetectorKind.ENSEMBLE
    signal_ids: Annotated[tuple[SignalNumber, ...], Field(min_length=1, max_length=SIGNALS_MAX)]
    span: Span
    excluded: Annotated[tuple[Span, ...], Field(max_length=EXCLUDED_MAX)] = ()
    row_s: RowSeconds = 60
    alarm: VerdictRule = VerdictRule()

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        refuse_too_long(self.span, self.row_s)
        if len(set(self.signal_ids)) != len(self.signal_ids):
            raise ValueError("a signal is named twice")
        return self


class JobKind(StrEnum):
    """What a job does."""

    TRAINING = "training"
    BACKTEST = "backtest"
    ADOPTION = "adoption"


class JobStage(StrEnum):
    """What a running job is at."""

    READING = "reading"
    LEARNING = "learning"
    SCORING = "scoring"
    KEEPING = "keeping"


class TrainingJob(Record):
    """One training or backtest."""

    id: Id
    site_id: Id
    asset_id: Id
    kind: JobKind
    name: Name
    origin: ModelOrigin = ModelOrigin.TRAINED
    state: JobState = JobState.WAITING
    stage: JobStage = JobStage.READING
    share: Annotated[Finite, Field(ge=0, le=1)] = 0.0
    loss: Annotated[tuple[Finite, ...], Field(max_length=LOSS_MAX)] = ()
    rows: int = 0
    model_id: Id | None = None
    version_id: Id | None = Field(default=None, description="What it made, or what it tests.")
    problem: str = ""
    asked_by: Name
    asked_at: Instant
    ended_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What comes of a training.

    Attributes:
        card: Of the model.
        graph: ONNX.
        loss: By epoch; empty where a detector has none.
        histogram: Of the held-out rows' scores, 1 being the threshold.
        metrics: Figures by name.
    """

    card: ModelCard
    graph: bytes
    loss: tuple[float, ...]
    histogram: tuple[HistogramBar, ...]
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a model would have done; the log scores are shape (rows,), NaN where nothing is judged."""

    points: tuple[BacktestPoint, ...]
    episodes: tuple[BacktestEpisode, ...]
    log_scores: F8
    contribution: F8


Progress = Callable[[JobStage, float, float | None], None]
"""Told the stage, the share done of it, and the newest loss if there is one."""


class Trainer(Protocol):
    """Trains and scores in a process of its own, at the lowest priority; cancelled, that process is gone."""

    async def train(
        self,
        name: str,
        signals: Sequence[str],
        rows: F8,
        kind: DetectorKind,
        alarm: VerdictRule,
        row_s: float,
        progress: Progress,
    ) -> Trained:
        """Fit, calibrate and export; rows are those of a normal period, shape (rows, signals), all finite.

        Raises:
            InvalidInputError: Nothing can be learned from them; says why.
        """
        ...

    async def adopt(
        self,
        name: str,
        signals: Sequence[str],
        rows: F8,
        graph: bytes,
        alarm: VerdictRule,
        row_s: float,
        progress: Progress,
    ) -> Trained:
        """Validate somebody else's graph in a process with limits and find its threshold.

        Raises:
            InvalidInputError: It breaks the contract, is too large, or harmful; says why.
        """
        ...

    def stop(self) -> None:
        """End what is being trained or scored now, which then raises."""
        ...

    async def score(self, card: ModelCard, graph: bytes, rows: F8, masked: Flags, progress: Progress) -> tuple[F8, F8]:
        """Return log scores, shape (rows,), 0 at the threshold, and contributions, shape (rows, signals)."""
        ...


def refuse_too_many_days(span: Span) -> None:
    """Refuse a span with too many days, however far apart its rows are.

    Raises:
        ValueError: Says how many there are.
    """
    days = (span.end_at - span.start_at) / MICROS_PER_S / 86_400
    if days > DAYS_MAX:
        raise ValueError(f"{days:.0f} days are more than {DAYS_MAX}")


def refuse_too_long(span: Span, row_s: float) -> None:
    """Refuse a span with too many rows or days.

    Raises:
        ValueError: Says how many there would be.
    """
    refuse_too_many_days(span)
    seconds = (span.end_at - span.start_at) / MICROS_PER_S
    if seconds / row_s > ROWS_MAX:
        raise ValueError(f"{seconds / row_s:,.0f} rows are more than {ROWS_MAX:,}; take more seconds between two rows")


def graded(covered: float, *, changes: bool) -> Grade:
    """Return what the data of a signal are worth: High from 98 % of the rows on, low below 80 % or unmoved."""
    if not changes or covered < 0.8:
        return Grade.LOW
    return Grade.HIGH if covered >= 0.98 else Grade.MEDIUM


def refused_rows(rows: int) -> str:
    """Say why so many rows do not do; empty where they do."""
    if rows >= TRAINING_ROWS_MIN:
        return ""
    return (
        f"{rows} rows with all signals are too few to learn what is usual; {TRAINING_ROWS_MIN} are needed. Take a "
        "longer time, fewer seconds between two rows, or leave out signals with gaps."
    )
