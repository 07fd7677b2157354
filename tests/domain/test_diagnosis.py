"""Diagnosis: patterns of faults by hand, sensors that fail, and that neither is taken for the other."""

import numpy as np
import pytest

from pdm_app.domain.advice import DAY_S, advice, alike, signature
from pdm_app.domain.diagnosis import Diagnosis, Finding, diagnose
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.movements import Movement, movements
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.sensor_faults import SensorFault, sensor_fault
from pdm_app.domain.signal_roles import Role, role_of

PUMP = {
    "Vibration_mm_s": "mm/s", "Vibration_Axial_mm_s": "mm/s", "Envelope_BPFO_g": "[g]", "Kurtosis": "1",
    "Bearing_Temperature_C": "Cel", "Suction_Pressure_bar": "bar", "Discharge_Pressure_bar": "bar",
    "Flow_Rate_m3_h": "m3/h", "Motor_Current_A": "A", "Oil_Pressure_bar": "bar",
}  # fmt: skip
STATION = {"Vibration_mm_s": "mm/s", "Bearing_Temperature_C": "Cel", "Motor_Current_A": "A"}
AIR = {"Air_Flow_m3_min": "m3/min", "Load_Share_pct": "%"}
FAN = {"Vibration_mm_s": "mm/s", "Vibration_1x_mm_s": "mm/s", "Fan_Power_kW": "kW"}


def moved(machine: dict[str, str], **spreads: float) -> list[Movement]:
    return [
        Movement(
            name, unit, role_of(name, unit), 1.0, 1.0 + 0.1 * spreads.get(name, 0.0), spreads.get(name, 0.0), 1, 1, 0, 0
        )
        for name, unit in machine.items()
    ]


PATTERNS: list[tuple[dict[str, str], dict[str, float], Finding]] = [
    (PUMP, {"Envelope_BPFO_g": 8, "Kurtosis": 4, "Vibration_mm_s": 3}, Finding.BEARING),
    (STATION, {"Vibration_mm_s": 6, "Bearing_Temperature_C": 5}, Finding.BEARING),
    (PUMP, {"Vibration_Axial_mm_s": 30, "Vibration_mm_s": 12}, Finding.MISALIGNMENT),
    (PUMP, {"Suction_Pressure_bar": -20, "Flow_Rate_m3_h": -9, "Vibration_mm_s": 15}, Finding.CAVITATION),
    (PUMP, {"Suction_Pressure_bar": -12, "Flow_Rate_m3_h": -4}, Finding.CLOGGING),
    (PUMP, {"Oil_Pressure_bar": -6}, Finding.LEAK),
    (FAN, {"Vibration_1x_mm_s": 30, "Vibration_mm_s": 20}, Finding.IMBALANCE),
    (AIR, {"Air_Flow_m3_min": 7, "Load_Share_pct": 6}, Finding.AIR_LEAK),
    ({"rssi_dbm": "dB[mW]"}, {"rssi_dbm": -9}, Finding.WEAK_LINK),
]  # fmt: skip


@pytest.mark.parametrize(("machine", "spreads", "finding"), PATTERNS)
def test_a_pattern_is_recognised_with_what_speaks_for_it(
    machine: dict[str, str], spreads: dict[str, float], finding: Finding
) -> None:
    told = diagnose(moved(machine, **spreads))
    assert told.finding is finding
    assert {each.signal for each in told.evidence if each.speaks_for} == set(spreads)
    assert told.contributors[0].signal == max(spreads, key=lambda name: abs(spreads[name]))
    assert sum(each.share for each in told.contributors) == pytest.approx(1.0)


def test_nothing_moved_is_usual_and_something_strange_is_called_unclear() -> None:
    assert diagnose(moved(PUMP, Vibration_mm_s=1.5)).finding is Finding.USUAL
    strange = diagnose(moved(PUMP, Motor_Current_A=-9, Oil_Pressure_bar=7))
    assert strange.finding is Finding.UNCLEAR
    assert [each.signal for each in strange.evidence] == ["Motor_Current_A", "Oil_Pressure_bar"]


def test_a_failing_sensor_is_named_first_and_is_no_damage() -> None:
    told = diagnose(moved(PUMP, Vibration_mm_s=9), sensors={"Vibration_mm_s": SensorFault.STUCK})
    assert (told.finding, told.sensor) == (Finding.SENSOR, SensorFault.STUCK)
    assert told.contributors[0].signal == "Vibration_mm_s"
    assert not told.is_machine_fault


def test_a_vibration_that_rises_alone_is_its_sensor_where_others_would_have_to_rise_with_it() -> None:
    told = diagnose(moved(PUMP, Vibration_mm_s=9))
    assert (told.finding, told.sensor) == (Finding.SENSOR, SensorFault.DRIFT)
    quiet = {"Vibration_Axial_mm_s", "Envelope_BPFO_g"}
    assert quiet <= {each.signal for each in told.evidence}


def test_a_hot_day_does_not_make_a_bearing_of_a_drifting_sensor_where_the_envelope_is_quiet() -> None:
    assert diagnose(moved(PUMP, Vibration_mm_s=12, Bearing_Temperature_C=2.5)).finding is Finding.SENSOR


def test_a_vibration_that_rises_alone_where_nothing_else_would_show_it_is_unclear() -> None:
    lonely = {"Vibration_mm_s": "mm/s", "Motor_Current_A": "A"}
    assert diagnose(moved(lonely, Vibration_mm_s=9)).finding is Finding.UNCLEAR


