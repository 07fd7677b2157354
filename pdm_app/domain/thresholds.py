"""Where "unusual" begins, and when an alarm is on: thresholds that hold on samples that nobody has fitted.

A threshold taken from the samples a model was fitted to alarms on nearly everything that follows: the model knows those
samples by heart. The rules here look at a block that lies behind them in time; the classic rule is kept, and says so.
"""

from collections import deque
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from pdm_app.domain.record import Finite, Record
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags

SECONDS_A_MONTH = 30 * 86_400.0
TAIL_FROM = 0.9  # The tail of the held-out block from which a rate of false alarms is carried on.
EPISODES_MIN = 3  # Fewer separate peaks in the tail tell nothing of how it falls.


class ThresholdRule(StrEnum):
    """How the operating point of a model is found."""

    HELD_OUT = "held_out"
    """The highest score of the forward block, and a margin."""
    BUDGET = "budget"
    """So many false alarms a month of an asset, carried on from the tail of the forward block; never below HELD_OUT."""
    CLASSIC = "training_p99"
    """The 99th percentile of the fitted samples' own scores: labelled, for it alarms far too often."""


class VerdictRule(Record):
    """When scores become an alarm; margins are differences of the score's natural logarithm.

    ``clear_at`` and ``rearm_margin`` look at an alarm's own height: a machine that comes back from a fault rarely comes
    back to exactly where it was, and would stay in alarm for good under a fixed limit.
    """

    rule: ThresholdRule = ThresholdRule.HELD_OUT
    margin: Annotated[Finite, Field(ge=0, le=10)] = 0.25
    false_alarms_per_month: Annotated[Finite, Field(gt=0, le=1000)] = 2.0
    on_count: Annotated[int, Field(ge=1, le=60)] = 3
    of_rows: Annotated[int, Field(ge=1, le=60)] = 5
    clear_at: Annotated[Finite, Field(ge=0, lt=1, description="Share of the alarm's height below which it clears.")] = (
        0.45
    )
    rearm_margin: Annotated[Finite, Field(ge=0, le=10)] = 0.8
    peak_forgets: Annotated[Finite, Field(ge=0, lt=1, description="Share of the height's decay a row.")] = 0.02


def operating_point(held_out: F8, fitted: F8, rule: VerdictRule, row_s: float) -> float:
    """Return the threshold on log scores.

    Args:
        held_out: Log scores of the block behind the fitted one, shape (rows,).
        fitted: Log scores of the fitted rows themselves; only the classic rule looks at them.
        rule: Which rule, and its margin or budget.
        row_s: Seconds between two rows, for the budget.
    """
    if rule.rule is ThresholdRule.CLASSIC:
        return float(np.quantile(fitted, 0.99))
    highest = float(np.max(held_out)) + rule.margin
    if rule.rule is ThresholdRule.HELD_OUT:
        return highest
    return max(highest, _budgeted(held_out, rule.false_alarms_per_month, row_s))


def _budgeted(held_out: F8, per_month: float, row_s: float) -> float:
    """Carry the rate of separate peaks above the tail's start on, as an exponential tail: rate₀ · e^(-u/mean).

    Source: peaks over threshold with shape 0, Coles, An Introduction to Statistical Modeling of Extreme Values, 4.
    """
    start = float(np.quantile(held_out, TAIL_FROM))
    peaks: list[float] = []
    above = held_out > start
    edges = np.flatnonzero(np.diff(np.concatenate(([0], above.astype(np.int8), [0]))))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        peaks.append(float(held_out[begin:end].max()) - start)
    if len(peaks) < EPISODES_MIN:
        return float(np.max(held_out))
    a_month = len(peaks) * SECONDS_A_MONTH / (len(held_out) * row_s)
    return start + float(np.mean(peaks)) * float(np.log(max(1.0, a_month / per_month)))


class Verdict:
    """Turns log scores above the threshold into one alarm, row by row; the state between two rows is all it keeps."""

    def __init__(self, rule: VerdictRule) -> None:
        self._rule = rule
        self._recent: deque[bool] = deque(maxlen=rule.of_rows)
        self._peak = 0.0
        self._low: float | None = None
        self.is_on = False

    def step(self, log_score: float) -> bool:
        """Judge the next row; NaN (a masked row) leaves everything as it is, and is never itself an alarm."""
        if log_score != log_score:
            return False
        rule = self._rule
        if self.is_on:
            decayed = self._peak - rule.peak_forgets * (self._peak - log_score)
            self._peak = max(log_score, decayed)
            if log_score < self._peak * rule.clear_at:
                self.is_on, self._low = False, log_score
                self._recent.clear()
            return self.is_on
        level = 0.0 if self._low is None else max(0.0, self._low + rule.rearm_margin)
        self._recent.append(log_score > level)
        if self._low is not None:
            self._low = min(self._low, log_score)
        if sum(self._recent) >= rule.on_count:
            self.is_on, self._peak = True, log_score
        return self.is_on

    def resume(self, peak: float) -> None:
        """Go on with an alarm that was on, and had come so high."""
        self.is_on, self._peak = True, peak

    def run(self, log_scores: F8) -> Flags:
        """Judge consecutive rows, shape (rows,)."""
        return np.fromiter((self.step(float(value)) for value in log_scores), dtype=np.bool_, count=len(log_scores))
