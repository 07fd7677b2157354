"""Windows over rows of signals, and the fixed batches in which they are scored."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pdm_app.domain.models import Windows
from pdm_app.domain.samples import F8

CHUNK = 64
"""Windows of one run: larger batches are slower per window (36,000 windows/s at 64, fewer at 256)."""


def windows_of(rows: NDArray[np.floating], window_rows: int) -> Windows:
    """Return one window for each row, ending with it, shape (rows, window_rows, signals).

    Before the first row it is repeated: a window sees no row that comes later, and no gap either.
    """
    before = np.repeat(rows[:1], window_rows - 1, axis=0)
    padded = np.concatenate([before, rows]).astype(np.float32)
    return sliding_window_view(padded, window_rows, axis=0).transpose(0, 2, 1)


def whole_windows_of(rows: NDArray[np.floating], window_rows: int) -> Windows:
    """Return the windows that lie entirely inside the rows, for learning."""
    return windows_of(rows, window_rows)[window_rows - 1 :]


def chunks(windows: Windows) -> Iterator[tuple[Windows, int]]:
    """Cut windows into batches of one size, the last filled up with its own last window, with how many are meant.

    Matrix products of different sizes round differently: with one size for all, a score does not depend on how many
    rows follow, to the last bit.
    """
    for start in range(0, len(windows), CHUNK):
        part = np.ascontiguousarray(windows[start : start + CHUNK])
        meant = len(part)
        if meant < CHUNK:
            part = np.concatenate([part, np.repeat(part[-1:], CHUNK - meant, axis=0)])
        yield part, meant


def in_chunks(windows: Windows, run: Callable[[Windows], tuple[F8, F8]]) -> tuple[F8, F8]:
    """Run something over all windows, chunk by chunk; shapes (windows,) and (windows, signals)."""
    scores: list[F8] = []
    parts: list[F8] = []
    for part, meant in chunks(windows):
        score, share = run(part)
        scores.append(np.asarray(score[:meant], dtype=np.float64))
        parts.append(np.asarray(share[:meant], dtype=np.float64))
    if not scores:
        return np.empty(0), np.empty((0, windows.shape[2]))
    return np.concatenate(scores), np.concatenate(parts)
