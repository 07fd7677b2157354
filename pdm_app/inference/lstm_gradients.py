"""One LSTM layer with its gradients, in numpy: forward, back through time, and the step of Adam.

Everything keeps the precision of what comes in: training is in single precision, the check of gradients in double.
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
    """What the way back needs: all of shape (T, B, …); ``squashed`` is the tanh of the cell."""

    inputs: F8
    hidden: F8
    cell: F8
    squashed: F8
    gates: F8


def new_layer(inputs: int, cells: int, random: np.random.Generator) -> Weights:
    """Return weights drawn as Glorot & Bengio, 2010; the forget gate starts open (Jozefowicz et al., 2015)."""

    def drawn(rows: int, columns: int) -> F8:
        limit = float(np.sqrt(6 / (rows + columns)))
        return random.uniform(-limit, limit, (rows, columns))

    bias = np.zeros(4 * cells)
    bias[2 * cells : 3 * cells] = 1.0
    return {"w": drawn(inputs, 4 * cells), "r": drawn(cells, 4 * cells), "b": bias}


def forward(weights: Mapping[str, F8], inputs: F8) -> Trace:
    """Run a layer over inputs of shape (T, B, I), in their precision.

    All gates of a step are one tanh: a sigmoid is half of one plus a half, of half the argument. Inputs that are the
    same in each step, as `numpy.broadcast_to` makes them, are multiplied once.
    """
    steps, batch, _ = inputs.shape
    cells = len(weights["r"])
    kind = inputs.dtype
    halved = np.concatenate([np.full(3 * cells, 0.5, kind), np.ones(cells, kind)])
    once = inputs[:1] if _is_repeated(inputs) else inputs
    driven = (once @ weights["w"] + weights["b"]) * halved
    recurrent = weights["r"] * halved
    hidden, cell = np.zeros((batch, cells), kind), np.zeros((batch, cells), kind)
    gates = np.empty((steps, batch, 4 * cells), kind)
    all_hidden, all_cell, squashed = (np.empty((steps, batch, cells), kind) for _ in range(3))
    for step in range(steps):
        gate = gates[step]
        np.matmul(hidden, recurrent, out=gate)
        gate += driven[step if len(driven) > 1 else 0]
        np.tanh(gate, out=gate)
        sigmoids = gate[:, : 3 * cells]
        sigmoids *= 0.5
        sigmoids += 0.5
        i, o, f, c = np.split(gate, 4, axis=1)
        cell = np.multiply(f, cell, out=all_cell[step])
        cell += i * c
        np.tanh(cell, out=squashed[step])
        hidden = np.multiply(o, squashed[step], out=all_hidden[step])
    return Trace(inputs, all_hidden, all_cell, squashed, gates)


def backward(weights: Mapping[str, F8], trace: Trace, d_hidden: F8) -> tuple[Weights, F8]:
    """Return the gradients of the weights and of the inputs, for those of all hidden states, shape (T, B, H).

    Where the inputs are the same in each step, theirs is the sum over the steps, shape (1, B, I).
    """
    steps, batch, cells = trace.hidden.shape
    back = np.ascontiguousarray(weights["r"].T)
    d_raw = np.empty_like(trace.gates)
    nothing = np.zeros((batch, cells), trace.gates.dtype)
    carried_h, carried_c = nothing, nothing
    for step in reversed(range(steps)):
        i, o, f, c = np.split(trace.gates[step], 4, axis=1)
        before = trace.cell[step - 1] if step else nothing
        squashed = trace.squashed[step]
        d_h = d_hidden[step] + carried_h
        d_c = d_h * o * (1 - squashed * squashed) + carried_c
        raw = d_raw[step]
        raw[:, :cells] = d_c * c * i * (1 - i)
        raw[:, cells : 2 * cells] = d_h * squashed * o * (1 - o)
        raw[:, 2 * cells : 3 * cells] = d_c * before * f * (1 - f)
        raw[:, 3 * cells :] = d_c * i * (1 - c * c)
        carried_h, carried_c = raw @ back, d_c * f
    earlier = np.concatenate([nothing[None], trace.hidden[:-1]])
    flat = d_raw.reshape(-1, 4 * cells)
    reaching = d_raw.sum(axis=0, keepdims=True) if _is_repeated(trace.inputs) else d_raw
    inputs = trace.inputs[: len(reaching)]
    gradients = {
        "w": inputs.reshape(-1, inputs.shape[2]).T @ reaching.reshape(-1, 4 * cells),
        "r": earlier.reshape(-1, cells).T @ flat,
        "b": flat.sum(axis=0),
    }
    return gradients, reaching @ weights["w"].T


def _is_repeated(inputs: F8) -> bool:
    return inputs.strides[0] == 0 and len(inputs) > 1


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
                bounded = value * shrink
                mean[key] = 0.9 * mean[key] + 0.1 * bounded
                square[key] = 0.999 * square[key] + 0.001 * bounded**2
                unbiased = mean[key] / (1 - 0.9**self._step)
                layer[key] -= self._rate * unbiased / (np.sqrt(square[key] / (1 - 0.999**self._step)) + 1e-8)
