"""P-501 to P-506: pumps of the station in Pune that publish their ten measurements as one JSON object over MQTT.

The names, units and order are those of the product's pump template. Current follows an empirical model, because the
template's figures are not hydraulically closed (145 L/min at 4.7 bar is 1.1 kW, 28 A is 17 kW).
"""

from typing import Any

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Asset, Device
from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines.parts import (
    ELECTRICAL,
    FLOW,
    PRESSURE,
    STATE,
    TEMPERATURE,
    VIBRATION,
    Machine,
    Sensor,
    limit_rule,
    machine,
    state_signal,
)

CODE = "P-501"
CONNECTION_ID = "pune-mqtt"
CODES = ("P-501", "P-502", "P-503", "P-504", "P-505", "P-506")
FIRST_SIGNAL_ID = 41
STATE_SIGNAL_ID = 51
SECOND_FIRST_SIGNAL_ID = 701
SIGNAL_IDS_APART = 20


def topic_of(code: str) -> str:
    """Return the topic of a pump's measurements."""
    return f"northfield/pune/pump-station/{code}"


def state_topic_of(code: str) -> str:
    """Return the topic of a pump's state: apart from the measurements, whose object has the ten names and no other."""
    return f"{topic_of(code)}/state"


def status_topic_of(code: str) -> str:
    """Return the retained topic that says whether a pump's controller is online."""
    return f"{topic_of(code)}/status"


ASSET = Asset(
    id="p-501",
    site_id="pune",
    line_id="pune-pumps",
    code=CODE,
    name="Transfer pump 1",
    asset_class="Centrifugal pump, 30 kW",
    position=0,
    state_signal_id=STATE_SIGNAL_ID,
    simulated=True,
)

DEVICE = Device(
    id="controller-p-501",
    site_id="pune",
    code="P-501-CTL",
    name="Pump controller",
    model="MQTT pump controller",
    asset_id=ASSET.id,
    connection_id=CONNECTION_ID,
    simulated=True,
)

# name, label, UCUM unit, decimals, range, normal band.
_TABLE: tuple[tuple[str, str, str, int, tuple[float, float], tuple[float, float]], ...] = (
    ("Motor_RPM", "Speed", "{rev}/min", 0, (0, 1600), (1470, 1490)),
    ("Bearing_Temperature_C", "Bearing temperature", "Cel", 1, (0, 120), (60, 74)),
    ("Oil_Pressure_bar", "Oil pressure", "bar", 2, (0, 8), (3.8, 4.5)),
    ("Vibration_mm_s", "Vibration", "mm/s", 2, (0, 12), (1.6, 2.6)),
    ("Flow_Rate_L_min", "Flow", "L/min", 1, (0, 250), (130, 160)),
    ("Suction_Pressure_bar", "Suction pressure", "bar", 2, (-1, 4), (1.6, 2.0)),
    ("Discharge_Pressure_bar", "Discharge pressure", "bar", 2, (0, 10), (6.2, 6.8)),
    ("Motor_Current_A", "Motor current", "A", 1, (0, 60), (26, 31)),
    ("Casing_Temperature_C", "Casing temperature", "Cel", 1, (0, 120), (52, 60)),
    ("Ambient_Temperature_C", "Ambient temperature", "Cel", 1, (-20, 60), (18, 30)),
)
MEASUREMENTS = tuple(row[0] for row in _TABLE)


# Standard deviation and correlation time of each sensor's noise.
_NOISE = {
    "Motor_RPM": (0.5, 1.0),
    "Bearing_Temperature_C": (0.08, 20.0),
    "Oil_Pressure_bar": (0.015, 2.0),
    "Vibration_mm_s": (0.05, 3.0),
    "Flow_Rate_L_min": (0.5, 2.0),
    "Suction_Pressure_bar": (0.010, 1.0),
    "Discharge_Pressure_bar": (0.012, 1.0),
    "Motor_Current_A": (0.10, 1.0),
    "Casing_Temperature_C": (0.06, 20.0),
    "Ambient_Temperature_C": (0.05, 20.0),
}


def _address(code: str, name: str) -> dict[str, Any]:
    if name == "State":
        return {"topic": state_topic_of(code), "path": "state", "time": "timestamp", "status": status_topic_of(code)}
    return {"topic": topic_of(code), "path": name, "time": "timestamp"}


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
            normal_low=normal[0],
            normal_high=normal[1],
            position=position,
            connection_id=CONNECTION_ID,
            address=_address(CODE, name),
            simulated=True,
        )
        for position, (name, label, unit, decimals, bounds, normal) in enumerate(_TABLE)
    )
    address = _address(CODE, "State")
    return (*measured, state_signal(ASSET, STATE_SIGNAL_ID, CONNECTION_ID, address, position=len(_TABLE)))


