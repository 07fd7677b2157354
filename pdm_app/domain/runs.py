"""Runs: stretches of time of a machine that have a name, such as a production batch, and events that a condition marks.

A run is begun and ended by a rule, whose condition is a formula, or by a person. What a rule has found is found again
from the same samples, so that late samples move its edges and a restart forgets nothing.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field, model_validator

from pdm_app.domain.record import Facts, Id, Instant, Name, Record, Revision, SignalNumber, Text
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import FormulaText

RULES_MAX = 200
"""Of one site."""
ALIGNED_MAX = 20
PRE_S_MAX = 300.0

Signals = Annotated[tuple[SignalNumber, ...], Field(max_length=20, description="Whose figures belong to a run.")]
Attributes = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=40)], Annotated[str, Field(max_length=200)]],
    Field(max_length=20, description="Whatever else is known of it, such as recipe or shift."),
]
RunName = Annotated[str, Field(min_length=1, max_length=120, description="The batch's number, or the event's.")]
Product = Annotated[str, Field(max_length=120)]


class RunKind(StrEnum):
    """What a run is."""

    BATCH = "batch"
    EVENT = "event"


class RunRuleFacts(Facts):
    """What is said of a rule that finds runs.

    A run lasts while the condition holds. Breaks shorter than ``gap_s`` do not end it, and what is shorter than
    ``min_s`` is none. With ``full_rate`` every sample of its signals is kept from ``pre_s`` before it to ``post_s``
    after it, whatever the storage rules leave out at other times.
    """

    site_id: Id
    asset_id: Id = Field(description="Whose runs they are; its signals may be named without their machine.")
    name: Name
    kind: RunKind = RunKind.BATCH
    enabled: bool = True
    condition: FormulaText = Field(description="True while a run lasts, such as State == 1 or Vibration > 4.5.")
    gap_s: float = Field(default=5.0, ge=0, le=3_600)
    min_s: float = Field(default=0.0, ge=0, le=86_400)
    id_signal_id: SignalNumber | None = Field(default=None, description="Its value at the beginning is the name.")
    product: Product = ""
    product_signal_id: SignalNumber | None = Field(default=None, description="Its value at the beginning.")
    signals: Signals = ()
    full_rate: bool = False
    pre_s: float = Field(default=0.0, ge=0, le=PRE_S_MAX)
    post_s: float = Field(default=0.0, ge=0, le=PRE_S_MAX)

    @model_validator(mode="after")
    def _full_rate_of_something(self) -> "RunRuleFacts":
        if self.full_rate and not self.signals:
            raise ValueError("full_rate needs signals that are kept in full")
        return self


class RunRule(RunRuleFacts):
    """A rule of a machine."""

    id: Id
    revision: Revision = 0
    changed_at: int = 0
    changed_by: str = ""
    deleted_at: int | None = None

    @property
    def gap_us(self) -> int:
        return int(self.gap_s * MICROS_PER_S)

    @property
    def min_us(self) -> int:
        return int(self.min_s * MICROS_PER_S)


class RunRuleView(Record):
    """A rule, and why it finds nothing now; empty while it works."""

    rule: RunRule
    fault: str


class Run(Record):
    """One run. ``ended_at`` None: it goes on."""

    id: Id
    site_id: Id
    asset_id: Id
    rule_id: Id | None = Field(default=None, description="None: a person began it.")
    kind: RunKind = RunKind.BATCH
    name: RunName
    product: Product = ""
    started_at: Instant
    ended_at: Instant | None = None
    started_by: str = Field(max_length=120)
    ended_by: str = Field(default="", max_length=120)
    note: Text = ""
    signals: Signals = ()
    attributes: Attributes = Field(default_factory=dict)
    is_golden: bool = Field(default=False, description="The run that others are laid over.")
    revision: Revision = 0
    changed_at: int = 0
    changed_by: str = ""
    deleted_at: int | None = Field(default=None, description="Late samples showed that there was none.")


class RunQuery(Record):
    """Which runs are asked for, newest first."""

    site_id: Id | None = None
    asset_id: Id | None = None
    kind: RunKind | None = None
    rule_id: Id | None = None
    text: str = Field(default="", max_length=120, description="Part of name or product.")
    start_at: Instant | None = Field(default=None, description="Those that had not ended by then.")
    end_at: Instant | None = Field(default=None, description="Those that had begun before.")
    running: bool = False
    golden: bool = False
    before: Instant | None = Field(default=None, description="Page on: the start of the last one of the page before.")
    limit: int = Field(default=50, ge=1, le=500)


class RunFigure(Record):
    """What one signal came to in a run; ``mean`` is weighted by time."""

    signal: int
    low: float | None
    mean: float | None
    high: float | None
    samples: int


class RunDetail(Record):
    """A run with its figures; those of one that goes on are up to now."""

    run: Run
    duration_s: float
    figures: tuple[RunFigure, ...]


class AlignedQuery(Record):
    """A signal in several runs, each counted from its beginning."""

    runs: tuple[Id, ...] = Field(min_length=1, max_length=ALIGNED_MAX)
    signal: SignalNumber
    points: int = Field(default=300, ge=2, le=2_000)
    band_of: tuple[Id, ...] = Field(
        default=(), max_length=ALIGNED_MAX, description="Runs whose mean makes the band; golden ones where none is."
    )
    tolerance: float = Field(default=2.0, ge=0, le=100, description="Half the band, in standard deviations.")
    tolerance_abs: float = Field(default=0.0, ge=0, le=1e12, description="At least this much, in the signal's unit.")


class AlignedRun(Record):
    """One run's means, step by step from its beginning; None in gaps and after its end.

    A step without a sample lies on the line between its neighbours, or holds the one before, as the signal does.
    """

    run_id: str
    name: str
    is_golden: bool
    duration_s: float
    mean: list[float | None]


class AlignedSeries(Record):
    """Runs over each other: column ``at_s`` says how many seconds after the beginning each step begins."""

    signal: int
    every_s: float
    at_s: list[float]
    runs: list[AlignedRun]
    band_runs: list[str]
    band_mean: list[float | None]
    band_low: list[float | None]
    band_high: list[float | None]


class Runs(Protocol):
    """Where rules and runs are kept; reads and writes only what the scope covers."""

    async def rules(self) -> Sequence[RunRule]:
        """Return the rules that were not deleted, by id."""
        ...

    async def rule(self, rule_id: str) -> RunRule | None:
        """Return one, also one that was deleted."""
        ...

    async def put_rule(self, rule: RunRule) -> None: ...

    async def page(self, query: RunQuery) -> Sequence[Run]:
        """Return runs, the newest first."""
        ...

    async def some(self, ids: Sequence[str]) -> Sequence[Run]: ...

    async def of_rule(self, rule_id: str, since: int) -> Sequence[Run]:
        """Return a rule's runs that go on or ended after ``since``, oldest first."""
        ...

    async def count(self, rule_id: str) -> int:
        """Return how many runs a rule has found."""
        ...

    async def put(self, runs: Sequence[Run]) -> None: ...
