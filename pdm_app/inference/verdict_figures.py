"""How good verdicts are where the truth is known: rows pooled over experiments, and events with their delays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.scores import Flags

RUN_ROWS = 5
"""Consecutive alarmed rows inside an event that count as having seen it."""


@dataclass(frozen=True, slots=True)
class VerdictFigures:
    """Figures over some experiments; rates are shares of 1, None where there was nothing to rate.

    Attributes:
        f1: Harmonic mean of precision and recall, by row, without point adjustment.
        false_alarm_rate: Usual rows that were alarmed, FP / (FP + TN).
        missed_rate: Unusual rows that were not, FN / (FN + TP).
        events: Experiments with an event, and ``seen`` how many of them were seen.
        delay_rows: Median rows from an event's first to its alarm; an unseen event counts as never. None: half unseen.
    """

    f1: float | None
    false_alarm_rate: float | None
    missed_rate: float | None
    events: int
    seen: int
    delay_rows: float | None


def figures_of(experiments: Sequence[tuple[Flags, Flags]]) -> VerdictFigures:
    """Rate verdicts, each as (alarmed, truly unusual), both of shape (rows,) and scored rows only."""
    hit = false = missed = quiet = 0
    delays: list[float] = []
    for alarmed, unusual in experiments:
        hit += int((alarmed & unusual).sum())
        false += int((alarmed & ~unusual).sum())
        missed += int((~alarmed & unusual).sum())
        quiet += int((~alarmed & ~unusual).sum())
        if unusual.any():
            delays.append(_delay(alarmed, unusual))
    median = float(np.median(delays)) if delays else float("inf")
    return VerdictFigures(
        f1=_ratio(2 * hit, 2 * hit + false + missed), false_alarm_rate=_ratio(false, false + quiet),
        missed_rate=_ratio(missed, missed + hit), events=len(delays), seen=int(np.isfinite(delays).sum()),
        delay_rows=median if np.isfinite(median) else None,
    )  # fmt: skip


def _delay(alarmed: Flags, unusual: Flags) -> float:
    """Return the rows until the first of `RUN_ROWS` alarmed ones in a row, from the first to the last unusual row."""
    places = np.flatnonzero(unusual)
    inside = alarmed[places[0] : places[-1] + 1]
    if len(inside) < RUN_ROWS:
        return float("inf")
    runs = np.flatnonzero(np.convolve(inside, np.ones(RUN_ROWS), "valid") == RUN_ROWS)
    return float(runs[0]) if len(runs) else float("inf")


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