def _rules(signal: dict[str, Signal], own: str = CODE, other: str = "P-502") -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Suction_Pressure_bar"], "suction-pressure-low", "Suction pressure low", "low", 1.2, 2, PRESSURE,
            cause="Clogged suction strainer, low tank level or a half-closed suction valve; the pump cavitates.",
            consequence="Cavitation erodes the impeller within hours and takes up to 15 % of the flow.",
            action=(
                "Check the tank level and that the suction valve is fully open.",
                "Compare vibration: a rise of 2 mm/s together with a fluttering current is cavitation.",
                f"Change over to {other} and clean the suction strainer.",
            ),
        ),
        limit_rule(
            signal["Vibration_mm_s"], "vibration-high", "Vibration high", "high", 6.4, 2, VIBRATION,
            cause="Worn bearing, imbalance, misalignment or heavy cavitation.",
            consequence="Bearing or seal damage within days.",
            action=("Check suction pressure first.", f"Change over to {other}.", "Order a vibration measurement."),
        ),
        limit_rule(
            signal["Vibration_mm_s"], "vibration-zone-c", "Vibration in zone C", "high", 5.1, 3, VIBRATION,
            cause="Damage develops; ISO 10816-7 restricts operation from here on.",
            consequence="Unplanned stop within days if nothing is done.",
            action=("Plan the repair for the next stop.",),
        ),
        limit_rule(
            signal["Bearing_Temperature_C"], "bearing-temperature-high", "Bearing temperature high", "high", 80, 3,
            TEMPERATURE,
            cause="Bearing damage, lack of oil or hot surroundings.",
            consequence="Bearing life falls by half for every 10 °C.",
            action=("Check the oil level.", "Compare with the ambient temperature."),
        ),
        limit_rule(
            signal["Bearing_Temperature_C"], "bearing-temperature-critical", "Bearing temperature critical", "high", 85,
            1, TEMPERATURE,
            cause="Bearing close to seizure.",
            consequence="Seizure and shaft damage within hours.",
            action=(f"Change over to {other} now.", f"Stop {own} and lock it out.", "Call maintenance."),
        ),
        limit_rule(
            signal["Oil_Pressure_bar"], "oil-pressure-low", "Oil pressure low", "low", 3.2, 2, PRESSURE,
            cause="Leaking seal, clogged oil filter or worn oil pump.",
            consequence="Bearings run dry within minutes below 2.5 bar.",
            action=("Look for oil under the pump.", f"Change over to {other}.", "Check the oil filter."),
        ),
        limit_rule(
            signal["Flow_Rate_L_min"], "flow-low", "Flow low", "low", 110, 3, FLOW,
            cause="Throttled valve, clogged strainer or low speed.",
            consequence="The overhead tank empties within 40 min.",
            action=("Check valve positions.", "Compare suction and discharge pressure."),
        ),
        limit_rule(
            signal["Motor_Current_A"], "motor-current-high", "Motor current high", "high", 36, 3, ELECTRICAL,
            cause="Overload, mechanical friction or loss of a phase.",
            consequence="The motor protection trips at 42 A.",
            action=("Compare the three phases at the drive.",),
        ),
    )  # fmt: skip


_SIGNALS = _signals()
_SENSORS = (*(Sensor(*row, *_NOISE[row[0]]) for row in _TABLE), STATE)
MACHINE = Machine(ASSET, DEVICE, _SIGNALS, _rules({signal.name: signal for signal in _SIGNALS}), _NOISE)


def _pump(number: int) -> Machine:
    """Return one of the pumps after the first; ``number`` counts from 2."""
    code, other = CODES[number - 1], CODES[number % len(CODES)]
    return machine(
        code,
        f"Transfer pump {number}",
        ASSET.asset_class,
        site_id="pune",
        line_id="pune-pumps",
        position=number - 1,
        sensors=_SENSORS,
        first_id=SECOND_FIRST_SIGNAL_ID + SIGNAL_IDS_APART * (number - 2),
        connection_id=CONNECTION_ID,
        address=lambda _, sensor: _address(code, sensor.name),
        model="MQTT pump controller",
        rules=lambda signal: _rules(signal, code, other),
    )


MACHINES = (MACHINE, *(_pump(number) for number in range(2, len(CODES) + 1)))
