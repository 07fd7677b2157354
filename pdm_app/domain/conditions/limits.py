"""High and low limits with a deadband, in the signal's own unit; the outer pair stands beyond the inner one."""

from math import inf, nextafter
from typing import Literal

from pydantic import Field
from typing_extensions import override

from pdm_app.domain.conditions.base import Band, Condition
from pdm_app.domain.record import Finite


class _Limit(Condition):
    limit: Finite
    deadband: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    @property
    @override
    def shown_limit(self) -> float:
        return self.limit


class _Above(_Limit):
    @override
    def is_abnormal(self, value: float) -> bool:
        return value > self.limit

    @override
    def is_normal(self, value: float) -> bool:
        return value < self.limit - self.deadband if self.deadband else value <= self.limit

    @override
    def band(self) -> Band:
        return Band(1.0, self.limit, self.limit - self.deadband if self.deadband else nextafter(self.limit, inf))


class _Below(_Limit):
    @override
    def is_abnormal(self, value: float) -> bool:
        return value < self.limit

    @override
    def is_normal(self, value: float) -> bool:
        return value > self.limit + self.deadband if self.deadband else value >= self.limit

    @override
    def band(self) -> Band:
        clear = self.limit + self.deadband
        return Band(-1.0, -self.limit, -clear if self.deadband else nextafter(-self.limit, inf))


class HighLimit(_Above):
    """Abnormal above ``limit``; normal again below ``limit - deadband``."""

    kind: Literal["high"] = "high"


class LowLimit(_Below):
    """Abnormal below ``limit``; normal again above ``limit + deadband``."""

    kind: Literal["low"] = "low"


class HighHighLimit(_Above):
    """The outer high limit, at which something has to be done at once."""

    kind: Literal["high_high"] = "high_high"


class LowLowLimit(_Below):
    """The outer low limit, at which something has to be done at once."""

    kind: Literal["low_low"] = "low_low"


class ScoreLimit(_Above):
    """Abnormal while the score that a model publishes as a series lies above ``limit``."""

    kind: Literal["score"] = "score"
