"""The physics of the demo plant: reproducible, closed, and as fast as the story says."""

import math

import numpy as np
import pytest

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation.physics import bearing, compressor, cooling, pumps
from pdm_app.simulation.physics.lag import lagged
from pdm_app.simulation.physics.noise import channel_key, lattice
from pdm_app.simulation.physics.world import CODES, COOLING, MACHINING
from pdm_app.simulation.plant import northfield
from pdm_app.simulation.readings import PlantReader, Told

NOON = 1_763_640_000 * MICROS_PER_S  # 2025-11-20 12:00 UTC.
HOUR = 3600 * MICROS_PER_S
PUMPS = len(pumps.CODES)
P501 = pumps.CODES.index("P-501")


def run(
    seconds: float, *faults: InjectedFault, start: int = NOON, every_s: float = 1.0, codes: frozenset[str] = CODES
) -> Told:
    """Tell the plant at evenly spaced moments."""
    at = start + np.arange(round(seconds / every_s), dtype=np.int64) * round(every_s * MICROS_PER_S)
    return PlantReader(NOON, codes=codes).read(at, faults)


def fault(key: str, asset: str, start: float, *, at: int = NOON, signal: str = "") -> InjectedFault:
    return InjectedFault("f-1", key, asset, signal, Micros(at), start)


def still(day: float = -math.inf, clog: float = 0.0) -> pumps.PumpInputs:
    """Pump inputs without noise, at 24 °C: the wear is that of P-101A, the clog that of P-501."""
    bearing_day, clogged = np.full(PUMPS, -math.inf), np.zeros(PUMPS)
    bearing_day[0], clogged[P501] = day, clog
    return pumps.PumpInputs(
        running=np.ones(PUMPS),
        valve=np.full(PUMPS, 0.7),
        level_bar=np.zeros(PUMPS),
        ambient_c=np.full(PUMPS, 24.0),
        bearing_day=bearing_day,
        clog=clogged,
        misaligned=np.zeros(PUMPS),
        seal_leak=np.zeros(PUMPS),
    )


def assert_same(one: Told, other: Told) -> None:
    for code, values in one.columns.items():
        for name, column in values.items():
            assert np.array_equal(column, other.columns[code][name]), f"{code}/{name}"


def test_two_runs_with_one_seed_are_identical_and_another_seed_differs() -> None:
    at = NOON + np.arange(30, dtype=np.int64) * MICROS_PER_S
    told = PlantReader(NOON).read(at)
    assert_same(told, PlantReader(NOON).read(at))
    other = PlantReader(NOON, seed=7, codes={"P-101A"}).read(at)
    assert not np.array_equal(told.columns["P-101A"]["Flow_Rate_m3_h"], other.columns["P-101A"]["Flow_Rate_m3_h"])


def test_a_run_in_pieces_is_the_run_in_one() -> None:
    """What is carried from piece to piece is all there is; the plant does not know where it was cut."""
    at = NOON + np.arange(120, dtype=np.int64) * MICROS_PER_S
    reader = PlantReader(NOON)
    whole, first = reader.read(at), reader.read(at[:50])
    rest = reader.read(at[50:], (), first.memory, first.held)
    for code, values in whole.columns.items():
        for name, column in values.items():
            pieces = np.concatenate([first.columns[code][name], rest.columns[code][name]])
            assert pieces == pytest.approx(column, abs=2e-5), f"{code}/{name}"


def test_a_coarse_series_is_a_part_of_the_fine_one_and_a_late_start_joins_without_a_step() -> None:
    """The month behind the plant is told by the minute and the present by the second: nobody sees the seam."""
    fine = run(600, codes=CODES)
    coarse = run(600, every_s=60.0)
    late = PlantReader(NOON).read(fine.at[300:])
    plant = northfield()
    for asset in plant.assets:
        for signal in plant.signals_of(asset.id):
            if signal.name == "firmware_version":
                continue
            column = fine.columns[asset.code][signal.name]
            span = (signal.range_high or 0.0) - (signal.range_low or 0.0)
            # What is integrated over switching machines is a little off with steps of a minute.
            allowed = (1e-2 if asset.code in COOLING | MACHINING else 1e-3) * span + 1e-4
            assert coarse.columns[asset.code][signal.name] == pytest.approx(column[::60], abs=allowed), signal.name
            assert late.columns[asset.code][signal.name] == pytest.approx(column[300:], abs=allowed), signal.name


def test_noise_has_unit_variance_wherever_it_is_looked_at() -> None:
    keys = np.array([channel_key(f"channel {number}") for number in range(400)], dtype=np.uint64)
    for step_s in (0.1, 1.0, 30.0):
        at = NOON + np.arange(400, dtype=np.int64) * round(step_s * MICROS_PER_S)
        noise = lattice(42, keys, 3.0, at)
        assert noise.std(axis=0).mean() == pytest.approx(1.0, abs=0.05)
        assert noise.mean() == pytest.approx(0.0, abs=0.05)