def test_damage_is_seen_beside_a_sensor_that_fails() -> None:
    told = diagnose(
        moved(PUMP, Oil_Pressure_bar=-40, Envelope_BPFO_g=8, Kurtosis=5, Vibration_mm_s=6),
        sensors={"Oil_Pressure_bar": SensorFault.STUCK},
    )
    assert told.finding is Finding.BEARING
    assert told.contributors[0].sensor is SensorFault.STUCK


def test_a_signal_is_named_first_where_model_and_movement_agree() -> None:
    """Squares 36, 36 and 1; shares .1, .4 and .5: roots of the products 1.9, 3.8 and 0.7."""
    shares = {"Oil_Pressure_bar": 0.1, "Motor_Current_A": 0.4, "Kurtosis": 0.5} | dict.fromkeys(list(PUMP)[:3], 0.0)
    told = diagnose(moved(PUMP, Oil_Pressure_bar=6, Motor_Current_A=6, Kurtosis=1), shares)
    assert [each.signal for each in told.contributors[:3]] == ["Motor_Current_A", "Oil_Pressure_bar", "Kurtosis"]
    assert told.contributors[0].share == pytest.approx(2 * told.contributors[1].share)


def test_movements_are_measured_in_the_spread_of_usual_stretches() -> None:
    """Sixteen usual stretches with means 1 and 3 in turn: middle 2, spread 1; a stretch at 7 has moved five."""
    usual = np.repeat([1.0, 3.0] * 8, 10)[:, None]
    [movement] = movements(["Flow"], ["m3/h"], usual, np.full((10, 1), 7.0))
    assert (movement.usual, movement.now, movement.spreads) == pytest.approx((2.0, 7.0, 5.0))


def test_too_short_a_normal_period_is_refused_with_what_is_needed() -> None:
    with pytest.raises(InvalidInputError, match="hold 7 stretches of 10 rows; 8 are needed"):
        movements(["Flow"], ["m3/h"], np.zeros((79, 1)), np.zeros((10, 1)))


def noisy(count: int, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 2.0 + 0.05 * np.random.default_rng(seed).standard_normal(count)


def test_each_fault_of_a_sensor_is_told_from_its_samples() -> None:
    usual, sound = noisy(3600), noisy(1800, 2)
    gone, spiky = sound.copy(), sound.copy()
    gone[::3] = np.nan
    spiky[::60] += 0.8
    assert sensor_fault(usual, sound) is None
    assert sensor_fault(usual, np.full(1800, 2.01)) is SensorFault.STUCK
    assert sensor_fault(usual, gone) is SensorFault.DROPOUT
    assert sensor_fault(usual, spiky) is SensorFault.SPIKES
    assert sensor_fault(usual, sound + 3) is None, "a level that has moved is no fault of the sensor by itself"
    assert sensor_fault(usual, sound[:10]) is None, "too few to tell"


def test_a_signal_that_usually_stands_still_is_not_stuck() -> None:
    still = np.where(np.arange(3600) // 300 % 2 == 0, 1.0, noisy(3600))
    assert sensor_fault(still, np.ones(600)) is None


def test_advice_is_due_when_the_machine_s_own_life_or_the_kind_of_fault_demands() -> None:
    told = diagnose(moved(PUMP, Envelope_BPFO_g=8, Kurtosis=4))
    at = 1_763_640_000 * MICROS_PER_S
    assert advice(told, at).by_at == at + 14 * 86_400 * MICROS_PER_S
    shorter = advice(told, at, lasts_s=5 * DAY_S)
    assert shorter.by_at == at + 4 * 86_400 * MICROS_PER_S
    assert "remaining life" in shorter.why_by


@pytest.mark.parametrize("finding", Finding)
def test_every_finding_has_words_and_only_what_is_usual_has_nothing_to_do(finding: Finding) -> None:
    told = advice(Diagnosis(finding=finding, certainty=0.5, contributors=()), 0)
    assert told.title
    assert bool(told.do) == (told.by_at is not None) == (finding is not Finding.USUAL)


def test_episodes_are_alike_by_their_pattern_and_not_by_their_size() -> None:
    bearing = signature(moved(PUMP, Envelope_BPFO_g=8, Kurtosis=4))
    assert alike(bearing, signature(moved(PUMP, Envelope_BPFO_g=80, Kurtosis=30))) > 0.95
    assert alike(bearing, signature(moved(PUMP, Suction_Pressure_bar=-8, Flow_Rate_m3_h=-5))) == 0
    assert alike(bearing, {}) == 0


@pytest.mark.parametrize(
    ("name", "unit", "role"),
    [
        ("Motor_RPM", "{rev}/min", Role.SPEED), ("VibrationAxial", "mm/s", Role.VIBRATION_AXIAL),
        ("Oil_Temperature_C", "Cel", Role.TEMPERATURE), ("Air_Demand_m3_min", "m3/min", Role.AIR_USE),
        ("Something", "1", Role.OTHER),
    ],
)  # fmt: skip
def test_a_role_is_told_from_unit_and_name(name: str, unit: str, role: Role) -> None:
    assert role_of(name, unit) is role


@pytest.mark.parametrize(
    ("low_shift", "finding"), [(0.2, Finding.CLOGGING), (0.4, Finding.SENSOR)], ids=["scaled", "added"]
)
def test_a_clogged_filter_scales_its_pressure_drop_and_a_drifting_sensor_adds_to_it(
    low_shift: float, finding: Finding
) -> None:
    """Usually 0.2 bar unloaded and 0.4 loaded. Doubled: 0.4 and 0.8; with an offset of 0.4: 0.6 and 0.8."""
    drop = Movement(
        "Filter_Differential_Pressure_bar", "bar", Role.PRESSURE_DROP, 0.3, 0.6, 9, 0.2, 0.4, low_shift, 0.4
    )
    assert diagnose([drop]).finding is finding
