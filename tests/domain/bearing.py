"""A bearing and its alarm rule, for tests of the steps."""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.samples import MICROS_PER_S

S = MICROS_PER_S
NOON = 1_800_000_000 * S


def bearing_rule(
    condition: AnyCondition | None = None, on_delay_s: float = 0.0, off_delay_s: float = 0.0, comment: bool = False
) -> AlarmRule:
    """A bearing that is too hot above 80 °C and well again below 78 °C."""
    return AlarmRule(
        id="bearing-hot",
        site_id="graz",
        asset_id="p-101a",
        signal_id=7,
        name="Bearing hot",
        condition=condition or HighLimit(limit=80.0, deadband=2.0),
        priority=2,
        on_delay_s=on_delay_s,
        off_delay_s=off_delay_s,
        comment_required=comment,
        action="Check the oil.",
    )
