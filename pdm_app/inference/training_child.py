"""The process that trains or scores for the product: ``python -m pdm_app.inference.training_child FOLDER``."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import DetectorKind, ModelCard
from pdm_app.domain.samples import F8
from pdm_app.domain.thresholds import VerdictRule
from pdm_app.domain.training import JobStage
from pdm_app.inference.lstm_autoencoder import LstmAutoencoder
from pdm_app.inference.scoring import Scorer
from pdm_app.inference.sessions import load
from pdm_app.inference.trainer import ANSWER, GRAPH_IN, GRAPH_OUT, ORDER, ROWS, SCORES
from pdm_app.inference.training import DETECTORS, Model, adopt, baseline_of, fitted_rows, train
from pdm_app.inference.windows import windows_of

MEMORY_BYTES_MAX = 4 * 1024**3
NICE = 19
BARS = 40
EPOCHS = 20
PIECE_ROWS = 4_096


def main(folder: Path) -> None:
    """Do what the order in a folder says, and leave the answer there."""
    _be_modest()
    order = orjson.loads((folder / ORDER).read_bytes())
    try:
        answer = _score(folder, order) if order["do"] == "score" else _make(folder, order)
    except InvalidInputError as error:
        answer = {"refused": error.message}
    except MemoryError:
        answer = {"refused": "It needs more memory than it may use. Take fewer rows or signals."}
    (folder / ANSWER).write_bytes(orjson.dumps(answer))


def _be_modest() -> None:
    """Give way to everybody else, and stay within bounds, where the system knows either."""
    if os.name != "posix":
        return
    import resource

    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def tell(stage: JobStage, share: float, loss: float | None = None) -> None:
    """Say on a line how far it is."""
    sys.stdout.buffer.write(orjson.dumps({"stage": str(stage), "share": share, "loss": loss}) + b"\n")
    sys.stdout.buffer.flush()


def _make(folder: Path, order: dict[str, Any]) -> dict[str, Any]:
    with np.load(folder / ROWS, allow_pickle=False) as arrays:
        rows: F8 = arrays["rows"]
    alarm, row_s, names = VerdictRule.model_validate(order["alarm"]), float(order["row_s"]), order["signals"]
    losses: tuple[float, ...] = ()
    tell(JobStage.LEARNING, 0.0)
    if order["do"] == "adopt":
        model = adopt(order["name"], names, rows, (folder / GRAPH_IN).read_bytes(), alarm, row_s)
    else:
        detector = _detector(DetectorKind(order["kind"]))
        model = train(order["name"], names, rows, detector, alarm, row_s)
        losses = tuple(getattr(detector, "losses", ()))
    tell(JobStage.SCORING, 0.0)
    (folder / GRAPH_OUT).write_bytes(model.graph)
    held_out, metrics = _figures(model, rows)
    return {
        "card": model.card.model_dump(mode="json"),
        "loss": losses,
        "histogram": _bars(held_out),
        "metrics": metrics,
    }


def _detector(kind: DetectorKind) -> Any:
    if kind not in DETECTORS:
        raise InvalidInputError(f"A {kind} model is imported, not trained; choose {', '.join(DETECTORS)}.")
    if kind is DetectorKind.LSTM_AUTOENCODER:
        return LstmAutoencoder(epochs=EPOCHS, progress=_epoch)
    return DETECTORS[kind]()


def _epoch(epoch: int, loss: float) -> bool:
    tell(JobStage.LEARNING, min((epoch + 1) / EPOCHS, 1.0), loss)
    return True


def _figures(model: Model, rows: F8) -> tuple[F8, dict[str, float]]:
    """Return the scores of the held-out rows, 1 at the threshold, and what they say of the model."""
    split = fitted_rows(len(rows))
    session = load(model.card, model.graph)
    later, _ = baseline_of(model.card).rows(rows[split:], np.zeros(rows.shape[1]))
    whole = np.concatenate([rows[:split], later])
    raw, _ = session.score(windows_of(whole, session.window_rows))
    scores = np.exp(np.log(raw + 1e-9) - model.card.log_threshold)
    fitted, held_out = scores[session.window_rows - 1 : split], scores[split:]
    return held_out, {
        "fitted_median": float(np.median(fitted)),
        "held_out_median": float(np.median(held_out)),
        "held_out_p99": float(np.quantile(held_out, 0.99)),
        "held_out_max": float(held_out.max()),
        "fitted_above_share": float(np.mean(fitted > 1)),
        "held_out_above_share": float(np.mean(held_out > 1)),
    }


def _bars(scores: F8) -> list[dict[str, float]]:
    top = max(1.2, float(np.quantile(scores, 0.999)) * 1.1)
    counts, edges = np.histogram(np.clip(scores, 0, top), bins=BARS, range=(0.0, top))
    return [
        {"low": float(edges[place]), "high": float(edges[place + 1]), "count": int(count)}
        for place, count in enumerate(counts)
    ]


def _score(folder: Path, order: dict[str, Any]) -> dict[str, Any]:
    with np.load(folder / ROWS, allow_pickle=False) as arrays:
        rows, masked = arrays["rows"], arrays["masked"]
    card = ModelCard.model_validate(order["card"])
    scorer = Scorer(card, load(card, (folder / GRAPH_IN).read_bytes()))
    logs, parts = [], []
    for start in range(0, len(rows), PIECE_ROWS):
        scores, _ = scorer.score(rows[start : start + PIECE_ROWS], masked[start : start + PIECE_ROWS])
        logs.append(np.log(scores.score))
        parts.append(scores.contribution.astype(np.float32))
        tell(JobStage.SCORING, min((start + PIECE_ROWS) / len(rows), 1.0))
    np.savez(folder / SCORES, log_scores=np.concatenate(logs), contribution=np.concatenate(parts))
    return {"rows": len(rows)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
