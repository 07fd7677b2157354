"""What a question about the past is answered with: columns that keep every peak and every gap."""

from enum import StrEnum

from pydantic import Field, model_validator

from pdm_app.domain.record import Instant, Record, SignalNumber

POINTS_MAX = 20_000
SIGNALS_MAX = 50


class Tier(StrEnum):
    """Where the answer came from, finest first."""

    RAW = "raw"
    ROLLUP_10S = "10s"


class HistoryQuery(Record):
    """Series of some signals over a span, cut into about as many buckets as there are pixels."""

    signals: tuple[SignalNumber, ...] = Field(min_length=1, max_length=SIGNALS_MAX)
    start_at: Instant = Field(description="Microseconds UTC, included.")
    end_at: Instant = Field(description="Microseconds UTC, excluded.")
    buckets: int = Field(default=600, ge=1, le=POINTS_MAX)

    @model_validator(mode="after")
    def _span_is_forward(self) -> "HistoryQuery":
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        return self


class Envelope(Record):
    """One signal over a span: per non-empty bucket the extremes, so that a peak never vanishes.

    All columns have one length. ``at`` is the start of the bucket in microseconds UTC; for raw points it is the source
    time, and ``low``, ``high``, ``mean`` and ``last`` are the value itself. They are those of the usable samples, which
    are the good and the uncertain ones; a bucket without any has None and is drawn as a gap. ``good`` is the number of
    good samples, ``count`` of all.
    """

    signal: int
    tier: Tier
    bucket_us: int = Field(description="Width of a bucket; 0 for raw points.")
    at: list[int]
    low: list[float | None]
    high: list[float | None]
    mean: list[float | None]
    last: list[float | None]
    good: list[int]
    count: list[int]


class HistoryAnswer(Record):
    """Envelopes plus what it took to get them."""

    series: list[Envelope]
    points_read: int
    took_ms: float
