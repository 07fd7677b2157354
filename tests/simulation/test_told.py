"""The truth of a moment: what stands, what each machine does and made, how long the bearing lives."""

import pytest

from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.told import told

SINCE = Micros(1_795_267_249_940_791)  # 2026-11-21 13:20:49 UTC.
DAY_US = 86_400 * MICROS_PER_S


def test_at_the_first_start_a_bearing_is_on_day_19_of_27_and_nothing_else_is_broken() -> None:
    plant = told(labels_at_start(None, SINCE), SINCE, ["P-101A"])
    [fault] = plant.faults
    assert (fault.key, fault.asset_code) == ("bearing_wear", "P-101A")
    assert fault.severity == pytest.approx(19 / 27)
    assert fault.began_at == pytest.approx(SINCE - 19 * DAY_US, abs=MICROS_PER_S)
    assert plant.remaining_life_s["P-101A"] == pytest.approx(8 * 86_400, rel=1e-6)
    assert plant.machines == ()


def test_a_week_before_it_was_on_day_12_and_three_weeks_before_it_was_sound() -> None:
    labels = labels_at_start(None, SINCE)
    [fault] = told(labels, SINCE - 7 * DAY_US, ["P-101A"]).faults
    assert fault.severity == pytest.approx(12 / 27)
    assert told(labels, SINCE - 21 * DAY_US, ["P-101A"]).faults == ()


def test_the_figures_of_a_shift_belong_together_and_are_those_of_iso_22400() -> None:
    [machine] = told(labels_at_start(None, SINCE), SINCE, ["C-42"]).machines
    shift = machine.shift
    assert shift.begin <= SINCE < shift.end
    assert machine.state_since <= SINCE
    assert 0 < shift.good <= shift.made
    assert shift.running_s == pytest.approx(shift.planned_s - sum(shift.lost_s.values()))
    assert shift.availability is not None
    assert shift.performance is not None
    assert shift.quality is not None
    assert shift.oee == pytest.approx(shift.availability * shift.performance * shift.quality, abs=1e-9)


def test_what_is_asked_of_one_machine_says_nothing_of_others() -> None:
    labels = labels_at_start(None, SINCE)
    plant = told(labels, SINCE, ["F-41"])
    assert (plant.faults, plant.remaining_life_s) == ((), {})
    assert [machine.asset_code for machine in plant.machines] == ["F-41"]
