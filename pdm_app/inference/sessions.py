"""Running a graph: one thread, a checked hash, and a probe whose scores are known before anything relies on it."""

import hashlib
from typing import Any

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import GRAPH_BYTES_MAX, ModelCard, Windows
from pdm_app.domain.samples import F8
from pdm_app.inference.graphs import CONTRIBUTION, INPUT, SCORE
from pdm_app.inference.windows import CHUNK, in_chunks

PROBES = 4
PROBE_TOLERANCE = 1e-3


class Session:
    """A loaded graph; safe to run from several threads at once."""

    def __init__(self, graph: bytes) -> None:
        """Load a graph that this product built or has validated.

        Raises:
            InvalidInputError: The graph is too large, no ONNX, or breaks the contract of inputs and outputs.
        """
        import onnxruntime as ort  # Only where there is a model: a plant may never have one.

        if len(graph) > GRAPH_BYTES_MAX:
            raise InvalidInputError(f"The graph has {len(graph):,} bytes; {GRAPH_BYTES_MAX:,} are the most.")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # The pool has the threads, not each session.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session: Any = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InvalidInputError(f"The graph cannot be loaded: {_first_line(error)}") from error
        self.window_rows, self.signals = self._contract()

    def score(self, windows: Windows) -> tuple[F8, F8]:
        """Return scores, shape (windows,), and shares, shape (windows, signals), in batches of one size."""
        return in_chunks(windows[:, -self.window_rows :], self.run)

    def run(self, windows: Windows) -> tuple[F8, F8]:
        """Run one batch as it is."""
        score, share = self._session.run([SCORE, CONTRIBUTION], {INPUT: np.ascontiguousarray(windows)})
        return score, share

    def _contract(self) -> tuple[int, int]:
        inputs, outputs = self._session.get_inputs(), {out.name: out for out in self._session.get_outputs()}
        if len(inputs) != 1 or inputs[0].name != INPUT or inputs[0].type != "tensor(float)":
            raise InvalidInputError(f"The graph must take one tensor of floats called {INPUT!r}.")
        shape = inputs[0].shape
        if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape[1:]):
            raise InvalidInputError(f"{INPUT!r} must have the shape (any, rows, signals); it has {shape}.")
        for name, rank in ((SCORE, 1), (CONTRIBUTION, 2)):
            if name not in outputs or outputs[name].type != "tensor(float)" or len(outputs[name].shape) != rank:
                raise InvalidInputError(f"The graph must give a tensor of floats called {name!r} with {rank} axes.")
        return int(shape[1]), int(shape[2])


def probe_windows(centre: F8, spread: F8, window_rows: int) -> Windows:
    """Return windows that depend on the card alone: usual rows, with a known deterministic wobble."""
    rows = np.arange(window_rows)[None, :, None]
    which = np.arange(PROBES)[:, None, None]
    wobble = np.sin(rows * (0.3 + which) + np.arange(len(centre))[None, None, :]) * (1 + which)
    return (centre + spread * wobble).astype(np.float32)


def probed(session: Session, card_centre: F8, card_spread: F8) -> tuple[float, ...]:
    """Return the scores of the probe windows."""
    scores, _ = session.score(probe_windows(card_centre, card_spread, session.window_rows))
    return tuple(float(score) for score in scores)


def load(card: ModelCard, graph: bytes) -> Session:
    """Load a graph for its card: the hash, the shape and the scores of the probe must be those on the card.

    Raises:
        InvalidInputError: One of them differs; says which.
    """
    found = hashlib.sha256(graph).hexdigest()
    if found != card.graph_sha256:
        raise InvalidInputError(
            f"Model '{card.name}' was not loaded: its graph has the SHA-256 {found[:12]}…, its card says "
            f"{card.graph_sha256[:12]}…. The file was changed or cut short; import it again."
        )
    session = Session(graph)
    if (session.window_rows, session.signals) != (card.window_rows, len(card.signals)):
        raise InvalidInputError(
            f"Model '{card.name}' was not loaded: the graph takes {session.window_rows} rows of {session.signals} "
            f"signals, the card says {card.window_rows} of {len(card.signals)}."
        )
    scores = probed(session, np.array(card.centre), np.array(card.spread))
    if not np.allclose(scores, card.probe, rtol=PROBE_TOLERANCE, atol=1e-6):
        raise InvalidInputError(f"Model '{card.name}' was not loaded: it scores its probe windows unlike on its card.")
    session.run(np.repeat(probe_windows(np.array(card.centre), np.array(card.spread), card.window_rows)[:1], CHUNK, 0))
    return session


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0][:300]
