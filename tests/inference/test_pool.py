"""The pool: batched, bounded, on time, and swapped without a gap."""

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.models import DetectorKind, Windows
from pdm_app.domain.samples import F8
from pdm_app.inference.pool import InferencePool
from pdm_app.inference.sessions import Session
from pdm_app.inference.training import DETECTORS
from pdm_app.inference.windows import windows_of
from tests.inference.plants import usual


def graph_of(seed: int) -> bytes:
    rows = usual(300, seed=seed)
    return DETECTORS[DetectorKind.PCA]().fit(rows[:200]).calibrate(rows[200:]).export()[0]


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(graph_of(0))


@pytest.fixture
def pool() -> Iterator[InferencePool]:
    pool = InferencePool(threads=1)
    yield pool
    pool.close()


class Gate(Session):
    """A session that runs only when it is let."""

    def __init__(self, graph: bytes) -> None:
        super().__init__(graph)
        self.opened = threading.Event()
        self.batches: list[int] = []

    def score(self, windows: Windows) -> tuple[F8, F8]:
        self.opened.wait(30)
        self.batches.append(len(windows))
        return super().score(windows)


async def test_each_asker_gets_the_score_of_its_own_window(pool: InferencePool, session: Session) -> None:
    pool.put("m", session)
    windows = windows_of(usual(150, seed=7), session.window_rows)
    answers = await asyncio.gather(*(pool.score("m", window) for window in windows))
    expected, shares = session.score(windows)
    assert np.allclose([score for score, _ in answers], expected, rtol=1e-5)
    assert np.allclose([share for _, share in answers], shares, rtol=1e-4)
    assert pool.figures.windows == 150
    assert sum(pool.figures.latency) == 150


async def test_windows_that_wait_together_run_together(pool: InferencePool) -> None:
    gate = Gate(graph_of(0))
    pool.put("m", gate)
    windows = windows_of(usual(150, seed=7), gate.window_rows)
    asked = [asyncio.ensure_future(pool.score("m", window)) for window in windows]
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(*asked)
    assert gate.batches[0] == 1
    assert gate.batches[1:] == [64, 64, 21]


async def test_a_full_queue_refuses_and_counts(session: Session) -> None:
    gate = Gate(graph_of(0))
    pool = InferencePool(threads=1, windows_max=3)
    pool.put("m", gate)
    window = windows_of(usual(50), session.window_rows)[-1]
    asked = [asyncio.ensure_future(pool.score("m", window)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.opened.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(outcome, UnavailableError) for outcome in outcomes] == [False] * 4 + [True]
    assert pool.figures.refused == 1
    pool.close()


async def test_a_window_past_its_deadline_is_shed_and_counted(session: Session) -> None:
    now = [0.0]
    gate = Gate(graph_of(0))
    pool = InferencePool(threads=1, deadline_s=2.0, now_s=lambda: now[0])
    pool.put("m", gate)
    window = windows_of(usual(50), session.window_rows)[-1]
    first, second = (asyncio.ensure_future(pool.score("m", window)) for _ in range(2))
    await asyncio.sleep(0)
    now[0] = 2.5
    gate.opened.set()
    assert (await first)[0] > 0  # It ran already.
    with pytest.raises(UnavailableError, match="longer than 2 s"):
        await second
    assert pool.figures.shed == 1
    pool.close()


async def test_another_version_takes_over_without_a_gap(pool: InferencePool, session: Session) -> None:
    other = Session(graph_of(3))
    pool.put("m", session)
    window = windows_of(usual(50, seed=8), session.window_rows)[-1]
    before = await pool.score("m", window)
    pool.put("m", other)
    after = await pool.score("m", window)
    assert before[0] == pytest.approx(session.score(window[None])[0][0], rel=1e-5)
    assert after[0] == pytest.approx(other.score(window[None])[0][0], rel=1e-5)
    assert before[0] != after[0]


async def test_a_model_that_is_not_in_force_and_a_wrong_window_are_refused(
    pool: InferencePool, session: Session
) -> None:
    with pytest.raises(UnavailableError, match="not in force"):
        await pool.score("none", np.zeros((20, 4), np.float32))
    pool.put("m", session)
    with pytest.raises(UnavailableError, match=r"\(3, 4\) came"):
        await pool.score("m", np.zeros((3, 4), np.float32))


async def test_what_waits_is_refused_when_the_pool_closes() -> None:
    gate = Gate(graph_of(0))
    pool = InferencePool(threads=1)
    pool.put("m", gate)
    window = windows_of(usual(50), gate.window_rows)[-1]
    asked = [asyncio.ensure_future(pool.score("m", window)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.opened.set()
    pool.close()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert not isinstance(outcomes[0], BaseException)
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes[1:])