def test_noise_far_apart_is_independent_and_near_by_is_not() -> None:
    keys = np.array([channel_key(f"channel {number}") for number in range(2000)], dtype=np.uint64)
    noise = lattice(42, keys, 10.0, NOON + np.array([0, 1, 60], dtype=np.int64) * MICROS_PER_S)
    near, far = np.corrcoef(noise[:, 0], noise[:, 1])[0, 1], np.corrcoef(noise[:, 0], noise[:, 2])[0, 1]
    assert near > 0.95
    assert abs(far) < 0.1


def test_lag_is_that_of_the_recursion_however_long_the_series() -> None:
    target = np.sin(np.arange(5000) / 50.0)
    value, expected = 0.3, []
    kept = math.exp(-2.0 / 40.0)
    for wanted in target.tolist():
        value = wanted + (value - wanted) * kept
        expected.append(value)
    assert lagged(target, 0.3, 2.0, 40.0) == pytest.approx(expected, abs=1e-9)


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
    said = run(20, codes=frozenset({"P-101A"})).columns["P-101A"]
    head_m = (said["Discharge_Pressure_bar"] - said["Suction_Pressure_bar"]) * 1e5 / (998 * 9.81)
    hydraulic_kw = 998 * 9.81 * said["Flow_Rate_m3_h"] / 3600 * head_m / 1000
    share = hydraulic_kw / said["Motor_Power_kW"]
    assert np.all((share > 0.66) & (share < 0.70))


def test_pump_runs_where_its_curve_meets_the_system_curve() -> None:
    inputs = still(clog=0.4)
    told = pumps.read(pumps.settled(inputs), inputs)
    system_m = pumps.TYPES.head_static_m + pumps.TYPES.system_k * inputs.valve * told.flow**2
    assert told.head_m == pytest.approx(system_m, rel=1e-4)


