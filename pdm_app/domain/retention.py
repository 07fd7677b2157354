"""How long history is kept: rules, which of them holds for a signal, and spans that are exempt.

A rule says for each tier how many whole days (UTC) stay. Of several rules for a signal the most specific one that says
anything of a tier holds for it; where none does, the tier is kept for ever. What is coarser is kept at least as long
as what is finer, whichever rules say so: a removed sample is always in its rollups first.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Protocol, Self

from pydantic import Field, model_validator

from pdm_app.domain.history import Tier
from pdm_app.domain.record import Facts, Id, Instant, Name, Record, SignalNumber, Text
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import DataType

DAY_US = 86_400 * MICROS_PER_S
HOUR_US = 3600 * MICROS_PER_S
DAYS_MAX = 36_500
"""A hundred years: for ever, said by a rule against a more general one."""
RULES_MAX = 200
HOLDS_MAX = 5_000
FAST_EVERY_S = 0.2
"""Signals that are read at 5 Hz or more fill the disk first."""
WILD = "*?["
TIERS = (Tier.RAW, Tier.ROLLUP_10S, Tier.ROLLUP_60S, Tier.ROLLUP_1H)

Days = Annotated[int, Field(ge=1, le=DAYS_MAX, description="Whole days that stay; None: this rule says nothing of it.")]


class SignalClass(StrEnum):
    """Signals that are alike in what their history takes."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    DERIVED = "derived"
    FAST = "fast"


class RetentionFacts(Facts):
    """What a person says of a rule; whatever is left out does not limit it."""

    name: Name
    site_id: Id | None = Field(default=None, description="Signals of this site only.")
    asset_id: Id | None = Field(default=None, description="Signals of this machine only.")
    signal_class: SignalClass | None = Field(default=None, description="fast: 5 readings a second and more.")
    pattern: str = Field(
        default="", max_length=160, description="MACHINE.signal, with * and ? as in file names, such as P-1*.vib_*."
    )
    raw_days: Days | None = None
    rollup_10s_days: Days | None = None
    rollup_60s_days: Days | None = None
    rollup_1h_days: Days | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = [days for days in self.days if days is not None]
        if not said:
            raise ValueError("a rule says of at least one tier for how long it is kept")
        if said != sorted(said):
            raise ValueError("what is coarser is kept at least as long as what is finer")
        return self

    @property
    def days(self) -> tuple[int | None, ...]:
        """What it says of each tier, finest first."""
        return self.raw_days, self.rollup_10s_days, self.rollup_60s_days, self.rollup_1h_days


class RetentionRule(RetentionFacts):
    """One rule of the installation."""

    id: Id
    changed_at: Instant = 0
    changed_by: str = Field(default="", max_length=120)

    @property
    def specificity(self) -> tuple[int, int, int, int, int]:
        """What is compared to find the most specific of several rules."""
        literal = sum(letter not in WILD for letter in self.pattern)
        is_exact = bool(self.pattern) and not any(letter in WILD for letter in self.pattern)
        return (
            int(is_exact), int(self.asset_id is not None), literal,
            int(self.signal_class is not None), int(self.site_id is not None),
        )  # fmt: skip


class RetentionSubject(Record):
    """What rules look at of a signal, also of one that was deleted."""

    signal: SignalNumber
    site_id: str
    asset_id: str
    asset_code: str
    name: str
    data_type: DataType
    is_derived: bool
    poll_every_s: float
    is_read: bool = Field(description="By a driver, at its own pace; not sent by somebody.")

    @property
    def classes(self) -> frozenset[SignalClass]:
        found = {SignalClass(str(self.data_type))}
        if self.is_derived:
            found.add(SignalClass.DERIVED)
        if self.is_read and self.poll_every_s <= FAST_EVERY_S:
            found.add(SignalClass.FAST)
        return frozenset(found)


class RetentionHold(Record):
    """A span that is kept whatever the rules say, such as a batch that is under investigation."""

    id: Id
    reason: Text
    signals: tuple[SignalNumber, ...] = Field(default=(), max_length=1000, description="Empty: of all signals.")
    start_at: Instant
    end_at: Instant
    made_at: Instant = 0
    made_by: str = Field(default="", max_length=120)

    @model_validator(mode="after")
    def _span_is_forward(self) -> Self:
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be after start_at")
        return self

    def covers(self, signal: int) -> bool:
        return not self.signals or signal in self.signals

    @property
    def span(self) -> tuple[int, int]:
        """Its time, widened to whole hours, so that every tier of it stays whole."""
        return self.start_at - self.start_at % HOUR_US, self.end_at + -self.end_at % HOUR_US


class Keep(Record):
    """For how long one tier of one signal is kept, and which rule says so."""

    days: int
    rule_id: str


def matches(rule: RetentionFacts, subject: RetentionSubject) -> bool:
    """Whether a rule speaks of a signal; upper and lower case are alike in a pattern."""
    if rule.site_id not in (None, subject.site_id) or rule.asset_id not in (None, subject.asset_id):
        return False
    if rule.signal_class is not None and rule.signal_class not in subject.classes:
        return False
    called = f"{subject.asset_code}.{subject.name}".lower()
    return not rule.pattern or fnmatchcase(called, rule.pattern.lower())


def kept(rules: Sequence[RetentionRule], subject: RetentionSubject) -> Mapping[Tier, Keep]:
    """Return for how long each tier of a signal is kept; a tier that is not in it is kept for ever.

    Of two rules that are alike specific the one that keeps longer holds.
    """
    speaking = [rule for rule in rules if matches(rule, subject)]
    found: dict[Tier, Keep] = {}
    longest: Keep | None = None
    for place, tier in enumerate(TIERS):
        said = [(rule.specificity, rule.days[place] or 0, rule.id) for rule in speaking if rule.days[place] is not None]
        if said:
            _, days, rule_id = max(said)
            keep = Keep(days=days, rule_id=rule_id)
        else:
            return found  # For ever, and so is everything coarser.
        longest = keep if longest is None or keep.days > longest.days else longest
        found[tier] = longest
    return found


def without_holds(span: tuple[int, int], holds: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is left of a span when the held ones are taken out, in order."""
    left, at = [], span[0]
    for start, end in sorted(holds):
        if end <= at or start >= span[1]:
            continue
        if start > at:
            left.append((at, start))
        at = max(at, end)
    if at < span[1]:
        left.append((at, span[1]))
    return left


class RunState(StrEnum):
    """What has become of a run."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class RetentionRun(Record):
    """One run of the rules; ``INTERRUPTED`` where the process ended in the middle, and the next one goes on."""

    id: Id
    asked_by: str = Field(max_length=120)
    started_at: Instant
    ended_at: Instant | None = None
    state: RunState = RunState.RUNNING
    rows: int = 0
    bytes: int = 0
    rows_planned: int = 0
    blocked: int = Field(default=0, description="Rows that are due and stayed, since their rollups are not ready.")
    problem: Text = ""


class Retention(Protocol):
    """Where rules, held spans and runs are stored; they belong to the installation, not to a site."""

    async def rules(self) -> Sequence[RetentionRule]: ...
    async def put_rule(self, rule: RetentionRule) -> None: ...
    async def remove_rule(self, rule_id: str) -> bool: ...
    async def holds(self) -> Sequence[RetentionHold]: ...
    async def put_hold(self, hold: RetentionHold) -> None: ...
    async def remove_hold(self, hold_id: str) -> bool: ...
    async def subjects(self) -> Sequence[RetentionSubject]: ...
    async def runs(self, limit: int) -> Sequence[RetentionRun]: ...
    async def put_run(self, run: RetentionRun) -> None: ...
