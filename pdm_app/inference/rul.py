"""Remaining useful life from runs to failure: boosted trees for the middle, conformal quantile trees for the interval.

An interval is only as good as its coverage on runs that nobody fitted: the quantile trees see some of the runs, the
others tell by how much their intervals must be widened (Romano, Patterson & Candès, Conformalized Quantile Regression,
NeurIPS 2019). Rows of one run are alike, so runs are held out, never rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags
from pdm_app.inference.boosting import BoostedTrees, BoostingSettings
from pdm_app.inference.rul_features import WearFeatures

LIFE_MAX = 125.0
"""Rows of remaining life beyond which wear does not show yet. Source: Heimes, PHM 2008; used for FD001 ever since."""
FIRST_ROW = 20
RUNS_MIN = 8
CALIBRATION_EVERY = 4
LEVELS = (0.05, 0.10, 0.90, 0.95)
QUANTILE_ROUNDS = 120
WITHOUT_WEAR = 0.95
"""Share of the longest life from which on a machine looks like new."""


@dataclass(frozen=True, slots=True)
class RulEstimate:
    """Remaining life at some rows, in rows; all of shape (rows,).

    Attributes:
        middle: The expected life, capped at the model's longest.
        low: 5 % of lives end before it; ``low_10`` 10 %.
        high: 5 % last longer; ``high_90`` 10 %.
    """

    middle: F8
    low: F8
    low_10: F8
    high_90: F8
    high: F8

    @property
    def shows_no_wear(self) -> Flags:
        """Where the life is the cap or more: no trend yet, so no number should be shown."""
        return np.asarray((self.high >= LIFE_MAX) & (self.middle >= WITHOUT_WEAR * LIFE_MAX))


@dataclass(slots=True)
class RulModel:
    """Tells the remaining rows of a run from the rows so far."""

    settings: BoostingSettings = field(default_factory=BoostingSettings)
    _features: WearFeatures | None = None
    _middle: BoostedTrees | None = None
    _quantiles: list[BoostedTrees] = field(default_factory=list)
    _widened: tuple[float, float] = (0.0, 0.0)

    def fit(self, runs: Sequence[F8]) -> Self:
        """Learn from whole runs to failure, each of shape (rows, signals).

        Raises:
            InvalidInputError: Too few runs, or runs too short to show anything.
        """
        long = [run for run in runs if len(run) > 2 * FIRST_ROW]
        if len(long) < RUNS_MIN:
            raise InvalidInputError(
                f"{len(long)} runs to failure of more than {2 * FIRST_ROW} rows are there; {RUNS_MIN} are needed "
                "before a remaining life can be told from them."
            )
        self._features = features = WearFeatures.learned(long)
        rows = [features.of(run)[FIRST_ROW:] for run in long]
        lives = [life_of(len(run))[FIRST_ROW:] for run in long]
        self._middle = BoostedTrees(self.settings).fit(np.concatenate(rows), np.concatenate(lives))
        held = [place for place in range(len(long)) if place % CALIBRATION_EVERY == 0]
        fitted = [place for place in range(len(long)) if place % CALIBRATION_EVERY]
        few = BoostingSettings(rounds=min(QUANTILE_ROUNDS, self.settings.rounds), rate=0.1, seed=self.settings.seed)
        shown, told = np.concatenate([rows[p] for p in fitted]), np.concatenate([lives[p] for p in fitted])
        self._quantiles = [BoostedTrees(few, level).fit(shown, told) for level in LEVELS]
        self._widened = self._conformal([rows[p] for p in held], [lives[p] for p in held])
        return self

    def predict(self, run: F8) -> RulEstimate:
        """Tell the remaining rows at each row of a run so far, shape (rows, signals)."""
        if self._features is None or self._middle is None:
            raise InvalidInputError("The model of remaining life has not been trained.")
        features = self._features.of(run)
        low, low_10, high_90, high = (self._bounded(trees.predict(features)) for trees in self._quantiles)
        outer, inner = self._widened
        middle = self._bounded(self._middle.predict(features))
        bounds = [self._bounded(bound) for bound in (low - outer, low_10 - inner, high_90 + inner, high + outer)]
        ordered: F8 = np.sort(np.stack(bounds), axis=0)  # Quantiles of separate trees may cross; sorted, they do not.
        return RulEstimate(np.clip(middle, ordered[0], ordered[3]), *ordered)

    def _conformal(self, rows: Sequence[F8], lives: Sequence[F8]) -> tuple[float, float]:
        """Return by how much the 90 % and the 80 % interval must be widened to hold on runs that were not fitted."""
        features, life = np.concatenate(rows), np.concatenate(lives)
        low, low_10, high_90, high = (self._bounded(trees.predict(features)) for trees in self._quantiles)
        outer = float(np.quantile(np.maximum(low - life, life - high), LEVELS[3] - LEVELS[0]))
        inner = float(np.quantile(np.maximum(low_10 - life, life - high_90), LEVELS[2] - LEVELS[1]))
        return max(outer, 0.0), max(inner, 0.0)

    @staticmethod
    def _bounded(life: F8) -> F8:
        return np.clip(life, 0.0, LIFE_MAX)


def life_of(rows: int) -> F8:
    """Return the remaining rows at each row of a run to failure, capped."""
    return np.minimum(np.arange(rows - 1, -1, -1), LIFE_MAX).astype(np.float64)
