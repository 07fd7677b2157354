"""The truth about production: it closes in itself, and it is what the plant's own signals tell."""

from itertools import pairwise

import numpy as np
import pytest

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, MICROS_PER_S, Micros
from pdm_app.simulation.history import plant_columns
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.physics.work_days import day_at
from pdm_app.simulation.plant import northfield
from pdm_app.simulation.truth import CODES, Span, Truth

NOON = 1_763_640_000 * MICROS_PER_S  # 2025-11-20 12:00 UTC.
DAY = day_at(NOON)


@pytest.mark.parametrize("code", CODES)
def test_spans_of_a_day_follow_one_another_without_a_gap(code: str) -> None:
    spans = Truth().spans(code, DAY.begin, DAY.end)
    assert (spans[0].begin, spans[-1].end) == (DAY.begin, DAY.end)
    for before, after in pairwise(spans):
        assert before.end == after.begin
        assert before.reason != after.reason


@pytest.mark.parametrize("code", CODES)
def test_effectiveness_is_the_product_of_its_three_ratios(code: str) -> None:
    """OEE = A · P · Q = PRI · GQ / PBT, ISO 22400-2."""
    for shift in Truth().shifts(code, DAY.begin, DAY.end):
        assert shift.availability is not None
        assert shift.performance is not None
        assert shift.quality is not None
        assert shift.oee == pytest.approx(shift.availability * shift.performance * shift.quality, abs=1e-9)
        assert 0 < (shift.oee or 0) < 1
        assert shift.running_s <= shift.planned_s <= 8 * 3600 + 1e-6
        assert shift.planned_s - shift.running_s == pytest.approx(sum(shift.lost_s.values()))


def test_three_shifts_of_the_capper_have_an_hour_of_breaks_each() -> None:
    shifts = Truth().shifts("C-42", DAY.begin, DAY.end)
    planned_s = [shift.planned_s for shift in shifts]
    assert planned_s == pytest.approx([25_200, 25_200, 25_200 - 60]), "the last one cleans for a minute"


@pytest.mark.parametrize(("code", "made", "lost"), [("C-42", "In_Count", None), ("IM-11", "Part_Count", "Scrap_Count"),
                                                  ("CNC-31", "Part_Count", "Scrap_Count")])  # fmt: skip
def test_signals_tell_the_true_counts_of_a_shift(code: str, made: str, lost: str | None) -> None:
    shift = Truth().shift(code, NOON)
    told = _columns(code, shift.begin, shift.end + MICROS_PER_S, 60)
    assert int(np.sum(np.diff(told[made]) % 65_536)) == shift.made
    if lost is not None:
        assert shift.made - int(np.ptp(told[lost])) == shift.good


def test_signals_tell_the_true_states_of_the_line() -> None:
    begin, end = NOON, NOON + 3600 * MICROS_PER_S
    told = _columns("F-41", begin, end, 10)["Stop_Reason"]
    truth = np.empty(len(told))
    at = begin + np.arange(len(told)) * 10 * MICROS_PER_S
    for span in Truth().spans("F-41", begin, end):
        truth[(at >= span.begin) & (at < span.end)] = span.reason
    assert np.count_nonzero(truth != told) <= 2, "an edge may fall between two microseconds"


def test_a_fault_is_in_the_truth_as_what_it_does() -> None:
    jam = InjectedFault("f-1", "capper_jam", "C-42", "", Micros(DAY.begin), 1.0)
    dip = InjectedFault("f-2", "power_dip", "C-42", "", Micros(NOON), 1.0)
    sound, broken = Truth().spans("C-42", DAY.begin, DAY.end), Truth([jam, dip]).spans("C-42", DAY.begin, DAY.end)

    def count(spans: list[Span], reason: Reason) -> int:
        return sum(span.reason == reason for span in spans)

    assert count(broken, Reason.MINOR_STOP) > 1.8 * count(sound, Reason.MINOR_STOP)
    assert (count(sound, Reason.TRIP), count(broken, Reason.TRIP)) == (0, 1)


def test_remaining_life_of_the_bearing_runs_out_with_the_days() -> None:
    wear = InjectedFault("f-1", "bearing_wear", "P-101A", "", Micros(NOON), 19 / 27)
    day_us = 86_400 * MICROS_PER_S
    assert Truth([wear]).remaining_life_s(NOON) == pytest.approx(8 * 86_400)
    assert Truth([wear]).remaining_life_s(NOON + 5 * day_us) == pytest.approx(3 * 86_400)
    assert Truth([wear]).remaining_life_s(NOON + 9 * day_us) == 0
    assert Truth().remaining_life_s(NOON) is None


def test_a_machine_that_makes_no_parts_has_no_such_truth() -> None:
    with pytest.raises(KeyError):
        Truth().spans("P-101A", NOON, NOON + 1)


def _columns(code: str, start_at: int, end_at: int, step_s: int) -> dict[str, F8]:
    """Return a machine's series by signal name."""
    plant = northfield()
    names = {signal.id: signal.name for signal in plant.signals}
    parts = list(plant_columns(start_at, end_at, step_s, since=NOON, codes=[code]))
    whole = np.concatenate([part.values for part in parts], axis=1)
    return {names[int(number)]: values for number, values in zip(parts[0].signal_ids, whole, strict=True)}
