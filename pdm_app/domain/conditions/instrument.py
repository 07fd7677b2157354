"""What is wrong with the instrument rather than with the process: bad quality, silence, a value that does not move."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import override

from pdm_app.domain.conditions.base import Condition, Recall, Verdict
from pdm_app.domain.samples import QUALITY_BAD_MIN, QUALITY_UNCERTAIN_MIN, Quality, Sample

Span = Annotated[float, Field(ge=1, le=30 * 86_400, description="Seconds.")]
OUT_OF_TOUCH = frozenset({Quality.BAD_CONNECTION_LOST, Quality.BAD_WAITING, Quality.BAD_STALE})


class BadQuality(Condition):
    """Abnormal while the signal's quality is bad or, where asked for, uncertain."""

    kind: Literal["bad_quality"] = "bad_quality"
    uncertain_too: bool = False

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        worst = QUALITY_UNCERTAIN_MIN if self.uncertain_too else QUALITY_BAD_MIN
        is_bad = sample.quality >= worst or value is None
        return recall, Verdict.ABNORMAL if is_bad else Verdict.NORMAL


class CommunicationLost(Condition):
    """Abnormal while samples say that the connection to their source is gone."""

    kind: Literal["communication_lost"] = "communication_lost"

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        return recall, Verdict.ABNORMAL if sample.quality in OUT_OF_TOUCH else Verdict.NORMAL


class Stale(Condition):
    """Abnormal when no usable sample has come for ``after_s``, by source time."""

    kind: Literal["stale"] = "stale"
    after_s: Span
    is_expiry = True
    begins_at_once = True

    @property
    @override
    def lasts_s(self) -> float:
        return self.after_s

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        return recall, Verdict.NOTHING if value is None else Verdict.ANEW


class Stuck(Condition):
    """Abnormal when the value has not moved by more than ``tolerance`` for ``after_s``. Recall: the value it left."""

    kind: Literal["stuck"] = "stuck"
    after_s: Span
    tolerance: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    is_expiry = True

    @property
    @override
    def lasts_s(self) -> float:
        return self.after_s

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        if value is None:
            return recall, Verdict.UNKNOWN
        anchor = recall[0] if recall else None
        if anchor is None or abs(value - anchor) > self.tolerance:
            return (value,), Verdict.ANEW
        return recall, Verdict.ABNORMAL


class CounterStopped(Condition):
    """Abnormal when a counter has not risen by ``step`` within ``after_s``; a lower count is a counter set back."""

    kind: Literal["counter_stopped"] = "counter_stopped"
    after_s: Span
    step: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    is_expiry = True

    @property
    @override
    def lasts_s(self) -> float:
        return self.after_s

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        if value is None:
            return recall, Verdict.UNKNOWN
        anchor = recall[0] if recall else None
        if anchor is None or value < anchor or value >= anchor + self.step:
            return (value,), Verdict.ANEW
        return recall, Verdict.ABNORMAL
