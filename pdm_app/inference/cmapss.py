"""Remaining useful life on NASA's C-MAPSS FD001: twenty engines held out, each cut fifty times.

Data: Saxena et al., Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation, PHM 2008; public domain,
not part of the product.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8
from pdm_app.inference.rul import LIFE_MAX, RulModel

HELD_OUT_FROM = 81
CUTS_EACH = 50
FIRST_CUT = 31
COLUMNS = 26
FIRST_SENSOR = 5
FILE = "train_FD001.txt"

CONFIGURATIONS_TRIED = 5
"""Settings of the boosting that were looked at on the held-out engines; the first was kept."""

MEASURED_BEFORE = (("LSTM, small", 14.0), ("CNN, small", 16.5))
"""Other models on the same engines and cuts, measured while the product was designed: name and RMSE."""


@dataclass(frozen=True, slots=True)
class RulFigures:
    """How good predictions of remaining life were, in cycles.

    Attributes:
        rmse: Root mean square error; the true life capped at 125.
        phm_score: Sum of exp(-d/13)-1 for early and exp(d/10)-1 for late ones, d = predicted - true.
        coverage: Share of true lives inside the 90 % interval.
        width: Mean width of it.
        cuts: How many predictions were judged.
    """

    rmse: float
    phm_score: float
    coverage: float
    width: float
    cuts: int


def read_engines(folder: Path) -> Mapping[int, F8]:
    """Read the runs of all engines, each of shape (cycles, sensors).

    Raises:
        InvalidInputError: The file is missing, or is not the one of NASA.
    """
    path = folder / FILE
    try:
        table = np.loadtxt(path, ndmin=2)
    except OSError as error:
        raise InvalidInputError(
            f"'{path}' cannot be read; FD001 of NASA's C-MAPSS data set is needed there."
        ) from error
    except ValueError as error:
        raise InvalidInputError(f"'{path}' is no table of numbers: {error}.") from error
    if table.shape[1] != COLUMNS:
        raise InvalidInputError(f"'{path}' has {table.shape[1]} columns; C-MAPSS has {COLUMNS}.")
    engines = table[:, 0].astype(np.int64)
    return {int(engine): table[engines == engine][:, FIRST_SENSOR:] for engine in np.unique(engines)}


def cuts_of(engines: Mapping[int, F8]) -> Sequence[tuple[int, int]]:
    """Return (engine, last seen cycle) pairs, the same ones each time: cycles from 31 to the last but one."""
    random = np.random.default_rng(0)
    return [
        (engine, int(cycle))
        for engine in sorted(engines)
        if engine >= HELD_OUT_FROM
        for cycle in random.integers(FIRST_CUT, len(engines[engine]), CUTS_EACH)
    ]


def evaluate(folder: Path) -> tuple[RulFigures, RulFigures]:
    """Train on engines 1 to 80 and judge on the cuts of the others; the second figures are those of always 125."""
    engines = read_engines(folder)
    model = RulModel().fit([run for engine, run in engines.items() if engine < HELD_OUT_FROM])
    rows: list[tuple[float, float, float, float]] = []
    for engine, cycle in cuts_of(engines):
        told = model.predict(engines[engine][:cycle])  # Cut first: what comes later cannot be looked at.
        true = min(float(len(engines[engine]) - cycle), LIFE_MAX)
        rows.append((true, float(told.middle[-1]), float(told.low[-1]), float(told.high[-1])))
    if not rows:
        raise InvalidInputError(f"'{folder / FILE}' has no engine from {HELD_OUT_FROM} on to be judged by.")
    true, middle, low, high = np.array(rows).T
    return rul_figures(true, middle, low, high), rul_figures(true, *(np.full(len(true), LIFE_MAX),) * 3)


def rul_figures(true: F8, middle: F8, low: F8, high: F8) -> RulFigures:
    """Rate predictions, all of shape (cuts,)."""
    late = middle - true
    score = np.where(late < 0, np.exp(-late / 13) - 1, np.exp(late / 10) - 1)
    inside = (low <= true) & (true <= high)
    return RulFigures(
        rmse=float(np.sqrt(np.mean(late**2))), phm_score=float(score.sum()), coverage=float(inside.mean()),
        width=float((high - low).mean()), cuts=len(true),
    )  # fmt: skip
