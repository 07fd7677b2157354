"""The scrap of starts: from leaving a set-up, a break or a breakdown on, until so many good pieces are made."""

import pytest

from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import Loss, figures, waterfall
from pdm_app.domain.production import IdealCycle, ProductionUnitFacts
from pdm_app.domain.production_intervals import totals_of
from pdm_app.domain.samples import Stretch
from pdm_app.domain.shift_derivation import intervals_of
from tests.domain.production import BREAK, BROKEN, GOOD, JAM, MADE, RULES, RUNS, SET_UP, STATE, S, stretch

SCRAP, METER = 5, 6
UNIT = ProductionUnitFacts(rules=RULES, made_signal_id=MADE, good_signal_id=GOOD, cycles=(IdealCycle(seconds=0.5),),
                           startup_pieces=100)  # fmt: skip
END_S = 400


def told(unit: ProductionUnitFacts, states: Stretch, **signals: Stretch) -> list[tuple[MachineState, float, float]]:
    numbers = {"made": MADE, "good": GOOD, "scrap": SCRAP, "meter": METER}
    stretches = {STATE: states, **{numbers[name]: one for name, one in signals.items()}}
    return [(one.state, one.scrap, one.startup_scrap) for one in intervals_of(unit, [], stretches, 0, END_S * S)]


SET_UP_FIRST = stretch((0, SET_UP), (100, RUNS))
# Of each 50 pieces 30 are good until 150 are made, then 48: at 170 s, 108 good ones since the start.
MADE_SO = stretch((0, 0), (110, 50), (130, 100), (150, 150), (170, 200), (190, 250))
GOOD_SO = stretch((0, 0), (110, 30), (130, 60), (150, 90), (170, 138), (190, 186))


def test_scrap_of_a_start_ends_with_so_many_good_pieces() -> None:
    assert told(UNIT, SET_UP_FIRST, made=MADE_SO, good=GOOD_SO) == [
        (MachineState.SETUP, 0, 0),
        (MachineState.RUNNING, 64, 60),  # 20 of each of the first three readings; 2 and 2 after it.
    ]


@pytest.mark.parametrize(("before", "counts"), [(SET_UP, True), (BREAK, True), (BROKEN, True), (JAM, False)])
def test_a_start_comes_after_what_lets_the_machine_go_cold(before: int, counts: bool) -> None:
    [_, (_, scrap, startup)] = told(UNIT, stretch((0, before), (100, RUNS)), made=MADE_SO, good=GOOD_SO)
    assert (scrap, startup) == (64, 60 if counts else 0)


def test_a_start_that_is_interrupted_goes_on_and_each_interval_has_its_own_scrap() -> None:
    found = told(UNIT, stretch((0, SET_UP), (100, RUNS), (120, JAM), (125, RUNS)), made=MADE_SO, good=GOOD_SO)
    assert [startup for _, _, startup in found] == [0, 20, 0, 40]


def test_where_good_pieces_are_not_counted_they_follow_from_the_others() -> None:
    unit = UNIT.model_copy(update={"good_signal_id": None, "scrap_signal_id": SCRAP})
    scrap = stretch((0, 0), (110, 20), (130, 40), (150, 60), (170, 62), (190, 64))
    assert told(unit, SET_UP_FIRST, made=MADE_SO, scrap=scrap)[1] == (MachineState.RUNNING, 64, 60)


def test_the_waterfall_tells_start_up_from_defects_and_still_adds_up() -> None:
    stretches = {STATE: SET_UP_FIRST, MADE: MADE_SO, GOOD: GOOD_SO}
    totals = totals_of(intervals_of(UNIT, [], stretches, 0, END_S * S))
    bars = {bar.loss: bar.seconds for bar in waterfall(totals)}
    assert bars[Loss.STARTUP] == pytest.approx(30)
    assert bars[Loss.DEFECTS] == pytest.approx(2)
    assert sum(bars.values()) + totals.ideal_good_s == pytest.approx(END_S)


def test_without_a_number_of_pieces_no_scrap_is_that_of_a_start() -> None:
    unit = UNIT.model_copy(update={"startup_pieces": 0})
    assert told(unit, SET_UP_FIRST, made=MADE_SO, good=GOOD_SO)[1] == (MachineState.RUNNING, 64, 0)


def test_energy_is_metered_where_something_is_known_and_is_none_without_a_meter() -> None:
    unit = UNIT.model_copy(update={"energy_signal_id": METER})
    meter = stretch((0, 1_000), (150, 1_004), (300, 1_010))
    stretches = {STATE: SET_UP_FIRST, MADE: MADE_SO, GOOD: GOOD_SO, METER: meter}
    totals = totals_of(intervals_of(unit, [], stretches, 0, END_S * S))
    assert totals.energy_kwh == pytest.approx(10)
    assert figures(totals).energy_per_good_kwh == pytest.approx(10 / 186)
    without = totals_of(intervals_of(UNIT, [], stretches, 0, END_S * S))
    assert (without.energy_kwh, figures(without).energy_per_good_kwh) == (None, None)
