"""The pieces every machine definition is put together from, with the defaults that ISA-18.2 gives them.

Deadbands and delays of alarms follow the table of defaults by kind of signal (ISA-18.2 / EEMUA 191): flow 5 % of range
and 15 s, pressure 2 % and 15 s, temperature 1 % and 60 s, vibration 5 % of the limit and 10 s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Asset, Device
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.signals import DataType, Shape, Signal

STATE_RUNNING = 2
STATE_IDLE = 1
STATE_STOPPED = 0
"""Numbers of a state signal, as `pdm_app.domain.assets.STATE_OF_NUMBER` reads them."""


Band = tuple[float, float]


class Sensor(NamedTuple):
    """What one signal of a machine is, and how its sensor shivers.

    Attributes:
        name: Of the signal.
        label: What a person calls it.
        unit: UCUM.
        decimals: Shown.
        bounds: Range; None for a counter.
        normal: Band of a healthy machine at work; None where there is none.
        noise: Standard deviation of the sensor's own noise, in the unit; 0 for what is counted.
        correlation_s: Of that noise.
        data_type: Of its values.
        shape: How values between two samples are to be read.
    """

    name: str
    label: str
    unit: str
    decimals: int
    bounds: Band | None
    normal: Band | None = None
    noise: float = 0.0
    correlation_s: float = 1.0
    data_type: DataType = DataType.NUMBER
    shape: Shape = Shape.CONTINUOUS


def counted(name: str, label: str, unit: str = "1") -> Sensor:
    """Describe a counter."""
    return Sensor(name, label, unit, 0, None, None, data_type=DataType.INTEGER, shape=Shape.STEP)


def told(name: str, label: str, most: int) -> Sensor:
    """Describe a number that stands for something, such as a stop reason, from 0 to ``most``."""
    return Sensor(name, label, "1", 0, (0, most), None, data_type=DataType.INTEGER, shape=Shape.STEP)


STATE = told("State", "State", 2)
STOP_REASON = told("Stop_Reason", "Stop reason", 9)


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine with all that belongs to it; a mould has no device.

    Attributes:
        noise: Standard deviation and correlation time of its sensors' noise, by signal name.
    """

    asset: Asset
    device: Device | None
    signals: tuple[Signal, ...]
    rules: tuple[AlarmRule, ...]
    noise: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def signals_of(
    asset: Asset, sensors: tuple[Sensor, ...], first_id: int, connection_id: str, address: Callable[[int, Sensor], Any]
) -> tuple[Signal, ...]:
    """Build a machine's signals, numbered and ordered as its sensors.

    Args:
        asset: The machine.
        sensors: In order of importance.
        first_id: Number of the first signal.
        connection_id: Through which they come.
        address: Gives the address of a sensor by its place.
    """
    return tuple(
        Signal(
            id=first_id + position,
            site_id=asset.site_id,
            asset_id=asset.id,
            name=sensor.name,
            label=sensor.label,
            unit=sensor.unit,
            data_type=sensor.data_type,
            shape=sensor.shape,
            decimals=sensor.decimals,
            range_low=sensor.bounds[0] if sensor.bounds else None,
            range_high=sensor.bounds[1] if sensor.bounds else None,
            normal_low=sensor.normal[0] if sensor.normal else None,
            normal_high=sensor.normal[1] if sensor.normal else None,
            position=position,
            connection_id=connection_id,
            address=address(position, sensor),
            simulated=True,
        )
        for position, sensor in enumerate(sensors)
    )


def noise_of(sensors: tuple[Sensor, ...]) -> dict[str, tuple[float, float]]:
    """Return the noise of those sensors that have any."""
    return {sensor.name: (sensor.noise, sensor.correlation_s) for sensor in sensors if sensor.noise > 0}


def machine(
    code: str,
    name: str,
    asset_class: str,
    *,
    site_id: str,
    line_id: str,
    position: int,
    sensors: tuple[Sensor, ...],
    first_id: int,
    connection_id: str,
    address: Callable[[int, Sensor], Any],
    model: str | None,
    rules: Callable[[dict[str, Signal]], tuple[AlarmRule, ...]] | None = None,
) -> Machine:
    """Build a machine from its sensors, of which one is `STATE`; ``model`` is that of its controller, if it has one."""
    place = next(place for place, sensor in enumerate(sensors) if sensor is STATE)
    asset = Asset(
        id=code.lower(),
        site_id=site_id,
        line_id=line_id,
        code=code,
        name=name,
        asset_class=asset_class,
        position=position,
        state_signal_id=first_id + place,
        simulated=True,
    )
    signals = signals_of(asset, sensors, first_id, connection_id, address)
    device = None
    if model is not None:
        device = Device(
            id=f"controller-{asset.id}",
            site_id=site_id,
            code=f"{code}-CTL",
            name=f"{name}, controller",
            model=model,
            asset_id=asset.id,
            connection_id=connection_id,
            simulated=True,
        )
    made = rules({signal.name: signal for signal in signals}) if rules is not None else ()
    return Machine(asset, device, signals, made, noise_of(sensors))


NAMESPACE = 2


def opcua_node(code: str) -> Callable[[int, Sensor], dict[str, Any]]:
    """Return the addresses of a machine on the OPC UA server."""
    return lambda _, sensor: {"node": f"ns={NAMESPACE};s={code}.{sensor.name}"}


def modbus_register(unit: int) -> Callable[[int, Sensor], dict[str, Any]]:
    """Return the addresses of a machine that is one unit of the Modbus server: its sensors, two registers apart."""

    def address(position: int, sensor: Sensor) -> dict[str, Any]:
        place: dict[str, Any] = {"table": "holding", "register": 2 * position, "unit": unit}
        if sensor.data_type is DataType.NUMBER:
            return {**place, "type": "float32", "order": "ABCD"}
        return {**place, "type": "uint16"}

    return address


@dataclass(frozen=True, slots=True)
class Delay:
    """How an alarm of one kind of signal is kept from chattering.

    Attributes:
        range_share: Deadband as a share of the signal's range; 0 where ``limit_share`` counts.
        limit_share: Deadband as a share of the limit.
        delay_s: On-delay, and off-delay where that is not said.
        off_delay_s: Off-delay.
    """

    delay_s: float
    range_share: float = 0.0
    limit_share: float = 0.0
    off_delay_s: float | None = None

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
        off_delay_s=delay.delay_s if delay.off_delay_s is None else delay.off_delay_s,
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
