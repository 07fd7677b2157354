"""How versions of models come into force, and go back."""

from typing import Any

import pytest

from pdm_app.domain.errors import ConflictError
from pdm_app.domain.model_registry import ModelAct, ModelState, ModelVersion, decided
from pdm_app.domain.samples import Micros
from tests.counterparts.models import AT, backtest, kept_model, version

MODEL = kept_model("graz", "p-101a")
TESTED: dict[str, Any] = {"backtest": backtest()}


def act(versions: list[ModelVersion], number: int, what: ModelAct, at: int = AT) -> list[ModelVersion]:
    """Return all versions after a decision about one of them."""
    changed = {
        each.id: each for each in decided(versions, f"{MODEL.id}-v{number}", what, Micros(at), "erin", "because")
    }
    return [changed.get(each.id, each) for each in versions]


def states(versions: list[ModelVersion]) -> list[str]:
    return [str(each.state) for each in versions]


def test_a_candidate_becomes_a_shadow_then_the_one_in_force_and_the_one_before_it_retires() -> None:
    versions = [version(MODEL, 1, ModelState.CHAMPION, champion_at=AT - 1, **TESTED), version(MODEL, 2, **TESTED)]
    versions = act(versions, 2, ModelAct.SHADOW)
    assert states(versions) == ["champion", "shadow"]
    versions = act(versions, 2, ModelAct.PROMOTE)
    assert states(versions) == ["retired", "champion"]
    assert (versions[1].champion_at, versions[1].state_by, versions[1].reason) == (AT, "erin", "because")
    assert [each.revision for each in versions] == [1, 2]


def test_rolling_back_leads_to_the_version_that_was_in_force_before_and_again_to_the_one_before_that() -> None:
    versions = [version(MODEL, number, ModelState.SHADOW, **TESTED) for number in (1, 2, 3)]
    for number in (1, 2, 3):
        versions = act(versions, number, ModelAct.PROMOTE, AT + number)
    assert states(versions) == ["retired", "retired", "champion"]
    versions = act(versions, 3, ModelAct.ROLL_BACK, AT + 10)
    assert states(versions) == ["retired", "champion", "retired"]
    versions = act(versions, 2, ModelAct.ROLL_BACK, AT + 11)
    assert states(versions) == ["champion", "retired", "retired"]
    with pytest.raises(ConflictError, match="No version of Ensemble was in force before number 1"):
        act(versions, 1, ModelAct.ROLL_BACK, AT + 12)


def test_nothing_comes_into_force_without_a_backtest() -> None:
    with pytest.raises(ConflictError, match="has no backtest"):
        act([version(MODEL, 1, ModelState.SHADOW)], 1, ModelAct.PROMOTE)


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (ModelState.CANDIDATE, ModelAct.PROMOTE),
        (ModelState.RETIRED, ModelAct.PROMOTE),
        (ModelState.CHAMPION, ModelAct.PROMOTE),
        (ModelState.CHAMPION, ModelAct.SHADOW),
        (ModelState.SHADOW, ModelAct.SHADOW),
        (ModelState.RETIRED, ModelAct.RETIRE),
        (ModelState.SHADOW, ModelAct.ROLL_BACK),
    ],
)
def test_what_does_not_fit_how_a_version_stands_is_refused(state: ModelState, what: ModelAct) -> None:
    with pytest.raises(ConflictError, match="Version 1 of Ensemble is"):
        act([version(MODEL, 1, state, **TESTED)], 1, what)


def test_the_one_in_force_can_retire_and_a_retired_one_can_run_as_a_shadow_again() -> None:
    versions = act([version(MODEL, 1, ModelState.CHAMPION, **TESTED)], 1, ModelAct.RETIRE)
    assert states(act(versions, 1, ModelAct.SHADOW)) == ["shadow"]
