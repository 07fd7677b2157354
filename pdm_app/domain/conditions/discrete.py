"""States: a signal that says a number, such as a mode, a switch or a formula that is true or false."""

from typing import Literal

from pydantic import Field, field_validator
from typing_extensions import override

from pdm_app.domain.conditions.base import Condition, Recall, Verdict
from pdm_app.domain.record import Finite, SignalNumber
from pdm_app.domain.samples import Sample


class Discrete(Condition):
    """Abnormal while the signal says one of ``abnormal``."""

    kind: Literal["discrete"] = "discrete"
    abnormal: tuple[Finite, ...] = Field(min_length=1, max_length=32, description="Numbers that are wrong.")

    @field_validator("abnormal")
    @classmethod
    def _each_once(cls, numbers: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(numbers)))

    @override
    def is_abnormal(self, value: float) -> bool:
        return value in self.abnormal

    @override
    def is_normal(self, value: float) -> bool:
        return value not in self.abnormal


class Mismatch(Condition):
    """Abnormal while the signal does not say what ``expected_signal`` says, as a command and its feedback should.

    Recall: what is expected and what is there now; None where the newest one is not usable.
    """

    kind: Literal["mismatch"] = "mismatch"
    expected_signal: SignalNumber

    @override
    def inputs(self) -> tuple[int, ...]:
        return (self.expected_signal,)

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        expected, own = recall or (None, None)
        if sample.signal == self.expected_signal:
            expected = value
        else:
            own = value
        if expected is None or own is None:
            return (expected, own), Verdict.UNKNOWN
        return (expected, own), Verdict.NORMAL if expected == own else Verdict.ABNORMAL


class Calculated(Condition):
    """Abnormal while the formula of a derived signal is true, that is, anything but 0."""

    kind: Literal["calculated"] = "calculated"

    @override
    def is_abnormal(self, value: float) -> bool:
        return value != 0

    @override
    def is_normal(self, value: float) -> bool:
        return value == 0
