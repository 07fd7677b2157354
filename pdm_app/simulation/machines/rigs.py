"""TR-01 to TR-98: test rigs of the stress plant, each with 99 sensors that say what sensors of the plant say.

They are there for their number: with Northfield some 10,000 samples a second. Sensor after sensor, and rig after rig,
repeats the plant's numbers in the order of its machines, so that a rig's samples are the plant's under other names.
They are read over Modbus TCP as `pdm_app.simulation.machines.packing` is, through several connections: one after the
other, the requests of a second would take too long on a slow machine.
"""

from collections.abc import Iterable, Mapping

from pdm_app.domain.signals import DataType
from pdm_app.simulation.machines.parts import STATE, Machine, Sensor, machine, modbus_register

COUNT = 98
SENSORS = 99
CONNECTION_IDS = tuple(f"graz-rigs-{number}-modbus" for number in range(1, 5))
CODES = tuple(f"TR-{number:02}" for number in range(1, COUNT + 1))
AREA_ID, LINE_ID = "graz-test-field", "graz-test-rigs"
FIRST_UNIT = 101
UNITS = {code: FIRST_UNIT + place for place, code in enumerate(CODES)}
FIRST_SIGNAL_ID = 10_001

Source = tuple[str, str]
"""Machine code and signal name."""


def connection_of(place: int) -> str:
    """Return the connection through which the rig at a place is read."""
    return CONNECTION_IDS[place * len(CONNECTION_IDS) // COUNT]


def sources(machines: Iterable[Machine]) -> tuple[Source, ...]:
    """Return the sensors that are repeated, in order."""
    return tuple(
        (one.asset.code, signal.name)
        for one in machines
        for signal in one.signals
        if signal.data_type is DataType.NUMBER and signal.range_low is not None
    )


def repeated(place: int, every: tuple[Source, ...]) -> Mapping[str, Source]:
    """Return what each sensor of the rig at a place repeats, by its name."""
    return {f"Sensor_{number + 1:02}": every[(place * SENSORS + number) % len(every)] for number in range(SENSORS)}


def rigs(machines: Iterable[Machine]) -> tuple[Machine, ...]:
    """Return the rigs beside some machines."""
    known = {(one.asset.code, signal.name): signal for one in machines for signal in one.signals}
    every = sources(machines)
    made = []
    for place, code in enumerate(CODES):
        sensors = []
        for name, source in repeated(place, every).items():
            signal = known[source]
            bounds = (signal.range_low or 0.0, signal.range_high or 0.0)
            label = f"{signal.label}, as {source[0]}"
            sensors.append(Sensor(name, label, signal.unit or "1", signal.decimals, bounds, None))
        made.append(
            machine(
                code,
                f"Test rig {place + 1}",
                "Test rig",
                site_id="graz",
                line_id=LINE_ID,
                position=place,
                sensors=(*sensors, STATE),
                first_id=FIRST_SIGNAL_ID + (SENSORS + 1) * place,
                connection_id=connection_of(place),
                address=modbus_register(UNITS[code]),
                model="Modbus TCP controller",
            )
        )
    return tuple(made)
