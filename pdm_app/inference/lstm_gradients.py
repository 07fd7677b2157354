"""One LSTM layer with its gradients, in numpy: forward, back through time, and the step of Adam.

Gates are kept in the order of the ONNX operator: input, output, forget, cell.
Shapes: T steps, B windows, I inputs, H cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.samples import F8

Weights = dict[str, F8]


@dataclass(frozen=True, slots=True)
class Trace:
    """What the way back needs: all of shape (T, B, …)."""

    inputs: F8
    hidden: F8
    cell: F8
    gates: F8
    start: tuple[F8, F8]


def sigmoid(value: F8) -> F8:
    bounded: F8 = np.clip(value, -40, 40)
    return np.asarray(1 / (1 + np.exp(-bounded)))


def new_layer(inputs: int, cells: int, random: np.random.Generator) -> Weights:
    """Return weights drawn as Glorot & Bengio, 2010; the forget gate starts open (Jozefowicz et al., 2015)."""

    def drawn(rows: int, columns: int) -> F8:
        limit = float(np.sqrt(6 / (rows + columns)))
        return random.uniform(-limit, limit, (rows, columns))

    bias = np.zeros(4 * cells)
    bias[2 * cells : 3 * cells] = 1.0
    return {"w": drawn(inputs, 4 * cells), "r": drawn(cells, 4 * cells), "b": bias}


def forward(weights: Mapping[str, F8], inputs: F8) -> Trace:
    """Run a layer over inputs of shape (T, B, I)."""
    steps, batch, _ = inputs.shape
    cells = len(weights["r"])
    hidden, cell = np.zeros((batch, cells)), np.zeros((batch, cells))
    start = (hidden, cell)
    gates = np.empty((steps, batch, 4 * cells))
    all_hidden, all_cell = np.empty((steps, batch, cells)), np.empty((steps, batch, cells))
    driven = inputs @ weights["w"] + weights["b"]
    for step in range(steps):
        raw = driven[step] + hidden @ weights["r"]
        gate = gates[step]
        gate[:, : 3 * cells] = sigmoid(raw[:, : 3 * cells])
        gate[:, 3 * cells :] = np.tanh(raw[:, 3 * cells :])
        i, o, f, c = np.split(gate, 4, axis=1)
        cell = f * cell + i * c
        hidden = o * np.tanh(cell)
        all_hidden[step], all_cell[step] = hidden, cell
    return Trace(inputs, all_hidden, all_cell, gates, start)


def backward(weights: Mapping[str, F8], trace: Trace, d_hidden: F8) -> tuple[Weights, F8]:
    """Return the gradients of the weights and of the inputs, for those of all hidden states, shape (T, B, H)."""
    steps, batch, cells = trace.hidden.shape
    d_raw = np.empty_like(trace.gates)
    carried_h, carried_c = np.zeros((batch, cells)), np.zeros((batch, cells))
    for step in reversed(range(steps)):
        i, o, f, c = np.split(trace.gates[step], 4, axis=1)
        before = trace.cell[step - 1] if step else trace.start[1]
        squashed = np.tanh(trace.cell[step])
        d_h = d_hidden[step] + carried_h
        d_c = d_h * o * (1 - squashed**2) + carried_c
        raw = d_raw[step]
        raw[:, :cells] = d_c * c * i * (1 - i)
        raw[:, cells : 2 * cells] = d_h * squashed * o * (1 - o)
        raw[:, 2 * cells : 3 * cells] = d_c * before * f * (1 - f)
        raw[:, 3 * cells :] = d_c * i * (1 - c**2)
        carried_h, carried_c = raw @ weights["r"].T, d_c * f
    earlier = np.concatenate([trace.start[0][None], trace.hidden[:-1]])
    flat = d_raw.reshape(-1, 4 * cells)
    gradients = {
        "w": trace.inputs.reshape(-1, trace.inputs.shape[2]).T @ flat,
        "r": earlier.reshape(-1, cells).T @ flat,
        "b": flat.sum(axis=0),
    }
    return gradients, d_raw @ weights["w"].T


class Adam:
    """Steps with a bounded gradient. Source: Kingma & Ba, 2015; clipping by norm, Pascanu et al., 2013."""

    def __init__(self, rate: float = 3e-3, norm_max: float = 1.0) -> None:
        self._rate, self._norm_max = rate, norm_max
        self._step = 0
        self._mean: list[Weights] = []
        self._square: list[Weights] = []

    def step(self, layers: Sequence[Weights], gradients: Sequence[Weights]) -> None:
        """Move the weights of all layers in place."""
        if not self._mean:
            self._mean = [{key: np.zeros_like(value) for key, value in layer.items()} for layer in layers]
            self._square = [{key: np.zeros_like(value) for key, value in layer.items()} for layer in layers]
        self._step += 1
        norm = float(np.sqrt(sum(float((value**2).sum()) for layer in gradients for value in layer.values())))
        shrink = min(1.0, self._norm_max / (norm + 1e-12))
        for layer, gradient, mean, square in zip(layers, gradients, self._mean, self._square, strict=True):
            for key, value in gradient.items():
                value = value * shrink
                mean[key] = 0.9 * mean[key] + 0.1 * value
                square[key] = 0.999 * square[key] + 0.001 * value**2
                unbiased = mean[key] / (1 - 0.9**self._step)
                layer[key] -= self._rate * unbiased / (np.sqrt(square[key] / (1 - 0.999**self._step)) + 1e-8)