def test_header_pressure_follows_the_balance_of_air_second_by_second() -> None:
    quarter = compressor.quarter(42, NOON // compressor.QUARTER_US)
    rate_bar_min = np.diff(quarter.header_bar) * 60
    net = quarter.delivery + quarter.second_delivery - quarter.demand - quarter.leak
    assert rate_bar_min == pytest.approx(net[:-1] * 1.01325 / 4, abs=1e-9)


@pytest.mark.parametrize("leak", [0.4, 2.4])
def test_every_quarter_of_a_day_ends_at_the_pressure_at_which_the_next_begins(leak: float) -> None:
    for number in range(NOON // compressor.QUARTER_US, NOON // compressor.QUARTER_US + 8):
        demand = compressor.quarter(42, number).demand
        bar, delivery, helped = compressor.course(demand, np.full(len(demand), leak))
        net = delivery[-1] + helped[-1] - demand[-1] - leak
        assert bar[-1] + net * 1.01325 / 4 / 60 == pytest.approx(7.3, abs=1e-6)


@pytest.mark.parametrize(("leak", "share"), [(0.4, 0.62), (2.4, 0.79)])
def test_compressor_loads_for_the_share_that_demand_and_leak_need(leak: float, share: float) -> None:
    seconds = 12 * 3600
    bar, delivery, _ = compressor.course(np.full(seconds, 7.04), np.full(seconds, leak))
    unforced = slice(0, seconds - compressor.FILLED_FOR_S)
    assert bar[unforced].min() == pytest.approx(6.6, abs=0.05)
    assert bar[unforced].max() == pytest.approx(7.3, abs=0.05)
    assert np.mean(delivery[unforced]) / 12 == pytest.approx(share, abs=0.01)


def test_heat_that_leaves_the_process_arrives_in_the_cooling_water() -> None:
    told = run(60, codes=frozenset({"HX-101", "P-101A"})).columns
    water, flow = told["HX-101"], told["P-101A"]["Flow_Rate_m3_h"]
    kw_per_k = 998 * 4.186 / 3600
    hot_kw = 100 * kw_per_k * (water["Hot_Inlet_C"] - water["Hot_Outlet_C"])
    cold_kw = flow * kw_per_k * (water["Cold_Outlet_C"] - water["Cold_Inlet_C"])
    assert hot_kw.mean() == pytest.approx(water["Heat_kW"].mean(), rel=0.03)  # 0.05 K of noise on 3 K.
    assert cold_kw.mean() == pytest.approx(water["Heat_kW"].mean(), rel=0.03)


def test_exchanger_has_the_effectiveness_of_the_textbook() -> None:
    """NTU 3 and a ratio of 0.5: (1 - e^-1.5) / (1 - 0.5 e^-1.5) = 0.8744; a ratio of 1: 3 / 4."""
    assert cooling.effectiveness(np.array(300.0), 100.0, np.array(200.0)) == pytest.approx(0.8744, abs=1e-4)
    assert cooling.effectiveness(np.array(300.0), 100.0, np.array(100.0)) == pytest.approx(0.75, abs=1e-6)


def test_tank_gains_what_is_made_up_and_loses_what_evaporates() -> None:
    told = run(6 * 3600, every_s=60.0, codes=frozenset({"TK-101"})).columns["TK-101"]
    level_m3 = told["Level_pct"] * 0.2
    net_m3 = np.cumsum(told["Make_Up_m3_h"] - told["Loss_m3_h"]) / 60
    assert level_m3[-1] - level_m3[0] == pytest.approx(net_m3[-1], abs=0.05)


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
    said = run(120, fault("bearing_wear", "P-101A", 19 / 27), codes=frozenset({"P-101A"})).columns["P-101A"]
    for rule in rules:
        assert not any(rule.condition.is_abnormal(value) for value in said[names[rule.signal_id]].tolist()), rule.id


def test_a_seized_bearing_stops_the_pump() -> None:
    said = run(60, fault("bearing_wear", "P-101A", 1.0)).columns["P-101A"]
    assert said["State"][-1] == 0
    assert said["Motor_RPM"][-1] < 3
    assert said["Flow_Rate_m3_h"][-1] < 1


def test_full_cavitation_takes_suction_below_its_limit_within_five_seconds_and_keeps_it_there() -> None:
    begun = NOON + 3 * MICROS_PER_S
    told = run(120, fault("cavitation", "P-501", 1.0, at=begun), every_s=0.1)
    suction = told.columns["P-501"]["Suction_Pressure_bar"]
    assert np.all(suction[told.at < begun] > 1.6)
    assert np.all(suction[told.at >= begun + 5 * MICROS_PER_S] < 1.2)


def test_cavitation_costs_flow_adds_vibration_and_makes_the_current_flutter() -> None:
    before = run(60).columns["P-501"]
    during = run(60, fault("cavitation", "P-501", 1.0, at=NOON - 60)).columns["P-501"]
    share = during["Flow_Rate_L_min"][10:].mean() / before["Flow_Rate_L_min"][10:].mean()
    assert share == pytest.approx(0.85, abs=0.02)
    assert during["Vibration_mm_s"].mean() - before["Vibration_mm_s"].mean() == pytest.approx(2.0, abs=0.2)
    assert np.std(during["Motor_Current_A"]) > 0.8
    assert np.std(before["Motor_Current_A"]) < 0.3


def test_a_growing_strainer_clog_crosses_the_limit_within_its_two_hours() -> None:
    inputs = still(clog=0.5)
    assert pumps.read(pumps.settled(inputs), inputs).suction_bar[P501] > 1.2
    inputs = still(clog=0.7)
    assert pumps.read(pumps.settled(inputs), inputs).suction_bar[P501] < 1.2


def test_a_healthy_day_of_machines_at_work_stays_inside_the_normal_bands() -> None:
    """Machines that stand or cool down have no band; who stood in the last half hour is left out."""
    told = run(86_400, every_s=60.0)
    plant = northfield()
    for asset in plant.assets:
        state = told.columns[asset.code]["State"]
        works = np.convolve(state == 2, np.ones(31), "full")[: len(state)] >= 31
        for signal in plant.signals_of(asset.id):
            if signal.normal_low is None or signal.normal_high is None or not works.any():
                continue
            value = told.columns[asset.code][signal.name][works]
            outside = (value < signal.normal_low) | (value > signal.normal_high)
            assert outside.mean() < 0.005, (asset.code, signal.name, value.min(), value.max())


def test_a_healthy_day_raises_no_alarm() -> None:
    told = run(86_400, every_s=60.0)
    plant = northfield()
    signals = {signal.id: signal for signal in plant.signals}
    codes = {asset.id: asset.code for asset in plant.assets}
    for rule in plant.rules:
        value = told.columns[codes[rule.asset_id]][signals[rule.signal_id].name]
        assert not any(rule.condition.is_abnormal(each) for each in value.tolist()), rule.id


def test_every_signal_of_the_plant_is_read() -> None:
    plant, readings = northfield(), run(1).readings(0, CODES)
    for asset in plant.assets:
        assert {signal.name for signal in plant.signals_of(asset.id)} == set(readings[asset.code])


def test_up_time_counts_from_the_first_start_of_the_plant() -> None:
    up_s = run(8).columns["G-1"]["uptime_s"]
    assert up_s[7] - up_s[0] == 7
