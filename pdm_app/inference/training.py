"""From rows of a normal period to a model: fitted on the earlier part, calibrated on the later, with its card."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.baselines import AdaptiveBaseline
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import TRAINING_ROWS_MAX, TRAINING_ROWS_MIN, Detector, DetectorKind, ModelCard
from pdm_app.domain.samples import F8
from pdm_app.domain.thresholds import VerdictRule, operating_point
from pdm_app.inference.detector import checked_rows, scale_of
from pdm_app.inference.ensemble import EnsembleDetector
from pdm_app.inference.isolation_forest import IsolationForestDetector
from pdm_app.inference.linear_detectors import EwmaDetector, PcaDetector, RollingZDetector
from pdm_app.inference.lstm_autoencoder import LstmAutoencoder
from pdm_app.inference.sessions import Session, probed
from pdm_app.inference.windows import windows_of

HELD_OUT_SHARE = 1 / 3
LOG_MIN = 1e-9

DETECTORS: Mapping[DetectorKind, Callable[[], Detector]] = {
    DetectorKind.ENSEMBLE: EnsembleDetector,
    DetectorKind.PCA: PcaDetector,
    DetectorKind.EWMA: EwmaDetector,
    DetectorKind.ROLLING_Z: RollingZDetector,
    DetectorKind.ISOLATION_FOREST: IsolationForestDetector,
    DetectorKind.LSTM_AUTOENCODER: LstmAutoencoder,
}
"""What can be trained here; the first is the default."""


@dataclass(frozen=True, slots=True)
class Model:
    """A card and the graph it speaks of."""

    card: ModelCard
    graph: bytes


def baseline_of(card: ModelCard) -> AdaptiveBaseline:
    """Return the baseline that a model's rows are followed with."""
    return AdaptiveBaseline(np.array(card.centre), np.array(card.spread))


def fitted_rows(rows: int) -> int:
    """Return how many of so many training rows are fitted; the others are held out behind them."""
    return rows - int(rows * HELD_OUT_SHARE)


def train(
    name: str,
    signals: Sequence[str],
    rows: F8,
    detector: Detector,
    alarm: VerdictRule = VerdictRule(),
    row_s: float = 1.0,
) -> Model:
    """Make a model from rows of a normal period, shape (rows, signals), in units and in time order.

    Raises:
        InvalidInputError: Fewer than `TRAINING_ROWS_MIN` rows: the model would still be learning; or unfit rows.
    """
    split = _checked(signals, rows)
    fitted = rows[:split]
    detector.fit(fitted)
    later = _followed(rows, split)
    detector.calibrate(later[split - detector.window_rows + 1 :])
    graph, settings = detector.export()
    return _carded(name, detector.kind, signals, later, split, graph, alarm, row_s, str(settings))


def adopt(
    name: str, signals: Sequence[str], rows: F8, graph: bytes, alarm: VerdictRule = VerdictRule(), row_s: float = 1.0
) -> Model:
    """Make a model of somebody else's validated graph: its threshold comes from rows of a normal period.

    Raises:
        InvalidInputError: Too few rows, or rows of another number of signals than the graph takes.
    """
    split = _checked(signals, rows)
    session = Session(graph)
    if session.signals != len(signals):
        raise InvalidInputError(f"The graph takes {session.signals} signals, the table has {', '.join(signals)}.")
    if session.window_rows > split:
        raise InvalidInputError(f"The graph looks at {session.window_rows} rows; {split} are too few to judge it by.")
    later = _followed(rows, split)
    return _carded(name, DetectorKind.FOREIGN, signals, later, split, graph, alarm, row_s, "imported")


def _checked(signals: Sequence[str], rows: F8) -> int:
    """Return where the held-out rows begin."""
    checked_rows(rows, TRAINING_ROWS_MIN)
    if len(rows) > TRAINING_ROWS_MAX:
        raise InvalidInputError(f"{len(rows):,} rows came to learn from; {TRAINING_ROWS_MAX:,} are the most.")
    if rows.shape[1] != len(signals):
        raise InvalidInputError(f"{len(signals)} signals are named, but the rows have {rows.shape[1]}.")
    return fitted_rows(len(rows))


def _followed(rows: F8, split: int) -> F8:
    """Return the rows, the held-out ones as the baseline follows them."""
    centre, spread = scale_of(rows[:split])
    flat, _ = AdaptiveBaseline(centre, spread).rows(rows[split:], np.zeros(len(centre)))
    return np.concatenate([rows[:split], flat])


def _carded(
    name: str,
    kind: DetectorKind,
    signals: Sequence[str],
    rows: F8,
    split: int,
    graph: bytes,
    alarm: VerdictRule,
    row_s: float,
    notes: str,
) -> Model:
    """Find the threshold of a graph, and write its card."""
    session = Session(graph)
    scores, _ = session.score(windows_of(rows, session.window_rows))
    logs = np.log(scores + LOG_MIN)
    fitted, held_out = logs[session.window_rows - 1 : split], logs[split:]
    centre, spread = scale_of(rows[:split])
    card = ModelCard(
        name=name, kind=kind, signals=tuple(signals), window_rows=session.window_rows, row_s=row_s, fitted_rows=split,
        held_out_rows=len(rows) - split, centre=tuple(centre.tolist()), spread=tuple(spread.tolist()), alarm=alarm,
        log_threshold=operating_point(held_out, fitted, alarm, row_s),
        held_out_spread=max(float(np.quantile(held_out, 0.99) - np.median(held_out)), 1e-3),
        graph_sha256=hashlib.sha256(graph).hexdigest(), probe=probed(session, centre, spread), notes=notes[:2000],
    )  # fmt: skip
    return Model(card, graph)
