"""Each fault changes what its label says and what follows from it by physics, and nothing else: two runs, compared."""

from collections.abc import Callable

import numpy as np
import pytest

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import faults
from pdm_app.simulation.physics import moulding
from pdm_app.simulation.physics.work_days import day_at
from pdm_app.simulation.physics.world import COOLED, COOLING, MACHINING, MOULDING, PACKING
from pdm_app.simulation.plant import northfield
from pdm_app.simulation.readings import PlantReader, Told

NOON = 1_763_640_000 * MICROS_PER_S  # 2025-11-20 12:00 UTC.
AT = NOON + np.arange(-300, 7200, 15, dtype=np.int64) * MICROS_PER_S
SENSOR = "Vibration_mm_s"
ON_THE_WIRE = set(faults.WIRE_FAULTS)


def mould_in_use() -> str:
    """The mould that IM-13 carries at the time of the runs."""
    return moulding.MOULDS["IM-13"][moulding.mounted("IM-13", day_at(NOON).number)[0]]


# Fault, machine: by machine the signals that may change, None for all of its signals.
EFFECTS: dict[str, tuple[str, dict[str, set[str] | None]]] = {
    "bearing_wear": ("P-101A", {"P-101A": None, **dict.fromkeys(COOLING)}),
    "cavitation": ("P-502", {"P-502": None}),
    "impeller_imbalance": ("CT-101", {"CT-101": {"Vibration_mm_s", "Vibration_1x_mm_s"}}),
    "misalignment": ("P-101B", {"P-101B": None}),
    "seal_leak": ("P-503", {"P-503": {"Oil_Pressure_bar"}}),
    "air_leak": ("AH-201", {**dict.fromkeys(["AH-201", "C-201", "C-202", "D-201"]), **dict.fromkeys(COOLING)}),
    "filter_clog": ("C-201", {"C-201": {"Filter_Differential_Pressure_bar"}}),
    "tool_wear": ("CNC-31", {"CNC-31": None, "W-33": {"Part_Count", "State"}}),
    "vent_clog": (mould_in_use(), {"IM-13": {"Scrap_Count"}}),
    "hot_runner": (mould_in_use(), {"IM-13": {"Scrap_Count", "Melt_Temperature_C"}}),
    "cool_blocked": (
        "IM-12",
        {"IM-12": None, "R-1": None, **dict.fromkeys(moulding.MOULDS["IM-12"])},
    ),
    "capper_jam": ("C-42", dict.fromkeys(PACKING)),
    "sensor_stuck": ("P-101A", {"P-101A": {SENSOR}}),
    "sensor_drift": ("P-101A", {"P-101A": {SENSOR}}),
    "sensor_spike": ("P-101A", {"P-101A": {SENSOR}}),
    "sensor_dropout": ("P-101A", {"P-101A": {SENSOR}}),
    "comm_loss": ("G-7", {"G-7": {"rssi_dbm"}}),
    "link_weak": ("G-7", {"G-7": {"rssi_dbm"}}),
    "alarm_flood": ("P-101A", {"P-101A": None, **dict.fromkeys(COOLED)}),
    "chattering": ("L-43", {"L-43": {"Glue_Level_pct"}}),
    "power_dip": (
        "C-42",
        {"P-101A": None, "P-101B": None, **dict.fromkeys(COOLING | MOULDING | MACHINING | PACKING)},
    ),
}


@pytest.fixture(scope="module")
def sound() -> Told:
    return PlantReader(NOON).read(AT)


def with_fault(key: str, code: str, start: float = 1.0, signal: str = "", cleared: int | None = None) -> Told:
    fault = InjectedFault("f-1", key, code, signal, Micros(NOON), start, None if cleared is None else Micros(cleared))
    return PlantReader(NOON).read(AT, [fault])


def changed(one: Told, other: Told) -> set[tuple[str, str]]:
    return {
        (code, name)
        for code, values in one.columns.items()
        for name, column in values.items()
        if not np.array_equal(column, other.columns[code][name], equal_nan=True)
    }


def test_every_fault_of_the_library_is_looked_at() -> None:
    assert set(EFFECTS) | ON_THE_WIRE == set(faults.SCRIPTS)


@pytest.mark.parametrize("key", EFFECTS)
def test_a_fault_changes_what_it_says_and_nothing_else(key: str, sound: Told) -> None:
    code, allowed = EFFECTS[key]
    assert code in faults.SCRIPTS[key].kind.asset_codes
    broken = with_fault(key, code, 0.95, SENSOR if key in faults.SENSOR_FAULTS else "")
    differing = changed(sound, broken)
    assert differing, "it does something"
    for machine, name in differing:
        assert machine in allowed, (machine, name)
        assert allowed[machine] is None or name in (allowed[machine] or ()), (machine, name)


