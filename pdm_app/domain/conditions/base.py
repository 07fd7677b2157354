"""What every alarm condition has in common: it looks at a sample and says what that makes of the process."""

from enum import Enum
from typing import ClassVar, NamedTuple, TypeAlias

from pdm_app.domain.record import Record
from pdm_app.domain.samples import Sample

Recall: TypeAlias = tuple[float | None, ...]
"""What a condition that looks back must remember between samples; its meaning is the condition's own."""


class Verdict(Enum):
    """What one sample says of the process.

    Attributes:
        ABNORMAL, NORMAL: Beyond the limit; back by more than the deadband.
        BETWEEN: Inside the deadband, or not enough is known: a running delay stops, nothing else changes.
        UNKNOWN: No usable value: the state stays and a running delay is held.
        ANEW: Normal at this moment, and abnormal from it on unless another such sample comes.
        NOTHING: The sample does not concern the condition.
    """

    ABNORMAL = "abnormal"
    NORMAL = "normal"
    BETWEEN = "between"
    UNKNOWN = "unknown"
    ANEW = "anew"
    NOTHING = "nothing"


class Band(NamedTuple):
    """A condition as two comparisons, for judging many values at once.

    With ``x = sign * value``, a value is abnormal where ``x > abnormal_above`` and normal where ``x < normal_below``.
    """

    sign: float
    abnormal_above: float
    normal_below: float


class Condition(Record):
    """Base of all conditions.

    A condition that judges single usable values says so by `is_abnormal` and `is_normal`, and the same by `band` for
    columns. Any other one has ``band() = None`` and says it by `look`, sample by sample.
    """

    kind: str
    is_expiry: ClassVar[bool] = False
    """Whether time alone makes it abnormal: its samples are ANEW, and there is no off-delay."""

    begins_at_once: ClassVar[bool] = False
    """Whether its time runs from when the rule comes into force, although no sample has come yet."""

    @property
    def shown_limit(self) -> float | None:
        """The limit as it is drawn beside the value, in the signal's unit; None where there is no such line."""
        return None

    @property
    def lasts_s(self) -> float:
        """Seconds that what it looks for must last by itself; the rule's on-delay comes on top."""
        return 0.0

    def inputs(self) -> tuple[int, ...]:
        """Return the other signals it reads."""
        return ()

    def is_abnormal(self, value: float) -> bool:
        """Return whether the value lies beyond the limit."""
        raise NotImplementedError

    def is_normal(self, value: float) -> bool:
        """Return whether the value has left the limit by more than the deadband."""
        raise NotImplementedError

    def band(self) -> Band | None:
        """Return the same judgement for columns; it agrees with the other two on every finite value."""
        return None

    def look(
        self,
        recall: Recall,
        sample: Sample,  # noqa: ARG002 - for conditions that look at more than the value
        value: float | None,
    ) -> tuple[Recall, Verdict]:
        """Judge one sample.

        Args:
            recall: What the last look returned; empty at first.
            sample: Of the rule's signal, or of one of `inputs`.
            value: Its number; None where quality or value make it unusable.
        """
        if value is None:
            return recall, Verdict.UNKNOWN
        if self.is_abnormal(value):
            return recall, Verdict.ABNORMAL
        return recall, Verdict.NORMAL if self.is_normal(value) else Verdict.BETWEEN
