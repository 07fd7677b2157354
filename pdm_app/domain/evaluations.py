"""What asking for a formula over a span is, and what is answered."""

from pydantic import Field, model_validator

from pdm_app.domain.history import POINTS_MAX
from pdm_app.domain.record import Id, Instant, Record
from pdm_app.domain.signals import UnitCode

SPAN_US_MAX = 366 * 86_400 * 1_000_000


class EvaluationQuery(Record):
    """A formula over a span, cut into about as many buckets as there are pixels."""

    formula: str = Field(max_length=2_000, description="Such as avg(P1.flow, 5m) / P1.rpm.")
    asset_id: Id | None = Field(default=None, description="Whose signals may be named without their asset.")
    unit: UnitCode | None = Field(default=None, description="UCUM code of the outcome; None takes it as it comes.")
    start_at: Instant = Field(description="Microseconds UTC, included.")
    end_at: Instant = Field(description="Microseconds UTC, excluded.")
    buckets: int = Field(default=600, ge=1, le=POINTS_MAX)

    @model_validator(mode="after")
    def _span_is_forward_and_bounded(self) -> "EvaluationQuery":
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        if self.end_at - self.start_at > SPAN_US_MAX:
            raise ValueError("the span may not be longer than 366 days")
        return self


class Evaluation(Record):
    """A formula's outcome over a span.

    All columns have one length. Where there are more outcomes than buckets, ``at`` is the start of a bucket and ``low``
    and ``high`` are its extremes; else it is the instant of the outcome. None where no outcome of the bucket is usable.
    """

    signals: list[int] = Field(description="Numbers of the signals the formula reads.")
    unit: str = Field(description="Unit of the outcome as people write it; empty for a plain number.")
    is_truth: bool
    is_step: bool
    bucket_us: int = Field(description="Width of a bucket; 0 for single outcomes.")
    at: list[int]
    low: list[float | None]
    high: list[float | None]
    last: list[float | None]
    quality: list[int] = Field(description="The worst quality code of the bucket.")
    samples_read: int
    took_ms: float


class FunctionHelp(Record):
    """A function of the language of formulas, for an editor's help."""

    signature: str
    sentence: str
    looks_back: bool