@pytest.mark.parametrize("key", EFFECTS)
def test_a_fault_changes_nothing_before_it_begins(key: str, sound: Told) -> None:
    code, _ = EFFECTS[key]
    broken = with_fault(key, code, 1.0, SENSOR if key in faults.SENSOR_FAULTS else "")
    before = AT < NOON
    for machine, values in sound.columns.items():
        for name, column in values.items():
            assert np.array_equal(column[before], broken.columns[machine][name][before]), (machine, name)


def last(told: Told, code: str, name: str) -> float:
    return float(told.columns[code][name][-1])


def mean(told: Told, code: str, name: str) -> float:
    return float(told.columns[code][name][AT > NOON + 600 * MICROS_PER_S].mean())


FIGURES: list[tuple[str, str, Callable[[Told, Told], float], float, float]] = [
    ("cavitation", "P-502", lambda s, b: mean(b, "P-502", "Flow_Rate_L_min") / mean(s, "P-502", "Flow_Rate_L_min"),
     0.83, 0.88),
    ("cavitation", "P-502", lambda _, b: mean(b, "P-502", "Suction_Pressure_bar"), 0.5, 1.2),
    ("impeller_imbalance", "CT-101",
     lambda _, b: mean(b, "CT-101", "Vibration_1x_mm_s") / mean(b, "CT-101", "Vibration_mm_s"), 0.9, 1.0),
    ("misalignment", "P-101B", lambda _, b: mean(b, "P-101B", "Vibration_Axial_mm_s"), 2.8, 3.8),
    ("seal_leak", "P-503", lambda s, b: last(b, "P-503", "Oil_Pressure_bar") - last(s, "P-503", "Oil_Pressure_bar"),
     -1.45, -1.43),
    ("air_leak", "AH-201", lambda s, b: mean(b, "AH-201", "Air_Flow_m3_min") - mean(s, "AH-201", "Air_Flow_m3_min"),
     1.95, 2.05),
    ("filter_clog", "C-201",
     lambda s, b: mean(b, "C-201", "Filter_Differential_Pressure_bar")
     / mean(s, "C-201", "Filter_Differential_Pressure_bar"), 2.3, 2.5),
    ("cool_blocked", "IM-12", lambda s, b: mean(b, "IM-12", "Cycle_Time_s") - mean(s, "IM-12", "Cycle_Time_s"),
     2.4, 2.8),
    ("link_weak", "G-7", lambda _, b: mean(b, "G-7", "rssi_dbm"), -88, -86),
    ("hot_runner", mould_in_use(),
     lambda s, b: mean(b, "IM-13", "Melt_Temperature_C") - mean(s, "IM-13", "Melt_Temperature_C"), -8.2, -7.8),
]  # fmt: skip


@pytest.mark.parametrize(("key", "code", "figure", "least", "most"), FIGURES)
def test_a_full_fault_is_as_bad_as_its_story_says(
    key: str, code: str, figure: Callable[[Told, Told], float], least: float, most: float, sound: Told
) -> None:
    assert least <= figure(sound, with_fault(key, code)) <= most


def scrap_of(told: Told, code: str) -> float:
    return float(np.ptp(told.columns[code]["Scrap_Count"]) / np.ptp(told.columns[code]["Part_Count"]))


def test_clogged_vents_scrap_nine_parts_in_a_hundred_instead_of_one(sound: Told) -> None:
    """300 shots of four parts: 9 % is 108, spread 10; 1.2 % is 14, spread 4."""
    assert scrap_of(sound, "IM-13") < 0.03
    assert 0.06 < scrap_of(with_fault("vent_clog", mould_in_use()), "IM-13") < 0.12


def minor_stops(told: Told) -> int:
    reason = told.columns["C-42"]["Stop_Reason"]
    return int(np.count_nonzero(np.diff((reason == 3).astype(int)) == 1))


def test_a_jamming_capper_stops_more_often_and_starves_those_behind_it(sound: Told) -> None:
    jammed = with_fault("capper_jam", "C-42")
    assert minor_stops(jammed) > minor_stops(sound)
    assert np.ptp(jammed.columns["Z-45"]["Out_Count"]) < np.ptp(sound.columns["Z-45"]["Out_Count"])


def used_up(told: Told) -> float:
    left = np.diff(told.columns["CNC-31"]["Tool_Life_pct"])
    return float(-left[left < 0].sum())


def test_a_worn_tool_chatters_and_is_used_up_faster(sound: Told) -> None:
    worn = with_fault("tool_wear", "CNC-31")
    assert worn.columns["CNC-31"]["Spindle_Vibration_mm_s"].max() > 3
    assert sound.columns["CNC-31"]["Spindle_Vibration_mm_s"].max() < 2
    assert used_up(worn) > 1.8 * used_up(sound)


