"""What a question about the past is answered with: columns that keep every peak and every gap."""

from enum import StrEnum

from pydantic import Field, model_validator

from pdm_app.domain.history_notes import HistoryNote
from pdm_app.domain.record import Instant, Record, SignalNumber
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import Shape

POINTS_MAX = 20_000
SIGNALS_MAX = 50
STRETCHES_MAX = 20_000


class Tier(StrEnum):
    """Where the answer came from, finest first."""

    RAW = "raw"
    ROLLUP_10S = "10s"
    ROLLUP_60S = "60s"
    ROLLUP_1H = "1h"

    @property
    def width_us(self) -> int:
        """Width of one bucket of the tier in microseconds; 1 for raw, whose buckets may have any width."""
        return {"raw": 1, "10s": 10 * MICROS_PER_S, "60s": 60 * MICROS_PER_S, "1h": 3600 * MICROS_PER_S}[self]


ROLLUPS = (Tier.ROLLUP_10S, Tier.ROLLUP_60S, Tier.ROLLUP_1H)
"""The tiers that are derived, finest first; each width is a multiple of the one before."""


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
    """Envelopes plus what it took to get them.

    ``points_read`` is how many samples they stand for, ``points`` how many points they have.
    """

    series: list[Envelope]
    points_read: int
    points: int = 0
    took_ms: float
    is_final: bool = Field(default=True, description="Whether no finer answer to the same question follows.")
    notes: tuple[HistoryNote, ...] = Field(default=(), description="What of the time is damaged or was removed.")


Numbers = list[float | None]


class AggregateQuery(Record):
    """Figures of some signals over a span, as a whole or cut into stretches of equal length."""

    signals: tuple[SignalNumber, ...] = Field(min_length=1, max_length=SIGNALS_MAX)
    start_at: Instant = Field(description="Microseconds UTC, included.")
    end_at: Instant = Field(description="Microseconds UTC, excluded.")
    every_us: int | None = Field(
        default=None, ge=1, le=4_000 * 86_400 * MICROS_PER_S, description="Length of a stretch; none for the whole."
    )
    percentile: float | None = Field(default=None, ge=0, le=100, description="Of the usable samples; reads raw.")
    states: bool = Field(default=False, description="Time spent at each value, of steps and texts; reads raw.")

    @model_validator(mode="after")
    def _span_is_forward(self) -> "AggregateQuery":
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        stretches = -(-(self.end_at - self.start_at) // (self.every_us or self.end_at))
        if stretches * len(self.signals) > STRETCHES_MAX:
            raise ValueError(f"{stretches} stretches of {len(self.signals)} signals are more than {STRETCHES_MAX}")
        return self


class TimeAtValue(Record):
    """How long a signal stood at one value; None stands for the time in which no usable value was known."""

    value: float | str | None
    seconds: float
    entered: int = Field(description="How often it came to this value from another one.")


class Aggregates(Record):
    """Figures of one signal; all columns have one length, one entry for each stretch, also for those without a sample.

    ``average`` is weighted by time and follows the signal's shape; ``mean`` is that of the usable samples as such.
    ``known_s`` are the seconds in which a usable value held, ``good_s`` those between the first and the last sample in
    which a good one did. ``first`` and ``last`` are of the usable samples.
    """

    signal: int
    shape: Shape
    at: list[int] = Field(description="Beginning of each stretch, microseconds UTC.")
    count: list[int]
    good: list[int]
    usable: list[int]
    average: Numbers
    known_s: list[float]
    good_s: list[float]
    low: Numbers
    high: Numbers
    total: Numbers
    mean: Numbers
    first_at: list[int | None]
    first: Numbers
    last_at: list[int | None]
    last: Numbers
    percentile: Numbers | None = None
    states: list[TimeAtValue] | None = Field(default=None, description="Of the whole span, longest first.")


class AggregateAnswer(Record):
    """Aggregates, in the order asked, and what it took to get them."""

    series: list[Aggregates]
    tiers: list[Tier] = Field(description="Where the figures came from, coarsest first.")
    rows_read: int
    took_ms: float
    notes: tuple[HistoryNote, ...] = Field(default=(), description="What of the time is damaged or was removed.")


class MomentQuery(Record):
    """What some signals stood at, at one time."""

    signals: tuple[SignalNumber, ...] = Field(min_length=1, max_length=SIGNALS_MAX)
    at: Instant = Field(description="Microseconds UTC.")


class Way(StrEnum):
    """How a value at a time was found."""

    SAMPLE = "sample"
    HELD = "held"
    INTERPOLATED = "interpolated"
    UNKNOWN = "unknown"


class ValueAt(Record):
    """One signal at one time: a sample itself, the one before it held, or a point on the line to the next one.

    ``value`` is None, and the way unknown, before the first sample, after a bad one, and in the future.
    """

    signal: int
    value: float | str | None
    quality: int | None
    way: Way
    before_at: int | None = Field(description="The sample at or before the time.")
    after_at: int | None = Field(description="The next sample, where the line runs to it.")


class MomentAnswer(Record):
    """Values at a time, in the order asked."""

    at: int
    values: list[ValueAt]


class CacheFigures(Record):
    """What the cache of closed stretches did since the program began, and what it holds."""

    hits: int
    misses: int
    tiles: int
    bytes: int
    bytes_max: int
    dropped: int = Field(description="Tiles that were forgotten because their samples changed.")
    evicted: int = Field(description="Tiles that were forgotten for want of room.")

    @property
    def hit_ratio(self) -> float | None:
        """Share of tiles that were there when they were asked for; None before anybody asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None
