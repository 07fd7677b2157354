"""P-101A and P-101B: duty and standby pump of the cooling water in Graz, read over OPC UA.

P-101A is a 22 kW centrifugal pump of 120 m³/h at 38 m, hydraulically closed: power, flow, head and current agree.
Vibration limits: ISO 10816-7, category II, up to 200 kW (zone B/C 5.1 mm/s, alarm at 1.25 times that).
"""

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
    opcua_node,
    state_signal,
)

CODE = "P-101A"
STANDBY_CODE = "P-101B"
CONNECTION_ID = "graz-cooling-opcua"
NAMESPACE = 2
FIRST_SIGNAL_ID = 1
STATE_SIGNAL_ID = 15
STANDBY_FIRST_SIGNAL_ID = 301

ASSET = Asset(
    id="p-101a",
    site_id="graz",
    line_id="graz-cooling-water",
    code=CODE,
    name="Cooling water pump, duty",
    asset_class="Centrifugal pump, 22 kW",
    position=0,
    state_signal_id=STATE_SIGNAL_ID,
    simulated=True,
)

DEVICE = Device(
    id="plc-cooling-water",
    site_id="graz",
    code="PLC-11",
    name="Cooling water controller",
    model="OPC UA controller",
    asset_id=ASSET.id,
    connection_id=CONNECTION_ID,
    simulated=True,
)


def node_of(name: str) -> str:
    """Return the OPC UA node id of a signal of this pump."""
    return f"ns={NAMESPACE};s={CODE}.{name}"


# name, label, UCUM unit, decimals, range, normal band; in order of importance, the first six are the key values.
_TABLE: tuple[tuple[str, str, str, int, tuple[float, float], tuple[float, float] | None], ...] = (
    ("Vibration_mm_s", "Vibration, drive end", "mm/s", 2, (0, 12), (1.6, 2.6)),
    ("Envelope_BPFO_g", "Envelope, BPFO", "[g]", 3, (0, 1), (0.05, 0.15)),
    ("Bearing_Temperature_C", "Bearing temperature", "Cel", 1, (0, 120), (60, 74)),
    ("Flow_Rate_m3_h", "Flow", "m3/h", 1, (0, 160), (110, 128)),
    ("Discharge_Pressure_bar", "Discharge pressure", "bar", 2, (0, 10), (5.0, 5.6)),
    ("Motor_Current_A", "Motor current", "A", 1, (0, 60), (28, 32)),
    ("Motor_RPM", "Speed", "{rev}/min", 0, (0, 1600), (1470, 1490)),
    ("Suction_Pressure_bar", "Suction pressure", "bar", 2, (-1, 4), (1.4, 1.8)),
    ("Motor_Power_kW", "Motor power", "kW", 2, (0, 30), (16.5, 19.5)),
    ("Vibration_Axial_mm_s", "Vibration, axial", "mm/s", 2, (0, 12), (0.6, 1.6)),
    ("Kurtosis", "Kurtosis, drive end", "1", 2, (0, 20), (2.5, 3.6)),
    ("Crest_Factor", "Crest factor, drive end", "1", 2, (0, 20), (2.6, 4.0)),
    ("Casing_Temperature_C", "Casing temperature", "Cel", 1, (0, 120), (44, 56)),
    ("Ambient_Temperature_C", "Ambient temperature", "Cel", 1, (-20, 60), (18, 30)),
)


# Standard deviation and correlation time of each sensor's noise.
_NOISE = {
    "Vibration_mm_s": (0.045, 3.0),
    "Envelope_BPFO_g": (0.004, 3.0),
    "Bearing_Temperature_C": (0.06, 20.0),
    "Flow_Rate_m3_h": (0.25, 2.0),
    "Discharge_Pressure_bar": (0.008, 1.0),
    "Motor_Current_A": (0.06, 1.0),
    "Motor_RPM": (0.5, 1.0),
    "Suction_Pressure_bar": (0.006, 1.0),
    "Motor_Power_kW": (0.03, 1.0),
    "Vibration_Axial_mm_s": (0.035, 3.0),
    "Kurtosis": (0.08, 3.0),
    "Crest_Factor": (0.06, 3.0),
    "Casing_Temperature_C": (0.05, 20.0),
    "Ambient_Temperature_C": (0.03, 20.0),
}


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
            address={"node": node_of(name)},
            simulated=True,
        )
        for position, (name, label, unit, decimals, bounds, normal) in enumerate(_TABLE)
    )
    state = state_signal(ASSET, STATE_SIGNAL_ID, CONNECTION_ID, {"node": node_of("State")}, len(_TABLE))
    return (*measured, state)


