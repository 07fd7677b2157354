"""From rows of a normal period to a model: fitted on the earlier part, calibrated on the later, with its card."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.baselines import AdaptiveBaseline
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import TRAINING_ROWS_MAX, TRAINING_ROWS_MIN, Detector, DetectorKind, ModelCard
from pdm_app.domain.samples import F8
from pdm_app.domain.thresholds import AlarmRule, operating_point
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
    name: str, signals: Sequence[str], rows: F8, detector: Detector, alarm: AlarmRule = AlarmRule(), row_s: float = 1.0
) -> Model:
    """Make a model from rows of a normal period, shape (rows, signals), in units and in time order.

    Raises:
        InvalidInputError: Fewer than `TRAINING_ROWS_MIN` rows: the model would still be learning; or unfit rows.
    """
    checked_rows(rows, TRAINING_ROWS_MIN)
    if len(rows) > TRAINING_ROWS_MAX:
        raise InvalidInputError(f"{len(rows):,} rows came to learn from; {TRAINING_ROWS_MAX:,} are the most.")
    if rows.shape[1] != len(signals):
        raise InvalidInputError(f"{len(signals)} signals are named, but the rows have {rows.shape[1]}.")
    split = fitted_rows(len(rows))
    fitted = rows[:split]
    detector.fit(fitted)
    centre, spread = scale_of(fitted)
    flat, _ = AdaptiveBaseline(centre, spread).rows(rows[split:], np.zeros(len(centre)))
    later = np.concatenate([fitted, flat])
    detector.calibrate(later[split - detector.window_rows + 1 :])
    graph, settings = detector.export()
    session = Session(graph)
    scores, _ = session.score(windows_of(later, detector.window_rows))
    logs = np.log(scores + LOG_MIN)
    held_out = logs[split:]
    card = ModelCard(
        name=name, kind=detector.kind, signals=tuple(signals), window_rows=detector.window_rows, row_s=row_s,
        fitted_rows=split, held_out_rows=len(rows) - split, centre=tuple(centre.tolist()),
        spread=tuple(spread.tolist()), alarm=alarm,
        log_threshold=operating_point(held_out, logs[detector.window_rows : split], alarm, row_s),
        held_out_spread=max(float(np.quantile(held_out, 0.99) - np.median(held_out)), 1e-3),
        graph_sha256=hashlib.sha256(graph).hexdigest(), probe=probed(session, centre, spread),
        notes=str(settings)[:2000],
    )  # fmt: skip
    return Model(card, graph)
