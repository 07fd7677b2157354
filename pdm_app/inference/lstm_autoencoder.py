"""An LSTM autoencoder: 30 rows through 64 cells and back, scaled to 0–1, judged by the mean absolute error.

Trained here by back-propagation through time in numpy, as quickly as a training framework does at this size.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.models import DetectorKind
from pdm_app.domain.samples import F8
from pdm_app.inference.detector import ERROR_MIN, SPREAD_MIN, WindowDetector
from pdm_app.inference.graphs import Graph
from pdm_app.inference.lstm_gradients import Adam, Trace, Weights, backward, forward, new_layer
from pdm_app.inference.windows import whole_windows_of

BATCH = 64
WINDOWS_MAX = 2_048
"""Windows of one epoch; of more, as many are drawn evenly. Neighbouring windows differ by one row."""
PATIENCE = 4
BETTER = 0.995

Progress = Callable[[int, float], bool]
"""Told the epoch and its loss; False stops the training where it is."""


class LstmAutoencoder(WindowDetector):
    """Rebuilds windows through a bottleneck of one hidden state; ``losses`` is the mean absolute error by epoch."""

    kind = DetectorKind.LSTM_AUTOENCODER

    def __init__(
        self, window_rows: int = 30, cells: int = 64, epochs: int = 20, seed: int = 0, progress: Progress | None = None
    ) -> None:
        super().__init__(window_rows)
        self._cells, self._epochs, self._seed = cells, epochs, seed
        self._progress = progress
        self._layers: list[Weights] = []
        self.losses: tuple[float, ...] = ()

    def _scale(self, rows: F8) -> tuple[F8, F8]:
        """Scale to 0–1 by the lowest and highest of the fitted rows."""
        low, high = rows.min(axis=0), rows.max(axis=0)
        return low, np.maximum(high - low, SPREAD_MIN * np.maximum(np.abs(low), 1.0))

    def _learn(self, scaled: F8) -> None:
        random = np.random.default_rng(self._seed)
        signals = scaled.shape[1]
        outward: Weights = {
            "w": random.uniform(-1, 1, (self._cells, signals)) * float(np.sqrt(6 / (self._cells + signals))),
            "b": scaled.mean(axis=0),
        }
        layers = [new_layer(signals, self._cells, random), new_layer(self._cells, self._cells, random), outward]
        self._layers = _in(np.float32, layers)
        windows: NDArray[Any] = whole_windows_of(scaled, self.window_rows).astype(np.float32)
        if len(windows) > WINDOWS_MAX:
            windows = windows[np.linspace(0, len(windows) - 1, WINDOWS_MAX).astype(np.int64)]
        adam = Adam()
        losses: list[float] = []
        best, waited = float("inf"), 0
        for epoch in range(self._epochs):
            order = random.permutation(len(windows))
            batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
            losses.append(float(np.mean([self._step(windows[batch], adam) for batch in batches])))
            if self._progress is not None and not self._progress(epoch, losses[-1]):
                break
            best, waited = (losses[-1], 0) if losses[-1] < best * BETTER else (best, waited + 1)
            if waited >= PATIENCE:
                break
        self.losses = tuple(losses)
        self._layers = _in(np.float64, self._layers)

    def gradients(self, windows: F8) -> tuple[float, list[Weights]]:
        """Return the loss of windows, shape (windows, rows, signals), and its gradients by layer."""
        encoder, decoder, outward = self._layers
        rebuilt, encoded, decoded = self._rebuild(windows)
        away = rebuilt - windows.transpose(1, 0, 2)
        d_out = np.sign(away) / windows.dtype.type(away.size)
        d_outward = {
            "w": decoded.hidden.reshape(-1, self._cells).T @ d_out.reshape(-1, d_out.shape[2]),
            "b": d_out.sum(axis=(0, 1)),
        }
        d_decoder, d_repeated = backward(decoder, decoded, d_out @ outward["w"].T)
        d_hidden = np.zeros_like(encoded.hidden)
        d_hidden[-1] = d_repeated.sum(axis=0)
        d_encoder, _ = backward(encoder, encoded, d_hidden)
        return float(np.abs(away).mean()), [d_encoder, d_decoder, d_outward]

    def _step(self, windows: F8, adam: Adam) -> float:
        loss, gradients = self.gradients(windows)
        adam.step(self._layers, gradients)
        return loss

    def _rebuild(self, windows: F8) -> tuple[F8, Trace, Trace]:
        encoder, decoder, outward = self._layers
        encoded = forward(encoder, windows.transpose(1, 0, 2))
        repeated = np.broadcast_to(encoded.hidden[-1], (self.window_rows, len(windows), self._cells))
        decoded = forward(decoder, repeated)
        return decoded.hidden @ outward["w"] + outward["b"], encoded, decoded

    def _errors(self, scaled: F8) -> tuple[F8, F8]:
        rebuilt, _, _ = self._rebuild(scaled)
        parts = np.abs(rebuilt - scaled.transpose(1, 0, 2)).mean(axis=0) + ERROR_MIN
        return parts.mean(axis=1), parts

    def _nodes(self, graph: Graph, scaled: str) -> tuple[str, str]:
        encoder, decoder, outward = self._layers
        inputs = graph.node("Transpose", scaled, perm=[1, 0, 2])
        _, last = self._layer(graph, inputs, encoder)
        repeated = graph.node("Tile", last, graph.integers(self.window_rows, 1, 1))
        hidden, _ = self._layer(graph, repeated, decoder)
        rows = graph.node("Squeeze", hidden, graph.integers(1))
        rebuilt = graph.node("MatMul", rows, graph.constant(outward["w"]))
        rebuilt = graph.node("Add", rebuilt, graph.constant(outward["b"]))
        away = graph.node("Abs", graph.node("Sub", rebuilt, inputs))
        parts = graph.node("Add", graph.node("ReduceMean", away, axes=[0], keepdims=0), graph.constant(ERROR_MIN))
        return graph.node("ReduceMean", parts, axes=[1], keepdims=0), parts

    def _layer(self, graph: Graph, inputs: str, weights: Weights) -> tuple[str, str]:
        both = np.concatenate([weights["b"], np.zeros_like(weights["b"])])[None]
        every, last, _ = graph.nodes(
            "LSTM",
            (inputs, graph.constant(weights["w"].T[None]), graph.constant(weights["r"].T[None]), graph.constant(both)),
            3,
            hidden_size=self._cells,
        )
        return every, last

    def settings(self) -> dict[str, object]:
        return {**super().settings(), "cells": self._cells, "seed": self._seed, "losses": list(self.losses)}


def _in(kind: type[np.floating[Any]], layers: Sequence[Weights]) -> list[Weights]:
    """Return the layers in another precision: what is learned in single precision is used in double."""
    return [{name: value.astype(kind) for name, value in layer.items()} for layer in layers]
