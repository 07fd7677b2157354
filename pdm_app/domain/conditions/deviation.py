"""A value that strays from where it should be: from a fixed value, or from what another signal says."""

from typing import Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from pdm_app.domain.conditions.base import Condition, Recall, Verdict
from pdm_app.domain.record import Finite, SignalNumber
from pdm_app.domain.samples import Sample


class Deviation(Condition):
    """Abnormal while the value is more than ``limit`` away from the setpoint, above or below.

    Recall: the setpoint and the value that hold now; None where the newest one is not usable.
    """

    kind: Literal["deviation"] = "deviation"
    limit: float = Field(gt=0, allow_inf_nan=False, description="Largest distance allowed, in the signal's unit.")
    deadband: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    setpoint: Finite | None = None
    setpoint_signal: SignalNumber | None = None

    @model_validator(mode="after")
    def _one_setpoint(self) -> Self:
        if (self.setpoint is None) == (self.setpoint_signal is None):
            raise ValueError("give either setpoint, a number, or setpoint_signal, the signal that says it")
        if self.deadband >= self.limit:
            raise ValueError("a deadband as wide as the limit never lets the alarm return; make it smaller")
        return self

    @override
    def inputs(self) -> tuple[int, ...]:
        return () if self.setpoint_signal is None else (self.setpoint_signal,)

    @override
    def look(self, recall: Recall, sample: Sample, value: float | None) -> tuple[Recall, Verdict]:
        setpoint, own = recall or (self.setpoint, None)
        if self.setpoint_signal is not None and sample.signal == self.setpoint_signal:
            setpoint = value
        else:
            own = value
        recall = (setpoint, own)
        if setpoint is None or own is None:
            return recall, Verdict.UNKNOWN
        away = abs(own - setpoint)
        if away > self.limit:
            return recall, Verdict.ABNORMAL
        is_back = away < self.limit - self.deadband if self.deadband else away <= self.limit
        return recall, Verdict.NORMAL if is_back else Verdict.BETWEEN
