"""Training in a process of its own: what comes back, what is refused with a reason, and that it ends when told to."""

import asyncio

import numpy as np
import pytest

from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.domain.models import DetectorKind
from pdm_app.domain.samples import F8
from pdm_app.domain.thresholds import VerdictRule
from pdm_app.domain.training import JobStage
from pdm_app.inference.sessions import load
from pdm_app.inference.trainer import ProcessTrainer

NAMES = ["flow", "current", "vibration"]


def usual(rows: int, seed: int = 1) -> F8:
    random = np.random.default_rng(seed)
    day = np.sin(np.arange(rows) / 200)[:, None]
    table: F8 = (
        np.array([120.0, 30.0, 1.9]) + np.array([5.0, 1.0, 0.1]) * day + random.standard_normal((rows, 3)) * 0.05
    )
    return table


async def test_a_model_is_trained_and_scores_a_fault_far_above_its_threshold_and_masked_rows_not_at_all() -> None:
    told: list[tuple[JobStage, float]] = []
    trainer = ProcessTrainer()
    made = await trainer.train(
        "Pump",
        NAMES,
        usual(2_000),
        DetectorKind.ENSEMBLE,
        VerdictRule(),
        60.0,
        lambda stage, share, _: told.append((stage, share)),
    )
    assert load(made.card, made.graph).signals == 3
    assert sum(bar.count for bar in made.histogram) == made.card.held_out_rows
    assert made.metrics["held_out_above_share"] == 0
    assert [stage for stage, _ in told] == [JobStage.LEARNING, JobStage.SCORING]
    rows = usual(400, seed=2)
    rows[300:, 2] += 2.0
    masked = np.zeros(400, dtype=np.bool_)
    masked[100:120] = True
    scores, contribution = await trainer.score(made.card, made.graph, rows, masked, lambda *_: None)
    assert np.isnan(scores[100:120]).all()
    assert (scores[340:] > 0).all()
    assert int(np.argmax(contribution[399])) == 2


async def test_what_cannot_be_learned_from_is_refused_with_its_reason() -> None:
    trainer = ProcessTrainer()
    with pytest.raises(InvalidInputError, match="100 rows are too few"):
        await trainer.train("Pump", NAMES, usual(100), DetectorKind.PCA, VerdictRule(), 60.0, lambda *_: None)
    with pytest.raises(InvalidInputError, match="no ONNX graph"):
        await trainer.adopt("Pump", NAMES, usual(200), b"rm -rf /", VerdictRule(), 60.0, lambda *_: None)


async def test_a_training_that_is_stopped_is_gone_and_the_next_one_is_made() -> None:
    trainer = ProcessTrainer()

    def at_once(stage: JobStage, share: float, loss: float | None) -> None:
        if loss is not None:
            trainer.stop()

    async with asyncio.timeout(120):
        with pytest.raises(UnavailableError, match="without an answer"):
            await trainer.train(
                "Pump", NAMES, usual(1_000), DetectorKind.LSTM_AUTOENCODER, VerdictRule(), 60.0, at_once
            )
        made = await trainer.train(
            "Pump", NAMES, usual(400), DetectorKind.ROLLING_Z, VerdictRule(), 60.0, lambda *_: None
        )
    assert made.card.kind is DetectorKind.ROLLING_Z
