"""Models at work: graphs run in the pool's threads, everything else of a verdict is a few hundred numbers.

``Inference()`` implements `pdm_app.domain.live_models.LiveModels`. Training and replays run in a thread, too; what they
take is the demo's default model, and a version's past. Larger trainings have a process of their own.
"""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from pdm_app.domain.live_models import InferenceFigures
from pdm_app.domain.models import ModelCard
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags, Scores
from pdm_app.inference.ensemble import EnsembleDetector
from pdm_app.inference.pool import LATENCY_EDGES_S, InferencePool
from pdm_app.inference.scoring import Scorer
from pdm_app.inference.sessions import load
from pdm_app.inference.training import train
from pdm_app.inference.windows import CHUNK

ROWS_AT_ONCE = 8
"""More rows than these are prepared in a thread: the baseline follows row by row."""


class PooledModel:
    """One version on one machine; implements `pdm_app.domain.live_models.LiveModel`."""

    def __init__(self, version_id: str, scorer: Scorer, pool: InferencePool) -> None:
        self._id = version_id
        self._scorer = scorer
        self._pool = pool

    @property
    def drift(self) -> F8:
        return self._scorer.drift

    def remember(self, rows: F8, *, follows: bool) -> None:
        self._scorer.remember(rows, follows=follows)

    def resume(self, drift: F8, unusual_since_peak: float | None) -> None:
        self._scorer.resume(drift, unusual_since_peak)

    async def judge(self, rows: F8, masked: Flags) -> tuple[Scores, Flags]:
        if len(rows) <= ROWS_AT_ONCE:
            windows, held = self._scorer.windows(rows, masked)
        else:
            windows, held = await asyncio.to_thread(self._scorer.windows, rows, masked)
        raw: list[float] = []
        shares: list[F8] = []
        for start in range(0, len(windows), CHUNK):
            some = windows[start : start + CHUNK]
            for score, share in await asyncio.gather(*(self._pool.score(self._id, window) for window in some)):
                raw.append(score)
                shares.append(share)
        return self._scorer.judged(np.array(raw), np.array(shares).reshape(len(raw), rows.shape[1]), held)


class Inference:
    """The pool and what is loaded into it."""

    def __init__(self, now_s: Callable[[], float] | None = None) -> None:
        self._pool = InferencePool(now_s=now_s)

    async def load(self, version_id: str, card: ModelCard, graph: bytes) -> PooledModel:
        session = await asyncio.to_thread(load, card, graph)
        self._pool.put(version_id, session)
        return PooledModel(version_id, Scorer(card, session), self._pool)

    def drop(self, version_id: str) -> None:
        self._pool.drop(version_id)

    async def train_default(self, name: str, signals: Sequence[str], rows: F8, row_s: float) -> tuple[ModelCard, bytes]:
        model = await asyncio.to_thread(train, name, signals, rows, EnsembleDetector(), row_s=row_s)
        return model.card, model.graph

    async def replay(self, card: ModelCard, graph: bytes, before: F8, rows: F8, masked: Flags) -> F8:
        return await asyncio.to_thread(_replayed, card, graph, before, rows, masked)

    @property
    def figures(self) -> InferenceFigures:
        told = self._pool.figures
        return InferenceFigures(
            told.windows, told.batches, told.refused, told.shed, told.failed, LATENCY_EDGES_S, tuple(told.latency)
        )

    def close(self) -> None:
        """End the threads; runs in flight are awaited."""
        self._pool.close()


def _replayed(card: ModelCard, graph: bytes, before: F8, rows: F8, masked: Flags) -> F8:
    scorer = Scorer(card, load(card, graph))
    if len(before):
        scorer.remember(before, follows=True)
    scores, _ = scorer.score(rows, masked)
    return np.asarray(np.log(scores.score), dtype=np.float64)
