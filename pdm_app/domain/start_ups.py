"""Pieces as they were counted, and the scrap of starts: what a machine makes before it has found its way again.

A start begins when a machine leaves a set-up, a planned stop or a breakdown, and ends with so many good pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.counters import Increments
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.samples import F8, I8

COLD = (MachineState.SETUP, MachineState.PLANNED, MachineState.DOWN)
"""States after which the first pieces are a start."""


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What was counted of each kind, and which product was in work when.

    Attributes:
        made: Increments of all pieces, as are ``good``, ``scrap`` and ``rework`` of theirs; None where no counter is.
        product_at: Moments from which a product was in work, rising.
        cycle_s: The ideal cycle from each of these moments on; NaN where it is not known.
        is_known: Whether it is known which product it is.
        energy: Increments of a meter, in kWh; None where there is none.
    """

    made: Increments | None
    good: Increments | None
    scrap: Increments | None
    rework: Increments | None
    product_at: I8
    cycle_s: F8
    is_known: NDArray[np.bool_]
    energy: Increments | None = None


def cycle_at(pieces: Pieces, at: I8) -> F8:
    """Return the ideal cycle in force at each moment; NaN where none is known."""
    place = np.searchsorted(pieces.product_at, at, side="right") - 1
    if not len(pieces.cycle_s):
        return np.full(len(at), np.nan)
    found: F8 = np.where(place >= 0, pieces.cycle_s[np.clip(place, 0, None)], np.nan)
    return found


def start_ups(pieces: Pieces, starts: Sequence[int], good_pieces: int, end_at: int) -> list[tuple[int, int]]:
    """Return when each start began and ended; one that goes on ends with the span, and one before the next begins.

    Args:
        pieces: What was counted.
        starts: Moments, rising.
        good_pieces: So many end a start; 0 for none at all.
        end_at: Of the span.
    """
    if not good_pieces or not starts:
        return []
    at, good = _good(pieces)
    windows = []
    for begin_at, until in zip(starts, [*starts[1:], end_at], strict=True):
        first = int(np.searchsorted(at, begin_at, side="left"))
        reached = np.flatnonzero(np.cumsum(good[first:]) >= good_pieces)
        over_at = int(at[first + reached[0]]) if len(reached) else until
        windows.append((begin_at, min(max(over_at, begin_at), until)))
    return windows


def startup_scrap(pieces: Pieces, windows: Sequence[tuple[int, int]], begins: I8, end_at: int) -> tuple[F8, F8]:
    """Return by interval the scrap of starts, and its planned run time.

    Args:
        pieces: What was counted.
        windows: Of the starts, apart from each other.
        begins: Where intervals begin.
        end_at: Of the last.
    """
    scrap, ideal_s = np.zeros(len(begins)), np.zeros(len(begins))
    if not windows:
        return scrap, ideal_s
    at, lost = _scrap(pieces)
    sums = np.concatenate([[0.0], np.cumsum(lost)])
    untils = np.append(begins[1:], end_at)
    for begin_at, over_at in windows:
        edges = np.clip(begins, begin_at, over_at), np.clip(untils, begin_at, over_at)
        first, last = (np.searchsorted(at, edge, side="left") for edge in edges)
        own = sums[last] - sums[first]
        scrap += own
        ideal_s += own * np.nan_to_num(cycle_at(pieces, np.array([begin_at], np.int64))[0])
    return scrap, ideal_s


def _good(pieces: Pieces) -> tuple[I8, F8]:
    if pieces.good is not None:
        return pieces.good.at, np.nan_to_num(pieces.good.count)
    return _together([(pieces.made, 1.0), (pieces.scrap, -1.0), (pieces.rework, -1.0)])


def _scrap(pieces: Pieces) -> tuple[I8, F8]:
    if pieces.scrap is not None:
        return pieces.scrap.at, np.nan_to_num(pieces.scrap.count)
    if pieces.made is None or pieces.good is None:
        return np.zeros(0, np.int64), np.zeros(0)
    return _together([(pieces.made, 1.0), (pieces.good, -1.0), (pieces.rework, -1.0)])


def _together(parts: Sequence[tuple[Increments | None, float]]) -> tuple[I8, F8]:
    """Return increments of several counters by time, each with its sign; those of one moment are one."""
    known = [(grown, sign) for grown, sign in parts if grown is not None]
    if not known:
        return np.zeros(0, np.int64), np.zeros(0)
    at = np.concatenate([grown.at for grown, _ in known])
    count = np.concatenate([np.nan_to_num(grown.count) * sign for grown, sign in known])
    moments, place = np.unique(at, return_inverse=True)
    sums = np.zeros(len(moments))
    np.add.at(sums, place, count)
    return moments, sums
