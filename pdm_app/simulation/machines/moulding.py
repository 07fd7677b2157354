"""IM-11 to IM-13 with their moulds and robot R-1: the moulding line in Graz, read over OPC UA."""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines.parts import (
    STATE,
    STOP_REASON,
    TEMPERATURE,
    Machine,
    Sensor,
    counted,
    limit_rule,
    machine,
    opcua_node,
    told,
)
from pdm_app.simulation.physics.moulding import CODES, LIFE_SHOTS, MOULDS

CONNECTION_ID = "graz-moulding-opcua"
LINE_ID = "graz-im-1"
FIRST_SIGNAL_ID, SIGNAL_IDS_APART = 401, 20
ROBOT_FIRST_SIGNAL_ID = 461
MOULD_FIRST_SIGNAL_ID, MOULD_SIGNAL_IDS_APART = 471, 10

_MACHINE = (
    Sensor("Cycle_Time_s", "Cycle time, last shot", "s", 2, (0, 60), (23.4, 24.6)),
    Sensor("Injection_Pressure_bar", "Injection pressure, peak of last shot", "bar", 0, (0, 2000), (1155, 1205)),
    Sensor("Melt_Temperature_C", "Melt temperature", "Cel", 1, (0, 350), (226.5, 229.5), 0.35, 60.0),
    Sensor("Mould_Temperature_C", "Mould temperature", "Cel", 1, (0, 120), (41, 43), 0.2, 60.0),
    Sensor("Cushion_mm", "Cushion, last shot", "mm", 2, (0, 20), (3.9, 4.5)),
    Sensor("Clamp_Force_kN", "Clamp force", "kN", 0, (0, 1800), None, 4.0, 1.0),
    Sensor("Cooling_Time_s", "Cooling time, last shot", "s", 2, (0, 30), (11.5, 12.5)),
    Sensor("Motor_Power_kW", "Motor power", "kW", 1, (0, 60), None, 0.3, 1.0),
    told("Cycle_Phase", "Phase of the cycle", 5),
    counted("Shot_Count", "Shots"),
    counted("Part_Count", "Parts"),
    counted("Scrap_Count", "Scrapped parts"),
    STOP_REASON,
    STATE,
)
_MOULD = (counted("Shots_Since_Service", "Shots since service"), STATE)
_ROBOT = (
    Sensor("Cycle_Time_s", "Cycle time", "s", 2, (0, 60), (7.5, 9.5), 0.05, 5.0),
    counted("Pick_Count", "Picks"),
    STATE,
)


def _machine_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Mould_Temperature_C"], "mould-temperature-high", "Mould temperature high", "high", 44.5, 3,
            TEMPERATURE,
            cause="Process water warm, or a cooling channel is blocked.",
            consequence="Parts warp; cooling takes longer.",
            action=("Compare with the process water of HX-101.", "Flush the mould's channels."),
        ),
        limit_rule(
            signal["Mould_Temperature_C"], "mould-temperature-critical", "Mould temperature critical", "high", 47, 2,
            TEMPERATURE,
            cause="Process water hot, or the mould's cooling is shut off.",
            consequence="All parts are scrap.",
            action=("Stop the machine at the end of the shot.", "Check the cooling water."),
        ),
        limit_rule(
            signal["Melt_Temperature_C"], "melt-temperature-low", "Melt temperature low", "low", 222, 3, TEMPERATURE,
            cause="A heater band or a nozzle of the hot runner has failed.",
            consequence="Short shots.",
            action=("Compare the zones of the hot runner.", "Check the heater bands."),
        ),
    )  # fmt: skip


def _moulds() -> list[Machine]:
    codes = sorted(mould for pair in MOULDS.values() for mould in pair)
    return [
        machine(
            code,
            f"Mould {code[2:]}, 4 cavities",
            f"Mould, service every {LIFE_SHOTS:,} shots",
            site_id="graz",
            line_id=LINE_ID,
            position=10 + place,
            sensors=_MOULD,
            first_id=MOULD_FIRST_SIGNAL_ID + MOULD_SIGNAL_IDS_APART * place,
            connection_id=CONNECTION_ID,
            address=opcua_node(code),
            model=None,
        )
        for place, code in enumerate(codes)
    ]


MACHINES = (
    *(
        machine(
            code,
            f"Injection machine {code[3:]}",
            "Injection moulding machine, 180 t",
            site_id="graz",
            line_id=LINE_ID,
            position=place,
            sensors=_MACHINE,
            first_id=FIRST_SIGNAL_ID + SIGNAL_IDS_APART * place,
            connection_id=CONNECTION_ID,
            address=opcua_node(code),
            model="OPC UA controller",
            rules=_machine_rules,
        )
        for place, code in enumerate(CODES)
    ),
    machine(
        "R-1",
        "Robot 1",
        "Linear robot",
        site_id="graz",
        line_id=LINE_ID,
        position=3,
        sensors=_ROBOT,
        first_id=ROBOT_FIRST_SIGNAL_ID,
        connection_id=CONNECTION_ID,
        address=opcua_node("R-1"),
        model="OPC UA controller",
    ),
    *_moulds(),
)
