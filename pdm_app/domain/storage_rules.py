"""What of the samples is kept in history: rules that thin signals out, each with a bound on what that costs.

A rule thins what is stored only. Screens, alarms, formulas and sinks without a rule see every sample; a change of
quality, a gap and its edges are always kept.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Protocol, Self

from pydantic import Field, model_validator

from pdm_app.domain.record import Facts, Id, Name, Position, Record, Revision, SignalNumber
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import DataType, Shape, Signal, UnitCode

RULES_MAX = 500
"""Of one site."""

Pattern = Annotated[
    str,
    Field(
        min_length=1,
        max_length=120,
        pattern=r"^[A-Za-z0-9_./*?-]+$",
        description="Of machine code and signal name, such as P1*.Vibration_*; * stands for anything, ? for one sign.",
    ),
]


class Method(StrEnum):
    """How samples are picked."""

    ALL = "all"
    CHANGE = "change"
    DOOR = "door"
    INTERVAL = "interval"


class BoundIn(StrEnum):
    """What a bound is a number of."""

    UNIT = "unit"
    RANGE_PERCENT = "range_percent"


class StorageRuleFacts(Facts):
    """What is said of a rule. Of the rules that fit a signal, the one with the lowest position counts.

    ``bound`` is the largest difference between what was measured and what history draws: of ``change`` to the value
    that stands, of ``door`` to the straight line between two kept samples. Signals that go in steps are thinned as by
    ``change``, whatever the rule says. ``interval`` keeps the first sample of each ``every_s``, and with ``keep_peaks``
    the lowest and the highest one, too.
    """

    site_id: Id
    name: Name
    position: Position = 0
    enabled: bool = True
    pattern: Pattern = "*"
    asset_id: Id | None = Field(default=None, description="Only signals of this machine.")
    unit: UnitCode | None = Field(default=None, description="Only signals in this unit.")
    data_type: DataType | None = Field(default=None, description="Only signals of this type.")
    method: Method = Method.DOOR
    bound: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    bound_in: BoundIn = BoundIn.UNIT
    every_s: float = Field(default=0.0, ge=0, le=86_400, description="Seconds; of an interval.")
    keep_peaks: bool = True
    at_least_every_s: float = Field(
        default=600.0, ge=1, le=86_400, description="A sample is kept this often, however little changes."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.method is Method.INTERVAL and self.every_s <= 0:
            raise ValueError("every_s must be above 0 for a rule by interval")
        if self.bound_in is BoundIn.RANGE_PERCENT and self.bound > 100:
            raise ValueError("bound is a percentage of the range: at most 100")
        return self


class StorageRule(StorageRuleFacts):
    """A rule of a site."""

    id: Id
    revision: Revision = 0
    changed_at: int = Field(default=0, description="Microseconds UTC.")
    changed_by: str = ""
    deleted_at: int | None = Field(default=None, description="It counts for nothing from then on; it can be restored.")

    def fits(self, signal: Signal, asset_code: str) -> bool:
        """Whether the rule speaks of a signal; texts are never thinned."""
        return (
            self.enabled
            and signal.site_id == self.site_id
            and signal.data_type is not DataType.TEXT
            and self.asset_id in (None, signal.asset_id)
            and self.unit in (None, signal.unit)
            and self.data_type in (None, signal.data_type)
            and fnmatchcase(f"{asset_code}.{signal.name}".lower(), self.pattern.lower())
        )

    def plan(self, signal: Signal) -> "Plan":
        """Return how the rule treats a signal: a bound in percent is none where the signal has no range."""
        bound = self.bound
        if self.bound_in is BoundIn.RANGE_PERCENT:
            known = signal.range_low is not None and signal.range_high is not None
            bound = self.bound / 100 * (signal.range_high - signal.range_low) if known else 0.0  # type: ignore[operator]
        is_step = signal.shape is Shape.STEP or signal.data_type is not DataType.NUMBER
        method = Method.CHANGE if is_step and self.method is Method.DOOR else self.method
        return Plan(
            signal=signal.id,
            rule_id=self.id,
            method=method,
            bound=bound,
            every_us=int(self.every_s * MICROS_PER_S),
            at_least_us=int(self.at_least_every_s * MICROS_PER_S),
            keep_peaks=self.keep_peaks,
            is_step=is_step,
        )


class Plan(Record):
    """How one signal is thinned; the bound is in the signal's unit."""

    signal: SignalNumber
    rule_id: str
    method: Method
    bound: float = 0.0
    every_us: int = 0
    at_least_us: int = 600 * MICROS_PER_S
    keep_peaks: bool = True
    is_step: bool = False


class RuleEstimate(Record):
    """What a rule comes to, from the samples of the last day; bytes as they end up in files of closed days."""

    signals: int = Field(description="How many signals the rule fits.")
    signals_read: int = Field(description="Of these, how many the figures were made of.")
    samples_per_day: float = Field(description="As recorded now.")
    kept_per_day: float
    share: float | None = Field(description="Of what is recorded now; None where nothing is.")
    bytes_per_sample: float
    bytes_per_month: float
    bytes_per_month_now: float
    error_max: float | None = Field(description="The largest difference the rule made, in the signal's unit.")
    names: tuple[str, ...] = Field(description="The first of the signals.")


class RuleView(Record):
    """A rule, and what it does."""

    rule: StorageRule
    signals: int = Field(description="How many signals it counts for: those that no rule before it takes.")
    thinned: int = Field(description="Samples left out since the start of the process.")


class StorageRules(Protocol):
    """Where rules are kept; reads and writes only what the scope covers."""

    async def all(self) -> Sequence[StorageRule]:
        """Return the rules by position, then by id."""
        ...

    async def get(self, rule_id: str) -> StorageRule | None:
        """Return one, also one that was deleted."""
        ...

    async def put(self, rule: StorageRule) -> None: ...


class ThinningMemory(Protocol):
    """Where it is kept over a restart what was seen of thinned signals."""

    async def load(self) -> bytes:
        """Return what was saved last; nothing where nothing was.

        Raises:
            UnavailableError: The disk cannot be read.
        """
        ...

    async def save(self, content: bytes) -> None:
        """Keep this instead; it is on disk when this returns.

        Raises:
            UnavailableError: The disk does not take it; what was saved before is still there.
        """
        ...


def plans_of(
    rules: Sequence[StorageRule], signals: Sequence[Signal], asset_codes: Mapping[str, str]
) -> dict[int, Plan]:
    """Return by signal number how it is thinned; signals of which everything is kept are not among them."""
    ordered = sorted(rules, key=lambda rule: (rule.position, rule.id))
    found: dict[int, Plan] = {}
    for signal in signals:
        code = asset_codes.get(signal.asset_id, "")
        rule = next((rule for rule in ordered if rule.fits(signal, code)), None)
        if rule is not None and rule.method is not Method.ALL:
            found[signal.id] = rule.plan(signal)
    return found
