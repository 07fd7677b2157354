"""When an alarm is kept silent by design: while other equipment, or the hour of the plant, makes it meaningless."""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from pdm_app.domain.conditions.discrete import Discrete
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.record import Record, SignalNumber

SUPPRESSIONS_MAX = 4
FIRST_OUT = "first-out"


class _ByDesign(Record):
    why: str = Field(default="", max_length=120, description="As operators read it: Pump not running.")

    @property
    def cause(self) -> str:
        """Name it as a rule's memory does; the same words of another suppression are another cause."""
        return hashlib.blake2b(self.model_dump_json(exclude={"why"}).encode(), digest_size=8).hexdigest()


class Suppression(_ByDesign):
    """Keeps an alarm silent while a signal, such as the state of a machine, lies beyond a limit."""

    signal_id: SignalNumber
    condition: Annotated[HighLimit | LowLimit | Discrete, Field(discriminator="kind")]
    lingers_s: float = Field(default=0.0, ge=0, le=3600, description="How long it stays silent after that, in seconds.")

    @property
    def words(self) -> str:
        return self.why or f"signal {self.signal_id}"


class ShiftSuppression(_ByDesign):
    """Keeps an alarm silent by the shift calendar of its site; where there is no calendar, it never does."""

    silent: Literal["off_shift", "in_shift"] = Field(description="While no shift runs, or while one runs.")

    @property
    def words(self) -> str:
        return self.why or ("No shift runs" if self.silent == "off_shift" else "A shift runs")

    @property
    def condition(self) -> Discrete:
        """What it waits for in the series of its site that is 1 while a shift runs, and 0 while none does."""
        return Discrete(abnormal=(0.0 if self.silent == "off_shift" else 1.0,))

    @property
    def lingers_s(self) -> float:
        return 0.0


AnySuppression: TypeAlias = Suppression | ShiftSuppression


def guarding_signals(suppressions: Iterable[AnySuppression]) -> tuple[int, ...]:
    """Return the signals that suppressions go by."""
    return tuple(each.signal_id for each in suppressions if isinstance(each, Suppression))
