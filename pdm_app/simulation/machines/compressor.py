"""C-201: the screw compressor of the compressed air in Graz, read over Modbus TCP.

Register map of the controller (unit 1, holding registers from 0, zero-based as on the wire):

    registers 0, 2, 4, …   float32, big-endian words and bytes (ABCD), one per row of the table below, in its order
    register 40            uint16, state: 2 running, 1 idle (motor on standby), 0 stopped
    register 41            uint16, 1 while loaded, 0 while unloaded
    register 42            uint16, heartbeat, counts the controller's updates, wraps at 65,535

Other addresses do not exist (exception 2). While the controller has no measurements every read is answered with
exception 4, server device failure: a Modbus register carries no age, so an old value would look like a fresh one.
"""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Asset, Device
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.simulation.machines.parts import PRESSURE, TEMPERATURE, Delay, Machine, limit_rule, state_signal

CODE = "C-201"
CONNECTION_ID = "graz-air-modbus"
UNIT = 1
FIRST_SIGNAL_ID = 21
STATE_SIGNAL_ID = 32
LOADED_SIGNAL_ID = 33
STATE_REGISTER = 40
LOADED_REGISTER = 41
HEARTBEAT_REGISTER = 42
FILTER = Delay(delay_s=15, off_delay_s=180, range_share=0.02)
"""An idle compressor draws little air, and its filter looks clean: the alarm stands from one load to the next."""

ASSET = Asset(
    id="c-201",
    site_id="graz",
    line_id="graz-compressed-air",
    code=CODE,
    name="Air compressor 1",
    asset_class="Screw compressor, 75 kW",
    position=0,
    state_signal_id=STATE_SIGNAL_ID,
    simulated=True,
)

DEVICE = Device(
    id="controller-c-201",
    site_id="graz",
    code="C-201-CTL",
    name="Compressor controller",
    model="Modbus TCP controller",
    asset_id=ASSET.id,
    connection_id=CONNECTION_ID,
    simulated=True,
)

# name, label, UCUM unit, decimals, range, normal band; the position in the table gives the register.
_TABLE: tuple[tuple[str, str, str, int, tuple[float, float], tuple[float, float] | None], ...] = (
    ("Header_Pressure_bar", "Header pressure", "bar", 2, (0, 10), (6.5, 7.4)),
    ("Discharge_Temperature_C", "Discharge temperature", "Cel", 1, (0, 130), (78, 92)),
    ("Motor_Power_kW", "Motor power", "kW", 1, (0, 100), None),
    ("Filter_Differential_Pressure_bar", "Filter differential pressure", "bar", 3, (0, 1), (0.15, 0.45)),
    ("Dew_Point_C", "Pressure dew point", "Cel", 1, (-40, 30), (1, 6)),
    ("Load_Share_pct", "Load, last 10 min", "%", 1, (0, 100), (45, 80)),
    ("Air_Demand_m3_min", "Air demand", "m3/min", 2, (0, 15), (5, 10)),
    ("Air_Delivery_m3_min", "Air delivered", "m3/min", 2, (0, 15), None),
    ("Oil_Temperature_C", "Oil temperature", "Cel", 1, (0, 130), (68, 84)),
    ("Oil_Pressure_bar", "Oil pressure", "bar", 2, (0, 10), (3.5, 6.5)),
    ("Ambient_Temperature_C", "Ambient temperature", "Cel", 1, (-20, 60), (15, 35)),
)


def _register(register: int, kind: str) -> dict[str, object]:
    address: dict[str, object] = {"table": "holding", "register": register, "type": kind, "unit": UNIT}
    if kind == "float32":
        address["order"] = "ABCD"
    return address


def register_of(position: int) -> int:
    """Return the first of the two registers of the table's row ``position``."""
    return 2 * position


