"""What a replay tells, and what goes wrong in it when: the same as the past of the plant tells."""

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import faults
from pdm_app.simulation.history import plant_columns
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.past import acted
from pdm_app.simulation.replay import STEP_S, Replayed
from pdm_app.simulation.schedule import DAY_US, FAULTS_MAX, scheduled, story

START = Micros(1_795_266_000 * MICROS_PER_S)
END = Micros(START + 14 * DAY_US)


def test_each_moment_is_what_the_past_says_of_it() -> None:
    until = Micros(START + 700 * MICROS_PER_S)
    labels = Labels(START, plant=PlantSize.SMALL)
    steps = list(Replayed(labels, START, until, every_s=10).steps())

    assert [len(step.batches) for step in steps] == [30, 30, 10]
    assert [step.until - START for step in steps] == [290_000_000, 590_000_000, 690_000_000]
    for batch in (batch for step in steps for batch in step.batches):
        assert set(batch.source_at.tolist()) == {batch.received_at}
    told = {
        (int(number), at): value
        for step in steps
        for batch in step.batches
        for number, at, value in zip(batch.signal, batch.source_at.tolist(), batch.value, strict=True)
    }
    codes = {"P-101A", "C-201"}
    for columns in plant_columns(START, until, 10, since=START, faults=acted(labels), codes=codes):
        for number, values in zip(columns.signal_ids, columns.values, strict=True):
            again = [told[int(number), at] for at in columns.at.tolist()]
            assert np.allclose(again, values, equal_nan=True)


def test_texts_are_said_at_each_moment() -> None:
    labels = Labels(START, plant=PlantSize.SMALL)
    [step] = Replayed(labels, START, Micros(START + STEP_S * MICROS_PER_S), every_s=60).steps()
    assert all(len(batch.text) == 6 for batch in step.batches)
    assert all(np.isnan(batch.value[row]) for batch in step.batches for row in batch.text)


def test_what_is_no_replay_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="choose 1 to 60 s"):
        Replayed(Labels(START), START, END, every_s=0)
    with pytest.raises(InvalidInputError, match="lasts at least"):
        Replayed(Labels(START), START, START)


def test_a_schedule_says_when_what_begins_and_ends() -> None:
    found = scheduled(
        [
            "# a fortnight",
            "",
            "sensor_stuck@day3:P-501.Vibration_mm_s",
            "cavitation@day2.5-day3:P-502=30%  # weekend",
        ],
        START,
        END,
    )
    [clogged, stuck] = found
    assert (clogged.key, clogged.asset_code, clogged.start_severity) == ("cavitation", "P-502", 0.3)
    assert (clogged.injected_at, clogged.cleared_at) == (START + 2.5 * DAY_US, START + 3 * DAY_US)
    assert (stuck.signal, stuck.injected_at, stuck.cleared_at) == ("Vibration_mm_s", START + 3 * DAY_US, None)
    assert found == scheduled(
        ["cavitation@day2.5-day3:P-502=30%", "sensor_stuck@day3:P-501.Vibration_mm_s"], START, END
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cavitation", "is no fault of a replay"),
        ("cavitation@day14:P-502", "begins after the replay has ended"),
        ("cavitation@day3-day2:P-502", "ends before it begins"),
        ("cavitation@day3:P-502=101%", "more than 100 %"),
        ("cavitation@day3:P-999", "cannot have cavitation"),
        ("melting@day3:P-502", "is not a fault of this plant"),
        ("line_cut@day3:P-501", "no server runs in a replay"),
        ("sensor_stuck@day3:P-501", "is not a sensor of P-501"),
    ],
)
def test_a_line_that_cannot_be_says_why(line: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as refused:
        scheduled([line], START, END)
    assert line in refused.value.message


def test_a_small_plant_has_faults_of_its_own_machines_alone() -> None:
    with pytest.raises(InvalidInputError, match="the small plant does not have"):
        scheduled(["cavitation@day1:P-502"], START, END, PlantSize.SMALL)
    assert len(scheduled(["cavitation@day1:P-501"], START, END, PlantSize.SMALL)) == 1
    codes = {fault.asset_code for fault in story(START, END, PlantSize.SMALL)}
    assert "P-101A" in codes
    assert codes < {fault.asset_code for fault in story(START, END)}


def test_the_same_fault_twice_at_once_and_too_many_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="already has cavitation"):
        scheduled(["cavitation@day1:P-502", "cavitation@day2:P-502"], START, END)
    one_after_the_other = [f"cavitation@day{n / 100:.3f}-day{n / 100 + 0.005:.3f}:P-502" for n in range(FAULTS_MAX + 1)]
    with pytest.raises(InvalidInputError, match="one too many"):
        scheduled(one_after_the_other, START, END)


@pytest.mark.parametrize("days", [3, 14, 40])
def test_the_story_of_a_replay_ends_right_before_the_bearing_seizes(days: int) -> None:
    end = Micros(START + days * DAY_US)
    told = story(START, end)
    wear, *repaired, after = told
    assert wear.key == after.key == faults.BEARING_WEAR
    assert 0.99 < faults.severity(wear, end - 1) < 1.0
    assert (faults.severity(wear, end), faults.severity(after, end)) == (0.0, faults.START_OF_DEMO_SEVERITY)
    assert all(START <= fault.injected_at < end for fault in (wear, *repaired))
