"""The detectors on the Skoltech Anomaly Benchmark: 400 rows to learn from in each experiment, the rest judged blindly.

Data: waico/SKAB, DOI 10.34740/KAGGLE/DSV/1693952, GPL-3.0; it is not part of the product.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import DetectorKind
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags
from pdm_app.domain.thresholds import VerdictRule
from pdm_app.inference.scoring import Scorer
from pdm_app.inference.sessions import load
from pdm_app.inference.signal_tables import SignalTable, read_signal_table
from pdm_app.inference.training import DETECTORS, fitted_rows, train
from pdm_app.inference.verdict_figures import VerdictFigures, figures_of

FIT_ROWS = 400
USUAL_FIT_ROWS = 4_000
LABELS = ("anomaly", "changepoint")
USUAL = "anomaly-free"

PUBLISHED = (
    ("Conv-AE", 0.78, 13.55, 28.02), ("MSET", 0.78, 39.73, 14.13), ("T-squared+Q", 0.76, 26.62, 24.92),
    ("LSTM-AE", 0.74, 29.96, 25.92), ("T-squared", 0.66, 19.21, 42.60), ("LSTM-VAE", 0.56, 9.13, 55.03),
    ("Vanilla LSTM", 0.54, 12.54, 59.53), ("Vanilla AE", 0.39, 2.59, 75.15), ("MSCRED", 0.36, 49.94, 69.88),
    ("Isolation forest", 0.29, 2.56, 82.89),
)  # fmt: skip
"""Name, F1, FAR in %, MAR in %: the table of the benchmark's own page, over all 34 experiments."""

CONFIGURATIONS_TRIED = 400
"""Settings of the ensemble, the held-out share and the alarm rule that were looked at on the 19 development
experiments before one was kept; about, for figures of the kept one flatter it by as much."""


@dataclass(frozen=True, slots=True)
class SkabOutcome:
    """One detector over all experiments; ``usual_alarmed`` is the share of alarmed rows of the run without a fault."""

    name: str
    figures: VerdictFigures
    usual_alarmed: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The rows behind the fitted ones: whether each was alarmed, and each signal's share."""

    alarmed: Flags
    shares: F8


def judge(table: SignalTable, fit_rows: int, kind: DetectorKind, alarm: VerdictRule) -> Judged:
    """Learn from the first rows and judge the others, without looking at a label."""
    if len(table.values) <= fit_rows:
        raise InvalidInputError(f"The table has {len(table.values)} rows; {fit_rows} are for learning alone.")
    rows = table.values
    model = train("evaluation", table.names, rows[:fit_rows], DETECTORS[kind](), alarm, table.row_s)
    scorer = Scorer(model.card, load(model.card, model.graph))
    split = fitted_rows(fit_rows)
    scorer.remember(rows[:split], follows=False)
    scorer.remember(rows[split:fit_rows], follows=True)
    scores, alarmed = scorer.score(rows[fit_rows:])
    return Judged(alarmed, scores.contribution)


def experiments(folder: Path) -> Iterator[tuple[str, SignalTable, Flags]]:
    """Read the experiments with their labels, by name.

    Raises:
        InvalidInputError: The folder holds none.
    """
    paths = sorted(path for path in folder.glob("*/*.csv") if path.parent.name != USUAL)
    if not paths:
        raise InvalidInputError(
            f"'{folder}' holds no experiments such as valve1/0.csv. Clone waico/SKAB and name its data folder."
        )
    for path in paths:
        table = read_signal_table(path)
        unusual = table.only(["anomaly"]).values[:, 0] > 0
        yield f"{path.parent.name}/{path.stem}", _unlabelled(table), unusual


def evaluate(folder: Path, kind: DetectorKind, alarm: VerdictRule = VerdictRule()) -> SkabOutcome:
    """Judge all experiments with one configuration, and the run without a fault after 4,000 rows where it is there."""
    pairs = [
        (judge(table, FIT_ROWS, kind, alarm).alarmed, unusual[FIT_ROWS:])
        for _, table, unusual in experiments(folder)
        if len(unusual) > FIT_ROWS
    ]
    usual = folder / USUAL / "anomaly-free.csv"
    alarmed: float | None = None
    if usual.is_file():
        judged = judge(_unlabelled(read_signal_table(usual)), USUAL_FIT_ROWS, kind, alarm)
        alarmed = float(judged.alarmed.mean())
    return SkabOutcome(kind.value, figures_of(pairs), alarmed)


def always_on(folder: Path) -> SkabOutcome:
    """Rate an alarm that never ends: what F1 alone would praise."""
    pairs = [
        (np.ones(len(unusual) - FIT_ROWS, dtype=np.bool_), unusual[FIT_ROWS:])
        for _, _, unusual in experiments(folder)
        if len(unusual) > FIT_ROWS
    ]
    return SkabOutcome("always on", figures_of(pairs), 1.0)


def _unlabelled(table: SignalTable) -> SignalTable:
    return table.only([name for name in table.names if name not in LABELS])