def _signals() -> tuple[Signal, ...]:
    measured = tuple(
        Signal(
            id=FIRST_SIGNAL_ID + position,
            site_id=ASSET.site_id,
            asset_id=ASSET.id,
            name=name,
            label=label,
            unit=unit,
            decimals=decimals,
            range_low=bounds[0],
            range_high=bounds[1],
            normal_low=normal[0] if normal else None,
            normal_high=normal[1] if normal else None,
            position=position,
            connection_id=CONNECTION_ID,
            address=_register(register_of(position), "float32"),
            simulated=True,
        )
        for position, (name, label, unit, decimals, bounds, normal) in enumerate(_TABLE)
    )
    loaded = Signal(
        id=LOADED_SIGNAL_ID,
        site_id=ASSET.site_id,
        asset_id=ASSET.id,
        name="Loaded",
        label="Loaded",
        data_type=DataType.BOOLEAN,
        shape=Shape.STEP,
        decimals=0,
        position=len(_TABLE),
        connection_id=CONNECTION_ID,
        address=_register(LOADED_REGISTER, "uint16"),
        simulated=True,
    )
    state = state_signal(
        ASSET, STATE_SIGNAL_ID, CONNECTION_ID, _register(STATE_REGISTER, "uint16"), position=len(_TABLE) + 1
    )
    return (*measured, loaded, state)


def _rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Header_Pressure_bar"], "header-pressure-low", "Header pressure low", "low", 6.2, 2, PRESSURE,
            cause="Demand above the compressor's capacity, a large leak, or the compressor does not load.",
            consequence="Packing and moulding stop below 5.8 bar.",
            action=("Start C-202.", "Look for an open blow-off or a burst hose.", "Check that C-201 loads."),
        ),
        limit_rule(
            signal["Header_Pressure_bar"], "header-pressure-high", "Header pressure high", "high", 7.7, 2, PRESSURE,
            cause="The compressor does not unload.",
            consequence="The safety valve opens at 8.0 bar.",
            action=("Check the unload valve.", "Stop C-201 if the pressure keeps climbing."),
        ),
        limit_rule(
            signal["Discharge_Temperature_C"], "discharge-temperature-high", "Discharge temperature high", "high", 100,
            2, TEMPERATURE,
            cause="Low oil, dirty oil cooler or hot compressor room.",
            consequence="The compressor trips at 110 °C.",
            action=("Check the oil level.", "Check the cooler and the room's ventilation.", "Get C-202 ready."),
        ),
        limit_rule(
            signal["Oil_Temperature_C"], "oil-temperature-high", "Oil temperature high", "high", 89, 3, TEMPERATURE,
            cause="No cooling water, a dirty oil cooler or a hot compressor room.",
            consequence="Oil ages four times as fast; the compressor trips at 110 °C.",
            action=("Check the cooling water.", "Check the oil cooler."),
        ),
        limit_rule(
            signal["Filter_Differential_Pressure_bar"], "filter-dp-high", "Inlet filter Δp high", "high", 0.60, 3,
            FILTER,
            cause="Clogged inlet filter.",
            consequence="About 1 % more energy for every 0.06 bar; the filter may tear.",
            action=("Plan the filter change within the week.",),
        ),
        limit_rule(
            signal["Dew_Point_C"], "dew-point-high", "Dew point high", "high", 8, 3, TEMPERATURE,
            cause="Dryer overloaded, off, or its drain blocked.",
            consequence="Water in the air lines of the packing machines.",
            action=("Check that dryer D-201 runs.", "Open the drain by hand."),
        ),
    )  # fmt: skip


_SIGNALS = _signals()
_NOISE = {
    "Header_Pressure_bar": (0.004, 0.5),
    "Discharge_Temperature_C": (0.08, 10.0),
    "Motor_Power_kW": (0.25, 1.0),
    "Filter_Differential_Pressure_bar": (0.003, 2.0),
    "Dew_Point_C": (0.15, 120.0),
    "Air_Demand_m3_min": (0.03, 1.0),
    "Oil_Temperature_C": (0.08, 10.0),
    "Oil_Pressure_bar": (0.01, 1.0),
    "Ambient_Temperature_C": (0.03, 20.0),
}
MACHINE = Machine(ASSET, DEVICE, _SIGNALS, _rules({signal.name: signal for signal in _SIGNALS}), _NOISE)
