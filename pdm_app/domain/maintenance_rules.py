"""When a critical sensor and a finding of a model together call for maintenance.

One of the two alone is not enough: an alarm says that something is wrong now, a score that it did not come from
nowhere. Both have to hold at the same time, on the same machine.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pdm_app.domain.alarms import Alarm
from pdm_app.domain.assets import Asset, AssetClass
from pdm_app.domain.rationale import Priority
from pdm_app.domain.record import Facts, Finite, Id, Instant, Name, Record, Revision, Text
from pdm_app.domain.samples import QUALITY_BAD_MIN, Sample
from pdm_app.domain.signals import SignalName

RULES_MAX = 500  # Of one site.


class Severity(StrEnum):
    """How bad it is for the machine."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"


class Side(StrEnum):
    """On which side of its limit a signal is abnormal."""

    ABOVE = "above"
    BELOW = "below"


class AlarmStands(Record):
    """An alarm of the machine is active, at least so urgent; those kept silent do not count."""

    kind: Literal["alarm"] = "alarm"
    priority: Priority = 1

    def found(self, alarms: Sequence[Alarm]) -> Alarm | None:
        """Return the most urgent alarm that is active, of equals the one raised first."""
        meant = [alarm for alarm in alarms if alarm.state.is_active and alarm.priority <= self.priority]
        return min(meant, key=lambda alarm: (alarm.priority, alarm.raised_at, alarm.id), default=None)


class SignalBeyond(Record):
    """A signal of the machine is at its limit or beyond."""

    kind: Literal["signal"] = "signal"
    signal: SignalName
    side: Side = Side.ABOVE
    limit: Finite = Field(description="In the signal's unit.")

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.side is Side.ABOVE else value <= self.limit


class ScoreAbove(Record):
    """A score of the machine has reached its threshold; any signal that is published can be a score."""

    signal: SignalName
    threshold: Finite


AnySensor = Annotated[AlarmStands | SignalBeyond, Field(discriminator="kind")]


class MaintenanceRuleFacts(Facts):
    """What is said of a rule: for one machine, or for every machine of a class at its site."""

    site_id: Id
    name: Name
    asset_id: Id | None = None
    asset_class: AssetClass = ""
    sensor: AnySensor
    score: ScoreAbove
    severity: Severity = Severity.CRITICAL
    advice: Text = Field(default="", description="What is to be done; it stands in each event.")
    enabled: bool = True

    @model_validator(mode="after")
    def _is_for_something(self) -> Self:
        if (self.asset_id is None) == (not self.asset_class):
            raise ValueError("a rule is for one machine or for a class of machines: give either of them")
        return self


class MaintenanceRule(MaintenanceRuleFacts):
    """A rule of a site."""

    id: Id
    revision: Revision = 0
    deleted_at: Instant | None = None

    def is_for(self, asset: Asset) -> bool:
        if asset.site_id != self.site_id:
            return False
        if self.asset_id is not None:
            return asset.id == self.asset_id
        return asset.asset_class.casefold() == self.asset_class.casefold()


def number_of(sample: Sample | None) -> float | None:
    """Return the number a sample stands at; None for no sample, a text, and a value of bad quality."""
    if sample is None or sample.quality >= QUALITY_BAD_MIN or not isinstance(sample.value, float | int):
        return None
    return float(sample.value)
