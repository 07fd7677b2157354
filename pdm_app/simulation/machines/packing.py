"""F-41, C-42, L-43, K-44 and Z-45: packing line 1 in Graz, read over Modbus TCP.

Each machine's controller is a unit of its own: holding registers from 0, two per row of the table below, float32 as
ABCD for numbers, else uint16 in the first of the two. Counters have 16 bits and begin again at zero behind 65,535.
"""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines.parts import (
    STATE,
    STOP_REASON,
    Delay,
    Sensor,
    counted,
    limit_rule,
    machine,
    modbus_register,
    told,
)
from pdm_app.simulation.physics.packing import BUFFER, CAMERA, CODES

CONNECTION_ID = "graz-packing-modbus"
LINE_ID = "graz-packing-1"
FIRST_UNIT = 11
FIRST_SIGNAL_ID, SIGNAL_IDS_APART = 601, 20
UNITS = {code: FIRST_UNIT + place for place, code in enumerate(CODES)}

_NAMES = ("Filler", "Capper", "Labeller", "Case packer", "Palletiser")
_FILLER = (
    Sensor("Speed_per_min", "Speed", "1/min", 1, (0, 200), None),
    counted("In_Count", "Parts taken in"),
    counted("Out_Count", "Parts passed on"),
    Sensor("Motor_Current_A", "Motor current", "A", 2, (0, 20), None, 0.05, 2.0),
    told("Product", "Product in work", 99),
    STOP_REASON,
    STATE,
)
_BUFFERED = (*_FILLER, told("Buffer_Before", "Buffer before the machine", BUFFER))
_CAMERA = (
    *_BUFFERED,
    counted("Reject_Count", "Rejected by the camera"),
    Sensor("Glue_Level_pct", "Glue level", "%", 1, (0, 100), (25, 100), 0.05, 10.0),
)


def _rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    if "Glue_Level_pct" not in signal:
        return ()
    return (
        limit_rule(
            signal["Glue_Level_pct"], "glue-low", "Glue level low", "low", 20, 4, Delay(delay_s=0, range_share=0.0),
            cause="The glue tank is nearly empty.",
            consequence="Labels come off after about 40 min.",
            action=("Fill the glue tank.",),
        ),
    )  # fmt: skip


MACHINES = tuple(
    machine(
        code,
        f"{name} {code[2:]}",
        f"{name}, 120/min",
        site_id="graz",
        line_id=LINE_ID,
        position=place,
        sensors=_CAMERA if place == CAMERA else _BUFFERED if place else _FILLER,
        first_id=FIRST_SIGNAL_ID + SIGNAL_IDS_APART * place,
        connection_id=CONNECTION_ID,
        address=modbus_register(UNITS[code]),
        model="Modbus TCP controller",
        rules=_rules,
    )
    for place, (code, name) in enumerate(zip(CODES, _NAMES, strict=True))
)
