"""Remaining life from runs to failure, on machines whose wear is known."""

from pathlib import Path

import numpy as np
import pytest

from pdm_app.cli.main import main
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8
from pdm_app.inference.boosting import BoostedTrees, BoostingSettings
from pdm_app.inference.cmapss import cuts_of, rul_figures
from pdm_app.inference.graphs import INPUT, Graph
from pdm_app.inference.rul import LIFE_MAX, RulModel, life_of
from pdm_app.inference.rul_features import WearFeatures, line_so_far
from pdm_app.inference.sessions import Session

FEW = BoostingSettings(rounds=40, rate=0.15, leaf_rows=20)


def engine(seed: int) -> F8:
    """A run to failure: three signals that show wear in its last hundred rows, one that shows none, one constant."""
    random = np.random.default_rng(seed)
    rows = int(random.integers(150, 250))
    worn = np.exp(-life_to_end(rows) / 35)
    wear = np.stack([500 + 4 * worn, 20 - 0.5 * worn, 1.0 + 0.2 * worn], axis=1)
    noise = random.standard_normal((rows, 3)) * np.array([0.4, 0.05, 0.02])
    return np.column_stack([wear + noise, random.standard_normal(rows), np.full(rows, 7.0)])


def life_to_end(rows: int) -> F8:
    return np.arange(rows - 1, -1, -1).astype(np.float64)


@pytest.fixture(scope="module")
def model() -> RulModel:
    return RulModel(FEW).fit([engine(seed) for seed in range(24)])


def test_the_life_of_runs_nobody_fitted_is_told(model: RulModel) -> None:
    true, middle, low, high = [], [], [], []
    for seed in range(100, 112):
        run = engine(seed)
        told = model.predict(run)
        true.append(life_of(len(run))[30:])
        middle.append(told.middle[30:])
        low.append(told.low[30:])
        high.append(told.high[30:])
    figures = rul_figures(*(np.concatenate(column) for column in (true, middle, low, high)))
    assert figures.rmse < 18
    assert 0.8 <= figures.coverage <= 1.0
    assert figures.width < 90


def test_rows_that_follow_change_no_earlier_estimate(model: RulModel) -> None:
    run = engine(200)
    whole = model.predict(run)
    for kept in (1, 14, 16, 60, 140):
        cut = model.predict(run[:kept])
        assert np.allclose(cut.middle, whole.middle[:kept])
        assert np.allclose(cut.high, whole.high[:kept])


def test_the_bounds_of_an_interval_are_in_order(model: RulModel) -> None:
    told = model.predict(engine(201))
    steps = np.stack([told.low, told.low_10, told.high_90, told.high])
    assert (np.diff(steps, axis=0) >= 0).all()
    assert (told.middle >= told.low).all()
    assert (told.middle <= told.high).all()
    assert told.high.max() <= LIFE_MAX


def test_a_new_machine_shows_no_wear_and_a_failing_one_does(model: RulModel) -> None:
    run = engine(202)
    none = model.predict(run).shows_no_wear
    assert none[25:60].mean() > 0.5
    assert not none[-20:].any()


def test_few_runs_are_said_to_be_too_few() -> None:
    with pytest.raises(InvalidInputError, match="8 are needed"):
        RulModel(FEW).fit([engine(seed) for seed in range(7)])


def test_a_constant_signal_is_left_out() -> None:
    assert WearFeatures.learned([engine(seed) for seed in range(8)]).kept.tolist() == [0, 1, 2, 3]


def test_a_line_so_far_is_that_of_numpy() -> None:
    rows = np.random.default_rng(1).standard_normal((40, 2)).cumsum(axis=0)
    mean, slope = line_so_far(rows, 12)
    for row in (0, 1, 5, 30):
        seen = rows[max(0, row - 11) : row + 1]
        assert mean[row] == pytest.approx(seen.mean(axis=0))
        if row:
            assert slope[row] == pytest.approx(np.polyfit(np.arange(len(seen)), seen, 1)[0])


def test_boosted_trees_say_the_same_in_a_graph() -> None:
    random = np.random.default_rng(3)
    features = random.standard_normal((400, 6)).astype(np.float32).astype(np.float64)
    told = features[:, 0] ** 2 + features[:, 3]
    trees = BoostedTrees(BoostingSettings(rounds=30, leaf_rows=10)).fit(features, told)
    graph = Graph(1, 6)
    rows = graph.node("Squeeze", INPUT, graph.integers(1))
    session = Session(graph.finished(trees.nodes(graph, rows), graph.node("Mul", rows, rows)))
    score, _ = session.score(features.astype(np.float32)[:, None])
    assert np.allclose(score, trees.predict(features), atol=1e-4)
    assert float(np.corrcoef(score, told)[0, 1]) > 0.8


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_quantile_trees_leave_their_share_below(quantile: float) -> None:
    random = np.random.default_rng(5)
    features = random.uniform(0, 1, (4000, 2))
    told = features[:, 0] * random.standard_normal(4000)
    trees = BoostedTrees(BoostingSettings(rounds=60, rate=0.1), quantile).fit(features[:3000], told[:3000])
    below = float((told[3000:] <= trees.predict(features[3000:])).mean())
    assert below == pytest.approx(quantile, abs=0.05)


def test_figures_are_those_worked_out_by_hand() -> None:
    true, middle = np.array([10.0, 20.0]), np.array([23.0, 10.0])
    figures = rul_figures(true, middle, np.array([5.0, 21.0]), np.array([30.0, 25.0]))
    assert figures.rmse == pytest.approx(np.sqrt((169 + 100) / 2))
    assert figures.phm_score == pytest.approx(np.exp(1.3) - 1 + np.exp(10 / 13) - 1)
    assert (figures.coverage, figures.width, figures.cuts) == (0.5, 14.5, 2)


def test_the_cuts_are_those_of_the_evaluation_rule() -> None:
    engines = {number: np.zeros((200, 1)) for number in (80, 81, 82)}
    cuts = cuts_of(engines)
    random = np.random.default_rng(0)
    assert cuts[:50] == [(81, int(cycle)) for cycle in random.integers(31, 200, 50)]
    assert len(cuts) == 100


def test_the_evaluation_says_what_it_needs_where_its_data_are_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ml", "evaluate", "cmapss", "--data", str(tmp_path)]) == 1
    assert "FD001" in capsys.readouterr().err
    (tmp_path / "train_FD001.txt").write_text("1 2 3\n", encoding="utf-8")
    assert main(["ml", "evaluate", "cmapss", "--data", str(tmp_path)]) == 1
    assert "3 columns" in capsys.readouterr().err
