"""Rows of a small made-up machine whose usual running, drift and faults are known."""

import numpy as np

from pdm_app.domain.samples import F8

SIGNALS = ("flow", "pressure", "current", "vibration")


def usual(rows: int, seed: int = 0, drift_per_row: float = 0.0) -> F8:
    """Four signals, of which two follow one load; in units of different sizes."""
    random = np.random.default_rng(seed)
    load = np.sin(np.arange(rows) / 37) + 0.3 * random.standard_normal(rows)
    noise = random.standard_normal((rows, 4)) * np.array([0.5, 0.02, 0.1, 0.05])
    drift = drift_per_row * np.arange(rows)
    base = np.stack([120 + 2 * load, 3 + 0.1 * load, 8 + 0.4 * load, np.full(rows, 1.2)], axis=1)
    rows_of: F8 = base + noise + drift[:, None] * np.array([2.0, 0.1, 0.4, 0.05])
    return rows_of


def with_fault(rows: F8, start: int, end: int, signal: int, size: float) -> F8:
    """Shift one signal for a while."""
    faulty = rows.copy()
    faulty[start:end, signal] += size
    return faulty
