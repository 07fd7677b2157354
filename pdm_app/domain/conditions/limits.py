"""High and low limits with a deadband, in the signal's own unit."""

from math import inf, nextafter
from typing import Literal

from pydantic import Field

from pdm_app.domain.conditions.base import Band, Condition


class HighLimit(Condition):
    """Abnormal above ``limit``; normal again below ``limit - deadband``."""

    kind: Literal["high"] = "high"
    limit: float = Field(allow_inf_nan=False)
    deadband: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def is_abnormal(self, value: float) -> bool:
        return value > self.limit

    def is_normal(self, value: float) -> bool:
        return value < self.limit - self.deadband if self.deadband else value <= self.limit

    def band(self) -> Band:
        return Band(1.0, self.limit, self.limit - self.deadband if self.deadband else nextafter(self.limit, inf))


class LowLimit(Condition):
    """Abnormal below ``limit``; normal again above ``limit + deadband``."""

    kind: Literal["low"] = "low"
    limit: float = Field(allow_inf_nan=False)
    deadband: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def is_abnormal(self, value: float) -> bool:
        return value < self.limit

    def is_normal(self, value: float) -> bool:
        return value > self.limit + self.deadband if self.deadband else value >= self.limit

    def band(self) -> Band:
        clear = self.limit + self.deadband
        return Band(-1.0, -self.limit, -clear if self.deadband else nextafter(-self.limit, inf))