def test_a_drifting_sensor_is_off_by_a_third_of_a_percent_of_its_range_after_an_hour() -> None:
    sound, drifting = PlantReader(NOON).read(AT), with_fault("sensor_drift", "P-101A", 0.0, SENSOR)
    off = drifting.columns["P-101A"][SENSOR] - sound.columns["P-101A"][SENSOR]
    after_an_hour = np.searchsorted(AT, NOON + 3600 * MICROS_PER_S)
    assert off[after_an_hour] == pytest.approx(0.003 * 12, abs=1e-4)


def test_a_sensor_that_drops_out_says_nothing_for_a_while_and_then_again_something() -> None:
    said = with_fault("sensor_dropout", "P-101A", 1.0, SENSOR).columns["P-101A"][SENSOR][AT >= NOON]
    assert 0.3 < np.isnan(said).mean() < 0.7
    assert np.count_nonzero(np.diff(np.isnan(said).astype(int)) == 1) > 20


def test_a_stuck_sensor_stands_at_what_it_read_first_and_the_others_move_on() -> None:
    told = with_fault("sensor_stuck", "P-501", 1.0, "Flow_Rate_L_min").columns["P-501"]
    assert len(set(told["Flow_Rate_L_min"][AT >= NOON].tolist())) == 1
    assert len(set(told["Motor_Current_A"][AT >= NOON].tolist())) > 100


def test_who_joins_later_finds_a_stuck_sensor_where_it_stands() -> None:
    fault = InjectedFault("f-1", "sensor_stuck", "P-501", "Flow_Rate_L_min", Micros(NOON), 1.0)
    whole = PlantReader(NOON).read(NOON + np.arange(120, dtype=np.int64) * MICROS_PER_S, [fault])
    late = PlantReader(NOON).read(NOON + np.arange(60, 120, dtype=np.int64) * MICROS_PER_S, [fault])
    stands = late.columns["P-501"]["Flow_Rate_L_min"]
    assert stands == pytest.approx(whole.columns["P-501"]["Flow_Rate_L_min"][60:], abs=1e-3)


def test_sticking_sensor_follows_less_and_less() -> None:
    fault = InjectedFault("f-1", "sensor_stuck", "P-501", "Flow_Rate_L_min", Micros(NOON), 0.5)
    at = np.array([NOON], dtype=np.int64)
    sound = float(PlantReader(NOON).read(at).columns["P-501"]["Flow_Rate_L_min"][0])
    told = PlantReader(NOON).read(at, [fault], held={"f-1": sound + 10})
    assert told.columns["P-501"]["Flow_Rate_L_min"][0] == pytest.approx(sound + 5, abs=1e-4)


def test_a_repaired_fault_leaves_the_machine_as_it_was(sound: Told) -> None:
    mended = with_fault("seal_leak", "P-503", 1.0, cleared=NOON + 60 * MICROS_PER_S)
    after = AT >= NOON + 60 * MICROS_PER_S
    name = "Oil_Pressure_bar"
    assert np.array_equal(mended.columns["P-503"][name][after], sound.columns["P-503"][name][after])


def test_several_faults_at_once_each_have_their_own_effect(sound: Told) -> None:
    both = [
        InjectedFault("f-1", "seal_leak", "P-503", "", Micros(NOON), 1.0),
        InjectedFault("f-2", "filter_clog", "C-201", "", Micros(NOON), 1.0),
    ]
    assert changed(sound, PlantReader(NOON).read(AT, both)) == {
        ("P-503", "Oil_Pressure_bar"),
        ("C-201", "Filter_Differential_Pressure_bar"),
    }


def test_a_trip_of_the_cooling_water_floods_utilities_with_alarms_and_is_itself_the_first() -> None:
    """Twenty-odd alarms in the four minutes of the trip; the reason stands at their head."""
    plant = northfield()
    code_of = {asset.id: asset.code for asset in plant.assets}
    signals = {signal.id: signal for signal in plant.signals}
    at = NOON + np.arange(-30, 240, dtype=np.int64) * MICROS_PER_S
    trip = InjectedFault("f-1", "alarm_flood", "P-101A", "", Micros(NOON), 1.0)
    told = PlantReader(NOON).read(at, [trip]).columns
    raised: list[tuple[int, str]] = []
    for rule in plant.rules:
        abnormal_s = 0
        for second, value in enumerate(told[code_of[rule.asset_id]][signals[rule.signal_id].name].tolist()):
            abnormal_s = abnormal_s + 1 if rule.condition.is_abnormal(value) else 0
            if abnormal_s > rule.on_delay_s:
                raised.append((second, rule.asset_id))
                break
    assert 16 <= len(raised) <= 30
    assert min(raised)[1] == "p-101a"
    assert len({asset_id for _, asset_id in raised}) >= 7, "it reaches across the plant"
