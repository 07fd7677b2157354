"""What went wrong before the plant first started: possible, over in time, and in past, truth and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import faults
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.past import DemoPast, acted
from pdm_app.simulation.physics.world import WARM_UP_S
from pdm_app.simulation.plant import SMALL_CODES, northfield
from pdm_app.simulation.story import repaired
from pdm_app.simulation.told import told

SINCE = Micros(1_795_267_249_940_791)
HOUR_US = 3600 * MICROS_PER_S


def test_every_fault_is_one_that_the_plant_can_have_and_is_told_once() -> None:
    for fault in repaired(SINCE):
        faults.check(fault.key, fault.asset_code, fault.signal, ())
    ids = [fault.id for fault in repaired(SINCE)]
    assert len(set(ids)) == len(ids)
    assert repaired(SINCE) == repaired(SINCE)


def test_all_are_over_before_anything_that_lags_could_carry_them_into_the_live_plant() -> None:
    for fault in repaired(SINCE):
        assert fault.cleared_at is not None
        assert fault.injected_at < fault.cleared_at < SINCE - WARM_UP_S * MICROS_PER_S
        assert fault.injected_at >= SINCE - 30 * 24 * HOUR_US
        assert faults.severity(fault, SINCE) == 0.0


def test_the_small_plant_has_some_of_them() -> None:
    assert len([fault for fault in repaired(SINCE) if fault.asset_code in SMALL_CODES]) >= 4


def test_truth_and_past_know_of_them_and_the_labels_of_what_people_did_do_not(tmp_path: Path) -> None:
    labels = labels_at_start(None, SINCE)
    [fault] = [fault for fault in repaired(SINCE) if fault.asset_code == "P-501"]
    assert fault in acted(labels)
    assert fault not in labels.faults
    assert fault.cleared_at is not None
    last = Micros(fault.cleared_at - 600 * MICROS_PER_S)
    assert [known.key for known in told(labels, last, ["P-501"]).faults] == [fault.key]
    assert told(labels, Micros(fault.cleared_at + 1), ["P-501"]).faults == ()
    past = DemoPast(tmp_path, labels, 30)
    suction = northfield().signal("P-501", "Suction_Pressure_bar").id
    [piece] = [each for each in past.pieces if not each.is_sketch and each.start_at <= last < each.end_at]
    for batch in past.batches(piece):
        mine = (batch.signal == suction) & (np.abs(batch.source_at - last) < 300 * MICROS_PER_S)
        if mine.any():
            assert batch.value[mine].max() < 1.2, "below its limit"
            return
    pytest.fail("the past has no sample of that moment")
