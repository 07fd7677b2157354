"""CNC-31, CNC-32 and W-33: machining cell A in Graz, read over OPC UA."""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines.parts import (
    STATE,
    STOP_REASON,
    TEMPERATURE,
    VIBRATION,
    Delay,
    Sensor,
    counted,
    limit_rule,
    machine,
    opcua_node,
)
from pdm_app.simulation.physics.machining import CODES

CONNECTION_ID = "graz-machining-opcua"
LINE_ID = "graz-cell-a"
FIRST_SIGNAL_ID, SIGNAL_IDS_APART = 541, 20
WASHER_FIRST_SIGNAL_ID = 581
DEVIATION = Delay(delay_s=10, range_share=0.02)

_LATHE = (
    Sensor("Spindle_Load_pct", "Spindle load", "%", 1, (0, 120), (35, 55), 0.8, 3.0),
    Sensor("Spindle_Vibration_mm_s", "Spindle vibration", "mm/s", 2, (0, 10), (0.7, 1.6), 0.03, 3.0),
    Sensor("Spindle_Temperature_C", "Spindle temperature", "Cel", 1, (0, 100), (35, 48), 0.08, 20.0),
    Sensor("Coolant_Flow_L_min", "Coolant flow", "L/min", 1, (0, 40), (18, 22), 0.2, 3.0),
    Sensor("Tool_Life_pct", "Tool life left", "%", 1, (0, 100), None),
    Sensor("Diameter_Deviation_um", "Diameter, deviation of last part", "um", 1, (-50, 50), (-5, 24)),
    Sensor("Cycle_Time_s", "Cycle time, last part", "s", 1, (0, 600), (138, 146)),
    counted("Part_Count", "Parts"),
    counted("Good_Count", "Good parts"),
    counted("Scrap_Count", "Scrapped parts"),
    STOP_REASON,
    STATE,
)
_WASHER = (
    Sensor("Bath_Temperature_C", "Bath temperature", "Cel", 1, (0, 100), (56, 60), 0.25, 60.0),
    Sensor("Pump_Pressure_bar", "Pump pressure", "bar", 2, (0, 10), (2.9, 3.5), 0.03, 2.0),
    counted("Part_Count", "Washed parts"),
    STATE,
)


def _rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Spindle_Vibration_mm_s"], "spindle-vibration-high", "Spindle vibration high", "high", 4.0, 3,
            VIBRATION,
            cause="Chatter of a worn tool, or a worn spindle bearing.",
            consequence="Poor surface; the tool may break.",
            action=("Look at the tool life left.", "Change the tool."),
        ),
        limit_rule(
            signal["Spindle_Temperature_C"], "spindle-temperature-high", "Spindle temperature high", "high", 50, 3,
            TEMPERATURE,
            cause="Cooling fails, or the spindle bearing wears.",
            consequence="Parts grow out of tolerance.",
            action=("Check the process water.", "Let the spindle run idle."),
        ),
        limit_rule(
            signal["Spindle_Temperature_C"], "spindle-temperature-critical", "Spindle temperature critical", "high",
            53, 2, TEMPERATURE,
            cause="Cooling fails, or the spindle bearing is about to seize.",
            consequence="The spindle trips; the part in work is scrap.",
            action=("Stop after this part.", "Check the process water."),
        ),
        limit_rule(
            signal["Diameter_Deviation_um"], "diameter-high", "Diameter out of tolerance", "high", 26.5, 2, DEVIATION,
            cause="Worn tool.",
            consequence="Scrap.",
            action=("Change the tool.", "Measure the last ten parts."),
        ),
    )  # fmt: skip


MACHINES = (
    *(
        machine(
            code,
            f"Lathe {code[4:]}",
            "CNC lathe",
            site_id="graz",
            line_id=LINE_ID,
            position=place,
            sensors=_LATHE,
            first_id=FIRST_SIGNAL_ID + SIGNAL_IDS_APART * place,
            connection_id=CONNECTION_ID,
            address=opcua_node(code),
            model="OPC UA controller",
            rules=_rules,
        )
        for place, code in enumerate(CODES)
    ),
    machine(
        "W-33",
        "Washer 33",
        "Parts washer",
        site_id="graz",
        line_id=LINE_ID,
        position=2,
        sensors=_WASHER,
        first_id=WASHER_FIRST_SIGNAL_ID,
        connection_id=CONNECTION_ID,
        address=opcua_node("W-33"),
        model="OPC UA controller",
    ),
)
