"""A model on the rows of an asset: causal, patient with drift, silent where it must not judge."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import DetectorKind
from pdm_app.domain.thresholds import ThresholdRule, VerdictRule
from pdm_app.inference.model_files import read_model, write_model
from pdm_app.inference.scoring import GAP_ROWS_MAX, Scorer
from pdm_app.inference.sessions import load
from pdm_app.inference.training import DETECTORS, Model, train
from tests.inference.plants import SIGNALS, usual, with_fault


@pytest.fixture(scope="module")
def model() -> Model:
    return train("pump", SIGNALS, usual(1500), DETECTORS[DetectorKind.ENSEMBLE]())


def scorer_of(model: Model) -> Scorer:
    return Scorer(model.card, load(model.card, model.graph))


def test_a_fault_is_seen_and_its_signal_named_first(model: Model) -> None:
    rows = with_fault(usual(1200, seed=4), 600, 900, 2, 1.5)
    scores, alarmed = scorer_of(model).score(rows)
    assert alarmed[:600].mean() < 0.02
    assert alarmed[640:900].mean() > 0.9
    assert scores.first_contributors(700, SIGNALS, 1) == ("current",)
    assert alarmed[1000:].mean() < 0.05  # It ends with the fault.


def test_rows_that_follow_change_no_earlier_score_or_verdict(model: Model) -> None:
    rows = with_fault(usual(500, seed=4), 200, 300, 0, 8.0)
    whole, whole_alarmed = scorer_of(model).score(rows)
    for kept in (1, 150, 257):
        cut, alarmed = scorer_of(model).score(rows[:kept])
        assert cut.score.tolist() == whole.score[:kept].tolist()
        assert alarmed.tolist() == whole_alarmed[:kept].tolist()


def test_rows_in_portions_score_as_rows_at_once(model: Model) -> None:
    rows = with_fault(usual(300, seed=4), 200, 300, 0, 8.0)
    whole, whole_alarmed = scorer_of(model).score(rows)
    scorer = scorer_of(model)
    portions = [scorer.score(rows[start : start + 7]) for start in range(0, 300, 7)]
    assert np.allclose(np.concatenate([scores.score for scores, _ in portions]), whole.score, rtol=1e-4)
    assert np.concatenate([alarmed for _, alarmed in portions]).tolist() == whole_alarmed.tolist()


def test_slow_drift_is_followed_and_raises_no_lasting_alarm(model: Model) -> None:
    drifted = usual(8000, seed=6, drift_per_row=0.0004)  # Ends about three usual spreads off.
    _, alarmed = scorer_of(model).score(drifted)
    assert alarmed.mean() < 0.05
    scorer = scorer_of(model)
    scorer._baseline = dataclasses.replace(scorer._baseline, rate=0.0)
    _, unfollowed = scorer.score(drifted)
    assert unfollowed.mean() > 0.1  # Without the baseline it would.


def test_masked_rows_are_not_judged_and_teach_nothing(model: Model) -> None:
    rows = usual(400, seed=8)
    rows[100:200] = 0.0  # Stopped.
    masked = np.zeros(400, dtype=np.bool_)
    masked[100:200] = True
    scores, alarmed = scorer_of(model).score(rows, masked)
    assert np.isnan(scores.score[100:200]).all()
    assert not alarmed.any()
    _, unmasked = scorer_of(model).score(rows)
    assert unmasked[110:200].all()


def test_a_short_gap_is_bridged_and_a_long_one_is_not_judged(model: Model) -> None:
    rows = usual(200, seed=9)
    rows[50 : 50 + GAP_ROWS_MAX, 1] = np.nan
    rows[100:150, 1] = np.nan
    scores, _ = scorer_of(model).score(rows)
    assert np.isfinite(scores.score[50:100]).all()
    assert np.isnan(scores.score[100 + GAP_ROWS_MAX : 150]).all()
    assert np.isfinite(scores.score[150:]).all()


def test_rows_of_other_signals_are_refused(model: Model) -> None:
    with pytest.raises(InvalidInputError, match="scores rows of 4 signals"):
        scorer_of(model).score(usual(10)[:, :3])


def test_too_short_a_normal_period_is_said_to_be_too_short() -> None:
    with pytest.raises(InvalidInputError, match="100 rows are too few"):
        train("pump", SIGNALS, usual(100), DETECTORS[DetectorKind.ENSEMBLE]())


def test_the_classic_threshold_alarms_on_usual_running_far_more_often() -> None:
    rows, later = usual(600), usual(2000, seed=12)
    shares = {}
    for rule in (ThresholdRule.CLASSIC, ThresholdRule.HELD_OUT):
        model = train("pump", SIGNALS, rows, DETECTORS[DetectorKind.PCA](), VerdictRule(rule=rule))
        shares[rule] = float(scorer_of(model).score(later)[1].mean())
    assert shares[ThresholdRule.CLASSIC] > 10 * max(shares[ThresholdRule.HELD_OUT], 0.001)


def test_a_model_comes_back_from_its_file_and_scores_alike(model: Model, tmp_path: Path) -> None:
    write_model(model, tmp_path / "pump.pdm")
    again = read_model(tmp_path / "pump.pdm")
    assert again.card == model.card
    rows = usual(100, seed=4)
    assert scorer_of(again).score(rows)[0].score.tolist() == scorer_of(model).score(rows)[0].score.tolist()


def test_a_graph_that_was_changed_is_not_loaded(model: Model) -> None:
    with pytest.raises(InvalidInputError, match="SHA-256"):
        load(model.card, model.graph[:-1] + b"x")


def test_a_card_of_another_shape_is_not_loaded(model: Model) -> None:
    card = model.card.model_copy(update={"window_rows": 12})
    with pytest.raises(InvalidInputError, match="the card says 12"):
        load(card, model.graph)


def test_a_graph_that_scores_otherwise_than_its_card_says_is_not_loaded(model: Model) -> None:
    card = model.card.model_copy(update={"probe": tuple(value * 1.1 for value in model.card.probe)})
    with pytest.raises(InvalidInputError, match="probe"):
        load(card, model.graph)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut short"])
def test_what_is_no_model_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pump.pdm").write_bytes(content)
    with pytest.raises(InvalidInputError, match="no model file"):
        read_model(tmp_path / "pump.pdm")
