"""The faults of the demo plant, judged by the default model: the signal that shows each is named first."""

import pytest
from typer.testing import CliRunner

from pdm_app.cli.fault_scripts import SCRIPTS, outcomes
from pdm_app.cli.ml import ml
from pdm_app.domain.diagnosis import Finding
from pdm_app.simulation import faults

FIRST_MIN = 0.9
ON_THE_WIRE = set(faults.WIRE_FAULTS)
"""They have no signal of their own: nothing comes from the whole line."""


def test_every_fault_that_signals_can_show_is_judged() -> None:
    assert {script.key for script in SCRIPTS} == set(faults.SCRIPTS) - ON_THE_WIRE


def test_a_fan_out_of_balance_is_named_and_called_that() -> None:
    [outcome] = outcomes(["impeller_imbalance"])
    assert outcome.is_first_right, outcome.diagnosis
    assert outcome.is_finding_right, outcome.diagnosis


@pytest.mark.long
@pytest.mark.parametrize("seed", [42, 7])
def test_nine_in_ten_faults_are_named_first_and_no_failing_sensor_is_called_damage(seed: int) -> None:
    told = list(outcomes(seed=seed))
    assert sum(one.is_first_right for one in told) >= FIRST_MIN * len(told)
    sensors = [one for one in told if one.script.sensor]
    assert sensors
    assert all(one.diagnosis.finding is Finding.SENSOR for one in sensors)


def test_the_command_says_what_there_is_when_a_fault_is_unknown() -> None:
    done = CliRunner().invoke(ml, ["evaluate", "faults", "--only", "rust"])
    assert done.exit_code != 0
    assert "no fault 'rust'" in str(done.exception)
