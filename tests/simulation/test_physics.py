"""The physics of the demo plant: reproducible, closed, and as fast as the story says."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import faults
from pdm_app.simulation.physics import bearing, compressor, pumps
from pdm_app.simulation.physics.noise import autoregress
from pdm_app.simulation.physics.world import TICK_S, Readings, WorldInputs, WorldState, begin, read, step
from pdm_app.simulation.plant import northfield

NOON = 1_763_640_000 * MICROS_PER_S  # 2025-11-20 12:00 UTC.
TICK = round(TICK_S * MICROS_PER_S)


def run(seconds: float, *standing: InjectedFault, start: int = NOON) -> list[tuple[int, Readings]]:
    """Run the plant from its settled state and return what it reads on every tick."""
    inputs = faults.inputs_at(start, standing, start)
    state = begin(inputs)
    told = []
    for _ in range(round(seconds / TICK_S)):
        inputs = faults.inputs_at(inputs.at + TICK, standing, start)
        state = step(state, TICK_S, inputs)
        told.append((inputs.at, read(state, inputs)))
    return told


def fault(key: str, asset: str, start: float, *, at: int = NOON, signal: str = "") -> InjectedFault:
    return InjectedFault("f-1", key, asset, signal, Micros(at), start)


def still(day: float = -math.inf, clog: float = 0.0) -> pumps.PumpInputs:
    """Pump inputs without noise, at 24 °C."""
    return pumps.PumpInputs(
        valve=np.full(2, 0.7),
        level_bar=np.zeros(2),
        ambient_c=np.full(2, 24.0),
        bearing_day=np.array([day, -math.inf]),
        clog=np.array([0.0, clog]),
    )


def test_two_runs_with_one_seed_are_identical_and_another_seed_differs() -> None:
    assert run(30) == run(30)
    inputs = WorldInputs(at=NOON)
    assert read(begin(inputs), inputs) == read(begin(inputs), inputs)
    assert read(begin(inputs, seed=7), inputs) != read(begin(inputs), inputs)


def test_a_step_does_not_change_the_state_it_starts_from() -> None:
    inputs = WorldInputs(at=NOON)
    state = begin(inputs)
    before = read(state, inputs)
    first = step(state, TICK_S, replace(inputs, at=NOON + TICK))
    again = step(state, TICK_S, replace(inputs, at=NOON + TICK))
    assert read(state, inputs) == before
    assert read(first, inputs) == read(again, inputs)
    assert isinstance(first, WorldState)


def test_noise_keeps_its_variance_whatever_the_step() -> None:
    generator = np.random.default_rng(42)
    noise = generator.standard_normal(20_000)
    for dt_s in (0.1, 1.0, 30.0):
        noise = autoregress(noise, generator.standard_normal(20_000), np.full(20_000, 3.0), dt_s)
        assert noise.std() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("day", [-math.inf, 0.0, 19.0, 26.0])
def test_power_flow_head_and_current_of_the_cooling_pump_agree(day: float) -> None:
    """P = ρ g Q H / (η ηm) and I = P / (√3 · 400 V · 0.86), from the readings alone."""
    inputs = still(day)
    pump = pumps.read(pumps.settled(inputs), inputs)
    head_m = (pump.discharge_bar[0] - pump.suction_bar[0]) * 1e5 / (998 * 9.81)
    hydraulic_kw = 998 * 9.81 * pump.flow[0] / 3600 * head_m / 1000
    efficiency = 0.748 * (1 - (pump.flow[0] / 124 - 1) ** 2) * 0.914
    friction = 1 + 0.02 * math.exp((day - 27) / 7.4)
    assert pump.power_kw[0] == pytest.approx(hydraulic_kw / efficiency * friction, rel=1e-9)
    assert pump.current_a[0] == pytest.approx(pump.power_kw[0] * 1000 / (math.sqrt(3) * 400 * 0.86), rel=1e-9)
    assert pump.flow[0] == pytest.approx(120, abs=1)
    assert head_m == pytest.approx(38, abs=0.5)
    assert pump.current_a[0] == pytest.approx(30.5, abs=0.5)


def test_the_measured_cooling_pump_closes_within_the_noise_of_its_sensors() -> None:
    for _, readings in run(20)[::10]:
        said = readings["P-101A"]
        head_m = (float(said["Discharge_Pressure_bar"]) - float(said["Suction_Pressure_bar"])) * 1e5 / (998 * 9.81)
        hydraulic_kw = 998 * 9.81 * float(said["Flow_Rate_m3_h"]) / 3600 * head_m / 1000
        assert 0.66 < hydraulic_kw / float(said["Motor_Power_kW"]) < 0.70


def test_pump_runs_where_its_curve_meets_the_system_curve() -> None:
    inputs = still()
    state = pumps.settled(inputs)
    system_m = pumps.TYPES.head_static_m + pumps.TYPES.system_k * inputs.valve * state.flow**2
    assert pumps.read(state, inputs).head_m == pytest.approx(system_m, rel=1e-6)


def test_header_pressure_follows_the_balance_of_air() -> None:
    inputs = compressor.CompressorInputs(demand_m3_min=7.0, leak_m3_min=0.4, ambient_c=24.0)
    state = compressor.settled(inputs)
    for _ in range(3000):
        after = compressor.step(state, 0.1, inputs)
        rate_bar_min = (after.header_bar - state.header_bar) / 0.1 * 60
        assert rate_bar_min == pytest.approx((state.delivery_m3_min - 7.4) * 1.01325 / 4, abs=1e-9)
        state = after


def test_compressor_loads_and_unloads_at_its_limits_for_the_share_the_demand_needs() -> None:
    inputs = compressor.CompressorInputs(demand_m3_min=7.04, leak_m3_min=0.4, ambient_c=24.0)
    state, loaded, pressures = compressor.settled(inputs), [], []
    for _ in range(36_000):
        state = compressor.step(state, 0.1, inputs)
        loaded.append(state.is_loaded)
        pressures.append(state.header_bar)
    assert min(pressures) == pytest.approx(6.6, abs=0.01)
    assert max(pressures) == pytest.approx(7.3, abs=0.01)
    assert np.mean(loaded) == pytest.approx(0.62, abs=0.01)


# Day, vibration in mm/s, bearing temperature in °C, as the story's table has them; None where it names none.
STORY = [(14, 2.5, None), (19, 3.7, 73.5), (22, 5.1, None), (23.6, None, 80.0), (26, 8.4, 85.0)]


@pytest.mark.parametrize(("day", "vibration_mm_s", "bearing_c"), STORY)
def test_bearing_wears_as_the_story_says(day: float, vibration_mm_s: float | None, bearing_c: float | None) -> None:
    inputs = still(day)
    pump = pumps.read(pumps.settled(inputs), inputs)
    if vibration_mm_s is not None:
        assert pump.vibration_mm_s[0] == pytest.approx(vibration_mm_s, abs=0.1)
    if bearing_c is not None:
        assert pump.bearing_c[0] == pytest.approx(bearing_c, abs=0.3)


def test_envelope_rises_six_decibels_by_day_16_and_nine_by_day_19() -> None:
    sound, day_16, day_19 = (float(bearing.envelope_g(np.array(day))) for day in (-math.inf, 16.0, 19.0))
    assert 20 * math.log10(day_16 / sound) == pytest.approx(6, abs=0.5)
    assert 20 * math.log10(day_19 / sound) == pytest.approx(9, abs=0.2)


def test_kurtosis_peaks_at_seven_on_day_24_and_falls_to_four() -> None:
    assert bearing.kurtosis(np.array([-math.inf, 0, 24, 27])) == pytest.approx([3, 3, 7, 4])


def test_on_day_19_no_alarm_limit_is_crossed() -> None:
    plant = northfield()
    names = {signal.id: signal.name for signal in plant.signals_of("p-101a")}
    rules = [rule for rule in plant.rules if rule.signal_id in names]
    for _, readings in run(120, fault("bearing_wear", "P-101A", 19 / 27)):
        for rule in rules:
            assert not rule.condition.is_abnormal(float(readings["P-101A"][names[rule.signal_id]])), rule.id


def test_a_seized_bearing_stops_the_pump() -> None:
    said = run(60, fault("bearing_wear", "P-101A", 1.0))[-1][1]["P-101A"]
    assert said["State"] == 0
    assert float(said["Motor_RPM"]) < 2
    assert float(said["Flow_Rate_m3_h"]) < 1


def test_full_cavitation_takes_suction_below_its_limit_within_five_seconds_and_keeps_it_there() -> None:
    begun = NOON + 3 * MICROS_PER_S
    told = run(120, fault("cavitation", "P-501", 1.0, at=begun))
    suction = {at: float(readings["P-501"]["Suction_Pressure_bar"]) for at, readings in told}
    assert all(bar > 1.6 for at, bar in suction.items() if at < begun)
    assert all(bar < 1.2 for at, bar in suction.items() if at >= begun + 5 * MICROS_PER_S)


def test_cavitation_costs_flow_adds_vibration_and_makes_the_current_flutter() -> None:
    before = [readings["P-501"] for _, readings in run(60)]
    during = [readings["P-501"] for _, readings in run(60, fault("cavitation", "P-501", 1.0, at=NOON - 60))][100:]

    def mean(rows: list[dict[str, float | int | str]], name: str) -> float:
        return float(np.mean([float(row[name]) for row in rows]))

    assert mean(during, "Flow_Rate_L_min") / mean(before, "Flow_Rate_L_min") == pytest.approx(0.85, abs=0.02)
    assert mean(during, "Vibration_mm_s") - mean(before, "Vibration_mm_s") == pytest.approx(2.0, abs=0.2)
    assert np.std([float(row["Motor_Current_A"]) for row in during]) > 0.8
    assert np.std([float(row["Motor_Current_A"]) for row in before]) < 0.3


def test_a_growing_strainer_clog_crosses_the_limit_within_its_two_hours() -> None:
    slow = fault("cavitation", "P-501", 0.0)
    assert faults.severity(slow, NOON + 3600 * MICROS_PER_S) == pytest.approx(0.5)
    inputs = still(clog=0.5)
    assert pumps.read(pumps.settled(inputs), inputs).suction_bar[1] > 1.2
    inputs = still(clog=0.7)
    assert pumps.read(pumps.settled(inputs), inputs).suction_bar[1] < 1.2


def test_a_healthy_day_stays_inside_the_normal_bands() -> None:
    plant = northfield()
    bands = {
        (asset.code, signal.name): signal
        for asset in plant.assets
        for signal in plant.signals_of(asset.id)
        if signal.normal_low is not None
    }
    for quarter_hour in range(96):
        inputs = WorldInputs(at=NOON + quarter_hour * 900 * MICROS_PER_S)
        readings = read(begin(inputs), inputs)
        for (code, name), signal in bands.items():
            value = float(readings[code][name])
            assert signal.normal_low is not None
            assert signal.normal_high is not None
            assert signal.normal_low <= value <= signal.normal_high, (code, name, value)


def test_every_signal_of_the_plant_is_read() -> None:
    plant, inputs = northfield(), WorldInputs(at=NOON)
    readings = read(begin(inputs), inputs)
    for asset in plant.assets:
        assert {signal.name for signal in plant.signals_of(asset.id)} == set(readings[asset.code])


def test_up_time_counts_from_the_first_start_of_the_plant() -> None:
    first, later = (WorldInputs(at=NOON + offset, since=NOON) for offset in (0, 7 * MICROS_PER_S))
    g1 = [read(begin(inputs), inputs)["G-1"]["uptime_s"] for inputs in (first, later)]
    assert int(g1[1]) - int(g1[0]) == 7
