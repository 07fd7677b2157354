"""HX-101, TK-101 and CT-101: heat exchanger, tank and cooling tower of the cooling water in Graz, read over OPC UA."""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines.cooling_pump import CONNECTION_ID
from pdm_app.simulation.machines.parts import (
    PRESSURE,
    STATE,
    TEMPERATURE,
    VIBRATION,
    Delay,
    Sensor,
    limit_rule,
    machine,
    opcua_node,
)

LEVEL = Delay(delay_s=60, range_share=0.02)

_EXCHANGER = (
    Sensor("Hot_Outlet_C", "Process water, to machines", "Cel", 1, (0, 60), (20, 29), 0.05, 10.0),
    Sensor("Hot_Inlet_C", "Process water, from machines", "Cel", 1, (0, 60), (22, 33), 0.05, 10.0),
    Sensor("Cold_Inlet_C", "Cooling water, inlet", "Cel", 1, (0, 60), (20, 28), 0.05, 10.0),
    Sensor("Cold_Outlet_C", "Cooling water, outlet", "Cel", 1, (0, 60), (22, 32), 0.05, 10.0),
    Sensor("Heat_kW", "Heat given off", "kW", 0, (0, 800), (200, 520), 2.0, 5.0),
    Sensor("Pressure_Drop_bar", "Pressure drop", "bar", 3, (0, 1), (0.2, 0.5), 0.003, 2.0),
    STATE,
)
_TANK = (
    Sensor("Level_pct", "Level", "%", 1, (0, 100), (65, 78), 0.08, 30.0),
    Sensor("Make_Up_m3_h", "Make-up water", "m3/h", 2, (0, 5), (0.2, 1.6), 0.01, 5.0),
    Sensor("Loss_m3_h", "Evaporation and drain", "m3/h", 2, (0, 5), (0.2, 1.6), 0.01, 5.0),
    STATE,
)
_TOWER = (
    Sensor("Vibration_mm_s", "Fan vibration", "mm/s", 2, (0, 12), (0.2, 2.0), 0.04, 3.0),
    Sensor("Vibration_1x_mm_s", "Fan vibration, once per turn", "mm/s", 2, (0, 12), (0.1, 1.4), 0.03, 3.0),
    Sensor("Fan_Speed_rpm", "Fan speed", "{rev}/min", 0, (0, 400), (60, 360), 0.6, 2.0),
    Sensor("Fan_Power_kW", "Fan power", "kW", 2, (0, 15), None, 0.03, 2.0),
    Sensor("Basin_Temperature_C", "Basin temperature", "Cel", 1, (0, 60), (20, 28), 0.05, 20.0),
    Sensor("Wet_Bulb_C", "Wet bulb temperature", "Cel", 1, (-20, 40), None, 0.05, 30.0),
    STATE,
)


def _exchanger_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Hot_Outlet_C"], "process-water-warm", "Process water warm", "high", 30.5, 2, TEMPERATURE,
            cause="No cooling water, a fouled exchanger or the tower's fan stands.",
            consequence="Moulds, spindles and compressors become too warm within minutes.",
            action=("Check that P-101A or P-101B runs.", "Compare the four temperatures.", "Check the fan of CT-101."),
        ),
        limit_rule(
            signal["Hot_Outlet_C"], "process-water-hot", "Process water hot", "high", 34, 1, TEMPERATURE,
            cause="No cooling water.",
            consequence="Machines trip by their own protection within minutes.",
            action=("Change over the cooling water pumps now.", "Stop the moulding machines in order."),
        ),
        limit_rule(
            signal["Hot_Inlet_C"], "return-warm", "Return of the process water warm", "high", 35, 3, TEMPERATURE,
            cause="Heat is not taken away.",
            consequence="Process water becomes too warm.",
            action=("Check the flow of the cooling water.",),
        ),
        limit_rule(
            signal["Heat_kW"], "heat-low", "Heat given off low", "low", 120, 3, Delay(delay_s=20, range_share=0.05),
            cause="No cooling water, or the machines stand.",
            consequence="The process water warms up by about two degrees a minute.",
            action=("Check the flow of the cooling water.",),
        ),
        limit_rule(
            signal["Pressure_Drop_bar"], "pressure-drop-low", "Pressure drop low", "low", 0.1, 3, PRESSURE,
            cause="No flow through the exchanger.",
            consequence="The process is not cooled.",
            action=("Check the pumps.", "Check the valves before and behind the exchanger."),
        ),
    )  # fmt: skip


def _tank_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Level_pct"], "level-low", "Level low", "low", 45, 2, LEVEL,
            cause="Make-up water closed, float valve stuck or a leak.",
            consequence="The cooling water pumps draw air below 20 %.",
            action=("Check the float valve.", "Look for a leak."),
        ),
    )  # fmt: skip


def _tower_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Vibration_mm_s"], "fan-vibration-high", "Fan vibration high", "high", 2.8, 2, VIBRATION,
            cause="Imbalance of the fan: a lost blade weight, ice or dirt; or a worn bearing.",
            consequence="Blades break; cooling falls to a third.",
            action=("Compare with the vibration once per turn: if it makes up most of it, the fan is out of balance.",
                    "Stop the fan and look at the blades."),
        ),
        limit_rule(
            signal["Basin_Temperature_C"], "basin-warm", "Basin warm", "high", 29.5, 3, TEMPERATURE,
            cause="The fan stands, fill is dirty, or a very humid day.",
            consequence="Process water becomes too warm.",
            action=("Check the fan.", "Check the spray nozzles."),
        ),
    )  # fmt: skip


MACHINES = tuple(
    machine(
        code,
        name,
        asset_class,
        site_id="graz",
        line_id="graz-cooling-water",
        position=position,
        sensors=sensors,
        first_id=first_id,
        connection_id=CONNECTION_ID,
        address=opcua_node(code),
        model=None,
        rules=rules,
    )
    for code, name, asset_class, position, sensors, first_id, rules in (
        ("HX-101", "Heat exchanger", "Plate heat exchanger", 2, _EXCHANGER, 321, _exchanger_rules),
        ("TK-101", "Cooling water tank", "Tank, 20 m³", 3, _TANK, 331, _tank_rules),
        ("CT-101", "Cooling tower", "Cooling tower with fan, 11 kW", 4, _TOWER, 341, _tower_rules),
    )
)
