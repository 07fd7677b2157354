"""When an alarm is kept silent by design: while other equipment makes it meaningless."""

import hashlib
from typing import Annotated

from pydantic import Field

from pdm_app.domain.conditions.discrete import Discrete
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.record import Record, SignalNumber

SUPPRESSIONS_MAX = 4
FIRST_OUT = "first-out"


class Suppression(Record):
    """Keeps an alarm silent while a signal, such as the state of a machine, lies beyond a limit."""

    signal_id: SignalNumber
    condition: Annotated[HighLimit | LowLimit | Discrete, Field(discriminator="kind")]
    lingers_s: float = Field(default=0.0, ge=0, le=3600, description="How long it stays silent after that, in seconds.")
    why: str = Field(default="", max_length=120, description="As operators read it: Pump not running.")

    @property
    def words(self) -> str:
        return self.why or f"signal {self.signal_id}"

    @property
    def cause(self) -> str:
        """Name it as a rule's memory does; the same words of another suppression are another cause."""
        return hashlib.blake2b(self.model_dump_json(exclude={"why"}).encode(), digest_size=8).hexdigest()
