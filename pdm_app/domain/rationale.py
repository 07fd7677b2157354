"""Why an alarm has its priority, and which deadband and delays suit its signal.

Source: ANSI/ISA-18.2-2016 and EEMUA 191, tables of rationalisation and of deadbands and delays.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Record

Priority = Annotated[int, Field(ge=1, le=4, description="1 critical, 2 high, 3 medium, 4 low.")]


class ConsequenceLevel(StrEnum):
    """How bad it is if nobody answers."""

    MINOR = "minor"
    MODERATE = "moderate"
    MAJOR = "major"
    SEVERE = "severe"


class RespondWithin(StrEnum):
    """How much time there is to answer."""

    LONG = "over_30_min"
    HALF_HOUR = "10_to_30_min"
    TEN_MINUTES = "3_to_10_min"
    THREE_MINUTES = "under_3_min"


_MATRIX: dict[ConsequenceLevel, tuple[int | None, int, int, int]] = {
    ConsequenceLevel.MINOR: (None, 4, 4, 3),
    ConsequenceLevel.MODERATE: (4, 3, 3, 2),
    ConsequenceLevel.MAJOR: (3, 2, 2, 1),
    ConsequenceLevel.SEVERE: (2, 1, 1, 1),
}


def proposed_priority(consequence: ConsequenceLevel, within: RespondWithin) -> int | None:
    """Return the priority of the matrix; None where the matter is no alarm but an event."""
    return _MATRIX[consequence][tuple(RespondWithin).index(within)]


class Defaults(Record):
    """What keeps an alarm of one class of signals from chattering.

    Deadbands are shares: of the signal's range, or of the limit.
    """

    deadband_of_range: float = 0.0
    deadband_of_limit: float = 0.0
    delay_s: float = Field(description="On-delay and off-delay.")

    def deadband(self, low: float | None, high: float | None, limit: float) -> float:
        """Return the deadband in the signal's unit, to six digits; 0 for a share of a range that is not known."""
        span = high - low if low is not None and high is not None else 0.0
        return round(self.deadband_of_range * span + self.deadband_of_limit * abs(limit), 6)


DEFAULTS: dict[str, Defaults] = {
    "flow": Defaults(deadband_of_range=0.05, delay_s=15),
    "level": Defaults(deadband_of_range=0.05, delay_s=60),
    "pressure": Defaults(deadband_of_range=0.02, delay_s=15),
    "temperature": Defaults(deadband_of_range=0.01, delay_s=60),
    "vibration": Defaults(deadband_of_limit=0.05, delay_s=10),
    "electrical": Defaults(deadband_of_range=0.02, delay_s=10),
}
"""By class of signal, as the quantity of its unit says it."""
