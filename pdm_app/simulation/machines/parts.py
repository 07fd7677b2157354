"""The pieces every machine definition is put together from, with the defaults that ISA-18.2 gives them.

Deadbands and delays of alarms follow the table of defaults by kind of signal (ISA-18.2 / EEMUA 191): flow 5 % of range
and 15 s, pressure 2 % and 15 s, temperature 1 % and 60 s, vibration 5 % of the limit and 10 s.
"""

from dataclasses import dataclass
from typing import Any

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Asset, Device
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.signals import DataType, Shape, Signal

STATE_RUNNING = 2
STATE_IDLE = 1
STATE_STOPPED = 0
"""Numbers of a state signal, as `pdm_app.domain.assets.STATE_OF_NUMBER` reads them."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine with all that belongs to it."""

    asset: Asset
    device: Device
    signals: tuple[Signal, ...]
    rules: tuple[AlarmRule, ...]


@dataclass(frozen=True, slots=True)
class Delay:
    """How an alarm of one kind of signal is kept from chattering.

    Attributes:
        range_share: Deadband as a share of the signal's range; 0 where ``limit_share`` counts.
        limit_share: Deadband as a share of the limit.
        delay_s: On-delay and off-delay.
    """

    delay_s: float
    range_share: float = 0.0
    limit_share: float = 0.0

    def deadband(self, signal: Signal, limit: float) -> float:
        """Return the deadband in the signal's unit, to six digits."""
        span = (signal.range_high or 0.0) - (signal.range_low or 0.0)
        return round(self.range_share * span + self.limit_share * abs(limit), 6)


FLOW = Delay(delay_s=15, range_share=0.05)
PRESSURE = Delay(delay_s=15, range_share=0.02)
TEMPERATURE = Delay(delay_s=60, range_share=0.01)
VIBRATION = Delay(delay_s=10, limit_share=0.05)
ELECTRICAL = Delay(delay_s=10, range_share=0.02)
LINK = Delay(delay_s=10, range_share=0.03)


def limit_rule(
    signal: Signal,
    suffix: str,
    name: str,
    kind: str,
    limit: float,
    priority: int,
    delay: Delay,
    *,
    cause: str,
    consequence: str,
    action: tuple[str, ...],
) -> AlarmRule:
    """Build the rule ``<asset>-<suffix>`` for a high or low limit in the signal's unit."""
    condition = {"high": HighLimit, "low": LowLimit}[kind]
    return AlarmRule(
        id=f"{signal.asset_id}-{suffix}",
        site_id=signal.site_id,
        asset_id=signal.asset_id,
        signal_id=signal.id,
        name=name,
        condition=condition(limit=limit, deadband=delay.deadband(signal, limit)),
        priority=priority,
        on_delay_s=delay.delay_s,
        off_delay_s=delay.delay_s,
        cause=cause,
        consequence=consequence,
        action="\n".join(action),
    )


def state_signal(asset: Asset, signal_id: int, connection_id: str, address: dict[str, Any], position: int) -> Signal:
    """Build the signal that says what the machine is doing: 2 running, 1 idle, 0 stopped."""
    return Signal(
        id=signal_id,
        site_id=asset.site_id,
        asset_id=asset.id,
        name="State",
        label="State",
        data_type=DataType.INTEGER,
        shape=Shape.STEP,
        decimals=0,
        range_low=0,
        range_high=2,
        position=position,
        connection_id=connection_id,
        address=address,
        simulated=True,
    )
