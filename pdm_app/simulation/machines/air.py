"""C-202, D-201 and AH-201: second compressor, dryer and header of the compressed air in Graz, read over Modbus TCP.

Each is a unit of its own behind the same address as C-201: holding registers from 0, two per row of the tables below,
float32 as ABCD for numbers, else uint16 in the first of the two; the heartbeat follows behind the last row.
"""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.simulation.machines.compressor import CONNECTION_ID
from pdm_app.simulation.machines.parts import (
    PRESSURE,
    STATE,
    TEMPERATURE,
    Sensor,
    limit_rule,
    machine,
    modbus_register,
)

_SECOND = (
    Sensor("Motor_Power_kW", "Motor power", "kW", 1, (0, 100), None, 0.1, 1.0),
    Sensor("Discharge_Temperature_C", "Discharge temperature", "Cel", 1, (0, 130), None, 0.08, 10.0),
    Sensor("Load_Share_pct", "Load, last 10 min", "%", 1, (0, 100), None),
    Sensor("Air_Delivery_m3_min", "Air delivered", "m3/min", 2, (0, 15), None),
    Sensor("Loaded", "Loaded", "1", 0, None, None, data_type=DataType.BOOLEAN, shape=Shape.STEP),
    STATE,
)
_DRYER = (
    Sensor("Dew_Point_C", "Pressure dew point", "Cel", 1, (-40, 30), (1, 6), 0.15, 120.0),
    Sensor("Inlet_Temperature_C", "Inlet temperature", "Cel", 1, (0, 80), (28, 35), 0.1, 20.0),
    Sensor("Pressure_Drop_bar", "Pressure drop", "bar", 3, (0, 1), (0.03, 0.2), 0.002, 5.0),
    STATE,
)
_HEADER = (
    Sensor("Header_Pressure_bar", "Header pressure", "bar", 2, (0, 10), (6.5, 7.4), 0.004, 0.5),
    Sensor("Air_Flow_m3_min", "Air used", "m3/min", 2, (0, 20), (5, 10.5), 0.03, 1.0),
    STATE,
)


def _second_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Discharge_Temperature_C"], "discharge-temperature-high", "Discharge temperature high", "high", 102,
            2, TEMPERATURE,
            cause="Low oil, dirty oil cooler or hot compressor room.",
            consequence="The compressor trips at 110 °C.",
            action=("Check the oil level.", "Check the cooler and the room's ventilation."),
        ),
    )  # fmt: skip


def _dryer_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Inlet_Temperature_C"], "inlet-warm", "Inlet warm", "high", 36, 3, TEMPERATURE,
            cause="The compressor's aftercooler gets no cooling water.",
            consequence="The dryer is overloaded and the dew point rises.",
            action=("Check the cooling water of the aftercooler.",),
        ),
        limit_rule(
            signal["Dew_Point_C"], "dew-point-high", "Dew point high", "high", 8, 3, TEMPERATURE,
            cause="Dryer overloaded or its drain blocked.",
            consequence="Water in the air lines of the packing machines.",
            action=("Open the drain by hand.", "Check the refrigerant."),
        ),
    )  # fmt: skip


def _header_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Header_Pressure_bar"], "header-pressure-low", "Header pressure low", "low", 6.1, 2, PRESSURE,
            cause="Demand above what both compressors deliver, or a large leak.",
            consequence="Packing and moulding stop below 5.8 bar.",
            action=("Look for an open blow-off or a burst hose.", "Check that C-202 runs."),
        ),
    )  # fmt: skip


UNITS = {"C-202": 2, "D-201": 3, "AH-201": 4}
MACHINES = tuple(
    machine(
        code,
        name,
        asset_class,
        site_id="graz",
        line_id="graz-compressed-air",
        position=position,
        sensors=sensors,
        first_id=first_id,
        connection_id=CONNECTION_ID,
        address=modbus_register(UNITS[code]),
        model=model,
        rules=rules,
    )
    for code, name, asset_class, position, sensors, first_id, model, rules in (
        (
            "C-202",
            "Air compressor 2",
            "Screw compressor, 45 kW",
            1,
            _SECOND,
            351,
            "Modbus TCP controller",
            _second_rules,
        ),
        ("D-201", "Dryer", "Refrigeration dryer", 2, _DRYER, 361, "Modbus TCP controller", _dryer_rules),
        ("AH-201", "Air header", "Header, 4 m³", 3, _HEADER, 371, None, _header_rules),
    )
)
