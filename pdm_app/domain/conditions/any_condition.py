"""The explicit list of alarm conditions; a new kind is one file and one line here."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.conditions.deviation import Deviation
from pdm_app.domain.conditions.discrete import Calculated, Discrete, Mismatch
from pdm_app.domain.conditions.instrument import BadQuality, CommunicationLost, CounterStopped, Stale, Stuck
from pdm_app.domain.conditions.limits import HighHighLimit, HighLimit, LowLimit, LowLowLimit, ScoreLimit
from pdm_app.domain.conditions.rate_of_change import RateOfChange

AnyCondition = Annotated[
    HighLimit
    | LowLimit
    | HighHighLimit
    | LowLowLimit
    | Deviation
    | RateOfChange
    | Discrete
    | Mismatch
    | Calculated
    | ScoreLimit
    | BadQuality
    | CommunicationLost
    | Stale
    | Stuck
    | CounterStopped,
    Field(discriminator="kind"),
]
