"""The rates at which a damaged rolling bearing strikes, from its geometry."""

from dataclasses import dataclass
from math import cos, radians
from typing import Annotated, Self

from pydantic import Field, model_validator

from pdm_app.domain.record import Finite, Record


@dataclass(frozen=True, slots=True)
class BearingRates:
    """Blows a second, with the outer ring at rest.

    Attributes:
        outer_hz: BPFO, damage of the outer ring.
        inner_hz: BPFI, of the inner ring.
        ball_hz: BSF, turns of a ball; a damaged one strikes twice a turn.
        cage_hz: FTF, turns of the cage.
    """

    outer_hz: float
    inner_hz: float
    ball_hz: float
    cage_hz: float


class Bearing(Record):
    """The geometry of a rolling bearing; lengths in mm."""

    balls: Annotated[int, Field(ge=3, le=200)]
    ball_mm: Annotated[Finite, Field(gt=0, le=500)]
    pitch_mm: Annotated[Finite, Field(gt=0, le=5000)]
    contact_deg: Annotated[Finite, Field(ge=0, lt=90)] = 0.0

    @model_validator(mode="after")
    def _balls_fit(self) -> Self:
        if self.ball_mm >= self.pitch_mm:
            raise ValueError(f"balls of {self.ball_mm:g} mm do not fit a pitch circle of {self.pitch_mm:g} mm")
        return self

    def rates(self, shaft_hz: float) -> BearingRates:
        """Return the rates at a speed of the shaft, in turns a second; slip makes real ones 1 to 2 % lower.

        Source: kinematics of rolling without slip, Randall & Antoni, MSSP 25(2), 2011, equations 1 to 4.
        """
        ratio = self.ball_mm / self.pitch_mm * cos(radians(self.contact_deg))
        return BearingRates(
            outer_hz=self.balls / 2 * shaft_hz * (1 - ratio),
            inner_hz=self.balls / 2 * shaft_hz * (1 + ratio),
            ball_hz=self.pitch_mm / (2 * self.ball_mm) * shaft_hz * (1 - ratio**2),
            cage_hz=shaft_hz / 2 * (1 - ratio),
        )
