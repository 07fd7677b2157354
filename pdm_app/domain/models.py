"""Models of what is usual: what every detector can do, and the card that says what one was made of."""

from enum import StrEnum
from typing import Annotated, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pdm_app.domain.record import Finite, Instant, Name, Record, Text
from pdm_app.domain.samples import F8
from pdm_app.domain.thresholds import VerdictRule

SIGNALS_MAX = 64
WINDOW_ROWS_MAX = 512
GRAPH_BYTES_MAX = 32 * 1024 * 1024
TRAINING_ROWS_MIN = 120
"""Below this, a spread is a guess and nothing would be left to hold out: the model is still learning."""
TRAINING_ROWS_MAX = 2_000_000

Windows = NDArray[np.float32]
"""Shape (windows, rows, signals), in the signals' units, oldest row first."""


class DetectorKind(StrEnum):
    """How a model tells usual from unusual."""

    ENSEMBLE = "ensemble"
    PCA = "pca"
    EWMA = "ewma"
    ROLLING_Z = "rolling_z"
    ISOLATION_FOREST = "isolation_forest"
    LSTM_AUTOENCODER = "lstm_autoencoder"
    FOREIGN = "foreign"
    """Somebody else's ONNX graph that keeps the same contract."""


class Detector(Protocol):
    """Scores windows of signals. Windows are independent of each other, so one score depends on its own rows alone."""

    kind: DetectorKind
    window_rows: int

    def fit(self, rows: F8) -> Self:
        """Learn what is usual from rows in time order, shape (rows, signals), in units."""
        ...

    def calibrate(self, held_out: F8) -> Self:
        """Take the middle of later rows' errors as the unit of the score: 1.0 is usual on rows nobody fitted."""
        ...

    def score(self, windows: Windows) -> tuple[F8, F8]:
        """Return scores, shape (windows,), and each signal's share in them, shape (windows, signals)."""
        ...

    def export(self) -> tuple[bytes, dict[str, object]]:
        """Return an ONNX graph from raw windows to score and shares, and what rebuilds the detector, for JSON."""
        ...


class ModelCard(Record):
    """What a model was made of; everything a reader needs to trust it, or not to."""

    name: Name
    kind: DetectorKind
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    signals: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=SIGNALS_MAX)]
    window_rows: Annotated[int, Field(ge=1, le=WINDOW_ROWS_MAX)]
    row_s: Annotated[Finite, Field(gt=0, le=86_400, description="Seconds between two rows.")]
    fitted_rows: Annotated[int, Field(ge=1, le=TRAINING_ROWS_MAX)]
    held_out_rows: Annotated[int, Field(ge=0, le=TRAINING_ROWS_MAX)]
    centre: Annotated[tuple[Finite, ...], Field(max_length=SIGNALS_MAX)]
    spread: Annotated[tuple[Finite, ...], Field(max_length=SIGNALS_MAX)]
    alarm: VerdictRule = VerdictRule()
    log_threshold: Finite
    held_out_spread: Annotated[
        Finite, Field(gt=0, description="Of log scores, from the median to the 99th percentile.")
    ]
    trained_at: Instant | None = None
    graph_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    probe: Annotated[
        tuple[Finite, ...], Field(max_length=8, description="Scores of the probe windows, for the loader.")
    ]
    notes: Text = ""
