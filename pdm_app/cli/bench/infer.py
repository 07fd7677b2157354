"""`bench infer`: how quickly windows are scored, one by one and many at once, and what the event loop feels of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.machine import busy_percent, machine
from pdm_app.domain.samples import F8
from pdm_app.inference.lstm_autoencoder import LstmAutoencoder
from pdm_app.inference.pool import InferencePool
from pdm_app.inference.sessions import Session
from pdm_app.inference.windows import CHUNK, windows_of

ROWS, SIGNALS, CELLS = 30, 10, 64
TRAINING_ROWS = 8_640
"""A day of one asset at a row every ten seconds."""
CLAIM_MS, CLAIM_PER_S = 20.0, 50.0
"""The better end of what the reference systems say of themselves: 20 to 50 ms, 20 to 50 predictions a second."""
LAG_EVERY_S = 0.002
ASKERS = 256


@dataclass(frozen=True, slots=True)
class InferLoad:
    """How long each measurement takes, in seconds, and whether a model is trained at full length."""

    seconds: float = 5.0
    trains: bool = True


def bench_infer(load: InferLoad) -> Report:
    """Measure the LSTM autoencoder of 30 rows, 10 signals and 64 cells."""
    rows = _day(TRAINING_ROWS)
    began_s = time.perf_counter()
    detector = LstmAutoencoder(ROWS, CELLS, epochs=20 if load.trains else 1)
    detector.fit(rows if load.trains else rows[:400])
    trained_s = time.perf_counter() - began_s
    detector.calibrate(rows[:600])
    session = Session(detector.export()[0])
    windows = np.ascontiguousarray(windows_of(rows[:2_000], ROWS))
    single = _singles(session, windows, load.seconds)
    batched = _batched(session, windows, load.seconds)
    pooled, lag = asyncio.run(_pooled(session, windows, load.seconds))
    figures = (
        Figure("one window, p99", single.p99_ms, "ms", 20.0, 1.0, CLAIM_MS),
        Figure("one window, median", single.p50_ms, "ms"),
        Figure(f"batches of {CHUNK}", batched, "windows/s", 1_000.0, 20_000.0, CLAIM_PER_S, more_is_better=True),
        Figure(f"pool, {ASKERS} askers", pooled, "windows/s", 1_000.0, 20_000.0, CLAIM_PER_S, more_is_better=True),
        Figure("event loop meanwhile, p99 late", lag.p99_ms, "ms", 20.0, 5.0),
        Figure(
            "training on 24 h at 10 s", trained_s if load.trains else None, "s", 60.0, 60.0,
            note="" if load.trains else "not measured",
        ),
    )  # fmt: skip
    return Report(
        "Scoring windows", machine(Path.cwd()),
        f"LSTM autoencoder {ROWS} × {SIGNALS}, {CELLS} cells, {load.seconds:g} s each; "
        f"the machine was {busy_percent():.0f} % busy",
        "what the reference systems say of themselves: 20–50 ms and 20–50 predictions a second",
        figures,
    )  # fmt: skip


def _day(rows: int) -> F8:
    random = np.random.default_rng(0)
    swing = np.sin(np.arange(rows)[:, None] / np.arange(20, 20 + SIGNALS)[None])
    day: F8 = swing + 0.1 * random.standard_normal((rows, SIGNALS))
    return day


def _singles(session: Session, windows: NDArray[np.float32], seconds: float) -> Latencies:
    micros: list[int] = []
    until_s = time.perf_counter() + seconds
    place = 0
    while time.perf_counter() < until_s:
        window = windows[place % len(windows)][None]
        began_ns = time.perf_counter_ns()
        session.run(window)
        micros.append((time.perf_counter_ns() - began_ns) // 1_000)
        place += 1
    return Latencies.of_micros(np.array(micros, dtype=np.int64))


def _batched(session: Session, windows: NDArray[np.float32], seconds: float) -> float:
    began_s = time.perf_counter()
    scored = 0
    while time.perf_counter() - began_s < seconds:
        session.run(windows[:CHUNK])
        scored += CHUNK
    return scored / (time.perf_counter() - began_s)


async def _pooled(session: Session, windows: NDArray[np.float32], seconds: float) -> tuple[float, Latencies]:
    """Let many askers score for a while, and measure how late the loop wakes meanwhile."""
    pool = InferencePool()
    pool.put("bench", session)
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    late: list[int] = []

    async def asks(first: int) -> None:
        place = first
        while loop.time() < until_s:
            await pool.score("bench", windows[place % len(windows)])
            place += ASKERS

    async def wakes() -> None:
        while loop.time() < until_s:
            due_s = loop.time() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            late.append(max(0, round((loop.time() - due_s) * 1e6)))

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(wakes())
            for number in range(ASKERS):
                group.create_task(asks(number))
    finally:
        pool.close()
    return pool.figures.windows / seconds, _latencies(late)


def _latencies(micros: Sequence[int]) -> Latencies:
    return Latencies.of_micros(np.array(micros, dtype=np.int64))