def _rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["Vibration_mm_s"], "vibration-high", "Vibration high", "high", 6.4, 2, VIBRATION,
            cause="Worn drive end bearing, loose foundation, misaligned coupling or imbalance.",
            consequence="Bearing seizure within days. Cooling water runs without standby after a change-over.",
            action=(
                "Check that P-101B is ready and change over to it.",
                "Compare envelope and bearing temperature: both up means the bearing.",
                "Order the bearing exchange.",
            ),
        ),
        limit_rule(
            signal["Vibration_mm_s"], "vibration-zone-c", "Vibration in zone C", "high", 5.1, 3, VIBRATION,
            cause="Damage develops; ISO 10816-7 restricts operation from here on.",
            consequence="Unplanned stop within days if nothing is done.",
            action=("Plan the repair for the next stop.", "Look at the trend of the envelope."),
        ),
        limit_rule(
            signal["Bearing_Temperature_C"], "bearing-temperature-high", "Bearing temperature high", "high", 80, 3,
            TEMPERATURE,
            cause="Bearing damage, lack or surplus of grease, or hot surroundings.",
            consequence="Grease loses its film; bearing life falls by half for every 10 °C.",
            action=("Feel and listen at the drive end bearing.", "Check grease; do not over-grease."),
        ),
        limit_rule(
            signal["Bearing_Temperature_C"], "bearing-temperature-critical", "Bearing temperature critical", "high", 85,
            1, TEMPERATURE,
            cause="Bearing close to seizure.",
            consequence="Seizure and shaft damage within hours; cooling water fails.",
            action=("Change over to P-101B now.", "Stop P-101A and lock it out.", "Call maintenance."),
        ),
        limit_rule(
            signal["Flow_Rate_m3_h"], "flow-low", "Flow low", "low", 95, 2, FLOW,
            cause="Throttled valve, clogged strainer, worn impeller or low speed.",
            consequence="Moulding line IM 1 overheats within 20 min.",
            action=("Check valve positions.", "Check the strainer.", "Change over to P-101B if flow does not return."),
        ),
        limit_rule(
            signal["Discharge_Pressure_bar"], "discharge-pressure-low", "Discharge pressure low", "low", 4.6, 3,
            PRESSURE,
            cause="Open bypass, pipe break, worn impeller or loss of suction.",
            consequence="The highest consumers get no cooling water.",
            action=("Look for a leak or an open bypass.", "Compare suction pressure and flow."),
        ),
        limit_rule(
            signal["Motor_RPM"], "speed-low", "Stopped without being told to", "low", 1300, 2, ELECTRICAL,
            cause="Trip of the motor protection, loss of voltage or a seized bearing.",
            consequence="No cooling water: machines become too warm within two to four minutes.",
            action=("Change over to P-101B.", "Read the motor protection before starting again."),
        ),
        limit_rule(
            signal["Motor_Current_A"], "motor-current-low", "Motor current low", "low", 20, 4, ELECTRICAL,
            cause="The pump runs dry, its coupling is broken, or it stands.",
            consequence="No cooling water.",
            action=("Compare speed and flow.",),
        ),
        limit_rule(
            signal["Motor_Current_A"], "motor-current-high", "Motor current high", "high", 36, 3, ELECTRICAL,
            cause="Overload, mechanical friction or loss of a phase.",
            consequence="The motor protection trips at 42 A.",
            action=("Compare the three phases at the drive.", "Throttle the discharge valve a little."),
        ),
        limit_rule(
            signal["Suction_Pressure_bar"], "suction-pressure-low", "Suction pressure low", "low", 0.8, 3, PRESSURE,
            cause="Low level in the basin or clogged strainer.",
            consequence="Cavitation damages the impeller.",
            action=("Check the basin's level.", "Check the suction strainer."),
        ),
    )  # fmt: skip


_SIGNALS = _signals()
MACHINE = Machine(ASSET, DEVICE, _SIGNALS, _rules({signal.name: signal for signal in _SIGNALS}), _NOISE)


def _standby_rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    """Return the rules of the standby pump, whose flow and pressure are low most of the time."""
    return (
        limit_rule(
            signal["Vibration_mm_s"], "vibration-zone-c", "Vibration in zone C", "high", 3.9, 3, VIBRATION,
            cause="Misaligned coupling, imbalance or a loose foot after maintenance.",
            consequence="The pump may not take over the duty.",
            action=("Compare radial with axial: both up means alignment.", "Align the coupling anew."),
        ),
        limit_rule(
            signal["Vibration_Axial_mm_s"], "axial-vibration-high", "Axial vibration high", "high", 2.6, 3, VIBRATION,
            cause="Misaligned coupling or a bent shaft.",
            consequence="Coupling and bearings wear out within weeks.",
            action=("Align the coupling anew.", "Repeat the check."),
        ),
        limit_rule(
            signal["Bearing_Temperature_C"], "bearing-temperature-high", "Bearing temperature high", "high", 80, 3,
            TEMPERATURE,
            cause="Bearing damage, lack or surplus of grease.",
            consequence="The pump may not take over the duty.",
            action=("Feel and listen at the drive end bearing.", "Check grease; do not over-grease."),
        ),
    )  # fmt: skip


STANDBY = machine(
    STANDBY_CODE,
    "Cooling water pump, standby",
    "Centrifugal pump, 22 kW",
    site_id="graz",
    line_id="graz-cooling-water",
    position=1,
    sensors=(*(Sensor(*row, *_NOISE[row[0]]) for row in _TABLE), STATE),
    first_id=STANDBY_FIRST_SIGNAL_ID,
    connection_id=CONNECTION_ID,
    address=opcua_node(STANDBY_CODE),
    model=None,
    rules=_standby_rules,
)
