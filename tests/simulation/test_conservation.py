"""Nothing appears and nothing vanishes between machines: parts, air, water and heat, under any seed and any faults."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation.physics import compressor, cooling, counting, machining, moulding, packing
from pdm_app.simulation.physics.cooling import CoolingState
from pdm_app.simulation.physics.line_flow import Conditions, run
from pdm_app.simulation.physics.moments import Moments
from pdm_app.simulation.physics.work_days import day_at, work_day
from pdm_app.simulation.readings import PlantReader

NOON = 1_763_640_000 * MICROS_PER_S  # 2025-11-20 12:00 UTC.
DAY = day_at(NOON)
QUICK = settings(max_examples=6, deadline=None)

SEEDS = st.integers(0, 2**31)
PRODUCTION_FAULTS = st.lists(
    st.builds(
        InjectedFault,
        id=st.uuids().map(str),
        key=st.sampled_from(["capper_jam", "power_dip", "cool_blocked", "tool_wear", "air_leak"]),
        asset_code=st.sampled_from(["C-42", "IM-12", "CNC-31", "AH-201"]),
        signal=st.just(""),
        injected_at=st.integers(DAY.begin, DAY.end - 1).map(Micros),
        start_severity=st.floats(0, 1),
    ),
    max_size=4,
)


@QUICK
@given(seed=SEEDS, faults=PRODUCTION_FAULTS)
def test_every_part_of_the_packing_line_is_in_a_buffer_passed_on_or_rejected(
    seed: int, faults: list[InjectedFault]
) -> None:
    day = packing.packing_day(seed, DAY.number, faults)
    taken, passed = day.flow.counted(np.arange(0, DAY.length_s + 1, 7.0))
    waiting = passed[:, :-1] - taken[:, 1:]
    assert waiting.min() >= 0
    assert waiting.max() <= packing.BUFFER
    assert np.all(waiting[-1] == 0), "the clean-down has emptied the line"
    assert np.all(np.diff(taken, axis=0) >= 0), "counters never run backwards"
    rejected = taken - passed
    assert np.all(rejected[:, [0, 1, 3, 4]] == 0), "only the camera rejects"
    assert np.all(np.diff(rejected[:, packing.CAMERA]) >= -1), "whole parts of two counters"


def test_full_buffers_block_and_empty_ones_starve() -> None:
    """Three machines of 2, 1 and 4 parts a second: the first is blocked once 10 parts wait, the third runs at 1."""
    flow = run(
        Conditions(
            edges_s=np.array([0.0, 100.0, 200.0]),
            reasons=np.array([[0, 0, 0], [0, 5, 0]]),
            caps=np.array([[2.0, 1.0, 4.0]] * 2),
            kept=np.ones((2, 3)),
        ),
        capacity=10,
    )
    taken, passed = flow.counted(np.array([10.0, 60.0, 100.0, 150.0]))
    assert taken[0].tolist() == [20, 10, 10], "ten wait before the second"
    assert taken[1].tolist() == [70, 60, 60], "the first can go no faster than the second"
    assert taken[2].tolist() == passed[2].tolist() == [110, 100, 100]
    assert taken[3].tolist() == [110, 100, 100], "the second stands: the first is blocked, the third starves"
    standing = flow.reasons[flow.events(np.array([150.0]))[0]].tolist()
    assert standing == [2, 5, 1]


@QUICK
@given(seed=SEEDS, faults=PRODUCTION_FAULTS)
def test_a_day_of_shots_is_one_after_the_other_and_each_belongs_to_one_mould(
    seed: int, faults: list[InjectedFault]
) -> None:
    for code in moulding.CODES:
        day = moulding.moulding_day(seed, code, DAY.number, faults)
        shots, scrap, first, second = moulding.totals(seed, code, DAY.number, faults)
        assert shots == len(day.begins_s) == first + second
        assert np.all(day.begins_s[1:] >= day.ends_s[:-1] - 1e-6)
        assert day.ends_s[-1] <= day.day.length_s
        assert 0 <= scrap <= moulding.CAVITIES * shots


@QUICK
@given(seed=SEEDS, faults=PRODUCTION_FAULTS)
def test_a_tool_cuts_until_it_is_worn_and_is_then_changed(seed: int, faults: list[InjectedFault]) -> None:
    for code in machining.CODES:
        day = machining.machining_day(seed, code, DAY.number, faults)
        assert np.all(day.begins_s[1:] >= day.ends_s[:-1] - 1e-6)
        new = np.flatnonzero(np.diff(day.wear) < 0)
        assert np.all(day.wear[new] == 1.0), "no tool is changed before it is worn"


@QUICK
@given(seed=SEEDS, faults=PRODUCTION_FAULTS)
def test_air_in_the_header_is_what_was_delivered_less_what_was_drawn(seed: int, faults: list[InjectedFault]) -> None:
    quarter = compressor.quarter(seed, NOON // compressor.QUARTER_US, faults)
    net_m3 = np.cumsum(quarter.delivery + quarter.second_delivery - quarter.demand - quarter.leak) / 60
    gained_bar = quarter.header_bar[1:] - quarter.header_bar[0]
    assert np.allclose(gained_bar, net_m3[:-1] * 1.01325 / 4, atol=1e-6)


@QUICK
@given(seed=SEEDS, stands_s=st.integers(0, 400))
def test_heat_is_stored_passed_on_or_given_to_the_air(seed: int, stands_s: int) -> None:
    """Over half an hour in which the pump may stand; the rest of the balance is what a step of a second leaves."""
    at = NOON + np.arange(1800, dtype=np.int64) * MICROS_PER_S
    moments = Moments(seed, NOON, at, 1.0, ())
    flow = np.where((at > NOON + 600 * MICROS_PER_S) & (at < NOON + (600 + stands_s) * MICROS_PER_S), 0.0, 120.0)
    before = CoolingState(430.0, 28.5, 24.0, 72.0)
    told, after = cooling.read(moments, flow, np.full(1800, 3.0), np.full(1800, 60.0), before)
    wanted = cooling.BASE_HEAT_KW + 3 * cooling.HEAT_PER_MACHINE_KW + 60 * cooling.HEAT_OF_COMPRESSOR
    load_kj = float(np.sum(wanted + (before.heat_kw - wanted) * np.exp(-np.arange(1, 1801) / 600.0)))
    stored_kj = cooling.HOT_KJ_K * (after.hot_c - before.hot_c) + cooling.BASIN_KJ_K * (after.basin_c - before.basin_c)
    assert abs(load_kj - stored_kj - float(np.sum(told.tower_kw))) < 0.01 * load_kj


def test_counters_of_the_whole_plant_agree_with_one_another_over_two_days() -> None:
    at = NOON + np.arange(0, 2 * 86_400, 60, dtype=np.int64) * MICROS_PER_S
    told = PlantReader(NOON).read(at).columns
    picks = told["R-1"]["Pick_Count"]
    assert np.array_equal(picks, sum(told[code]["Shot_Count"] for code in moulding.CODES))
    good = told["CNC-31"]["Good_Count"] + told["CNC-32"]["Good_Count"]
    on_the_way = good - told["W-33"]["Part_Count"]
    assert on_the_way.min() >= 0
    assert on_the_way.max() <= 6
    for code in machining.CODES:
        assert np.array_equal(told[code]["Part_Count"], told[code]["Good_Count"] + told[code]["Scrap_Count"])
    for code in (*moulding.CODES, *machining.CODES):
        assert np.diff(told[code]["Scrap_Count"]).min() >= 0


def test_counters_of_16_bits_roll_over_and_count_on() -> None:
    at = NOON + np.arange(0, 86_400, 60, dtype=np.int64) * MICROS_PER_S
    counted = PlantReader(NOON, codes={"C-42"}).read(at).columns["C-42"]["In_Count"]
    grown = np.diff(counted) % 65_536
    assert (np.diff(counted) < 0).any(), "more than 65,536 parts a day"
    assert grown.max() <= 130, "at most what the capper makes in a minute"
    assert counted.max() < 65_536
    days = [packing.totals(42, number)[0][1] for number in (DAY.number, DAY.number + 1)]
    assert grown.sum() <= sum(days)


def test_what_the_camera_rejects_is_counted_and_never_taken_back() -> None:
    """Parts inside of the machine are neither out nor rejected."""
    at = NOON + np.arange(0, 7_200, dtype=np.int64) * MICROS_PER_S
    told = PlantReader(NOON, codes={"L-43"}).read(at).columns["L-43"]
    rejected, out = np.diff(told["Reject_Count"]) % 65_536, np.diff(told["Out_Count"]) % 65_536
    assert rejected.max() <= 3, "in a second"
    assert 0 < rejected.sum() < 0.05 * out.sum()
    inside = np.cumsum(np.diff(told["In_Count"]) % 65_536 - out - rejected)
    assert np.ptp(inside) <= 2


def test_a_counter_reads_what_all_days_before_have_made() -> None:
    first = counting.first_day(NOON)
    assert counting.zeroed_on(first, first) == first
    assert counting.zeroed_on(DAY.number, first) == first, "the month behind a new plant is counted with it"
    read = counting.counted_before(lambda number: [number], first + 3, first, 1)
    assert read.tolist() == [3 * first + 3]


def test_a_working_day_is_as_long_as_the_clocks_say() -> None:
    """The clocks go back on 25 October 2026 and forward on 29 March."""
    lengths = {work_day(number).length_s / 3600 for number in range(739_600, 739_965)}
    assert lengths == {23.0, 24.0, 25.0}
    for number in range(739_900, 739_960):
        assert work_day(number).end == work_day(number + 1).begin
        assert day_at(work_day(number).begin).number == number
        assert day_at(work_day(number).end - 1).number == number


def test_a_month_of_the_line_has_the_ratios_of_its_story() -> None:
    """Availability 84, performance 87, quality 97.3 %: within a few points, for stops come by chance."""
    planned = ran = made = good = ideal = 0.0
    for number in range(DAY.number, DAY.number + 10):
        day = packing.packing_day(42, number)
        spans, reasons = np.diff(day.flow.at_s), day.flow.reasons[:-1, packing.CAPPER]
        planned += spans[~np.isin(reasons, [7, 8])].sum()
        ran += spans[np.isin(reasons, [0, 3])].sum()  # Minor stops count as running, ISO 22400-2.
        taken = np.diff(day.flow.taken[:, packing.CAPPER])
        ideal += float(np.sum(taken * np.array([packing.PRODUCTS[int(p)] for p in day.product(day.flow.at_s[:-1])])))
        made += day.flow.taken[-1, packing.CAMERA]
        good += day.flow.passed[-1, packing.CAMERA]
    assert 0.78 < ran / planned < 0.92
    assert 0.82 < ideal / ran < 0.92
    assert 0.965 < good / made < 0.985
