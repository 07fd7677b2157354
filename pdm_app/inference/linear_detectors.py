"""Detectors without a training loop: what a window's shape, its recent average and its mean usually are."""

import numpy as np

from pdm_app.domain.models import DetectorKind
from pdm_app.domain.samples import F8
from pdm_app.inference.detector import WindowDetector, learned_windows
from pdm_app.inference.graphs import Graph

VARIANCE_KEPT = 0.9
SHRINKAGE = 0.1
Z_FLOOR = 0.05


class PcaDetector(WindowDetector):
    """Rebuilds a window from the main directions of usual windows; what is left over is the error.

    Source: the Q statistic (squared prediction error), Jackson & Mudholkar, Technometrics 21(3), 1979, on lagged rows
    as in Ku, Storer & Georgakis, Chemometrics 30(1), 1995.
    """

    kind = DetectorKind.PCA

    def __init__(self, window_rows: int = 20) -> None:
        super().__init__(window_rows)
        self._mean: F8 = np.empty(0)
        self._directions: F8 = np.empty((0, 0))

    def _learn(self, scaled: F8) -> None:
        flat = learned_windows(scaled, self.window_rows)
        flat = flat.reshape(len(flat), -1)
        self._mean = flat.mean(axis=0)
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(flat.T)))
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        told = np.cumsum(values) / max(float(values.sum()), 1e-12)
        kept = min(int(np.searchsorted(told, VARIANCE_KEPT)) + 1, max(1, len(values) - 1))
        self._directions = vectors[:, :kept]

    def _errors(self, scaled: F8) -> tuple[F8, F8]:
        flat = scaled.reshape(len(scaled), -1) - self._mean
        left = flat - (flat @ self._directions) @ self._directions.T
        parts = (left**2).reshape(scaled.shape).mean(axis=1)
        return parts.sum(axis=1), parts

    def _nodes(self, graph: Graph, scaled: str) -> tuple[str, str]:
        flat = graph.node("Reshape", scaled, graph.integers(-1, self._mean.size))
        flat = graph.node("Sub", flat, graph.constant(self._mean))
        there = graph.node("MatMul", flat, graph.constant(self._directions))
        back = graph.node("MatMul", there, graph.constant(self._directions.T))
        left = graph.node("Sub", flat, back)
        shape = graph.integers(-1, self.window_rows, graph.signals)
        squares = graph.node("Reshape", graph.node("Mul", left, left), shape)
        parts = graph.node("ReduceMean", squares, axes=[1], keepdims=0)
        return graph.node("ReduceSum", parts, graph.integers(1), keepdims=0), parts

    def settings(self) -> dict[str, object]:
        return {**super().settings(), "variance_kept": VARIANCE_KEPT, "directions": int(self._directions.shape[1])}


class EwmaDetector(WindowDetector):
    """Distance of the exponentially weighted mean of a window from its usual place, in the usual directions of change.

    Source: multivariate EWMA, Lowry et al., Technometrics 34(1), 1992; the covariance is shrunk towards a sphere after
    Ledoit & Wolf, J. Multivariate Analysis 88(2), 2004.
    """

    kind = DetectorKind.EWMA

    def __init__(self, window_rows: int = 40, weight: float = 0.1) -> None:
        super().__init__(window_rows)
        self._weight = weight
        ages = np.arange(window_rows)[::-1]
        weights: F8 = np.asarray(weight * (1 - weight) ** ages, dtype=np.float64)
        self._weights: F8 = weights / weights.sum()
        self._mean: F8 = np.empty(0)
        self._precision: F8 = np.empty((0, 0))

    def _learn(self, scaled: F8) -> None:
        means = np.einsum("nws,w->ns", learned_windows(scaled, self.window_rows), self._weights)
        self._mean = means.mean(axis=0)
        spread = np.atleast_2d(np.cov(means.T))
        sphere = np.eye(len(spread)) * max(float(np.trace(spread)) / len(spread), 1e-9)
        shrunk = (1 - SHRINKAGE) * spread + SHRINKAGE * sphere
        self._precision = np.asarray(np.linalg.inv(shrunk), dtype=np.float64)

    def _errors(self, scaled: F8) -> tuple[F8, F8]:
        away = np.einsum("nws,w->ns", scaled, self._weights) - self._mean
        return np.einsum("ns,st,nt->n", away, self._precision, away), away**2

    def _nodes(self, graph: Graph, scaled: str) -> tuple[str, str]:
        weighted = graph.node("Mul", scaled, graph.constant(self._weights[:, None]))
        means = graph.node("ReduceSum", weighted, graph.integers(1), keepdims=0)
        away = graph.node("Sub", means, graph.constant(self._mean))
        turned = graph.node("MatMul", away, graph.constant(self._precision))
        distance = graph.node("ReduceSum", graph.node("Mul", turned, away), graph.integers(1), keepdims=0)
        return distance, graph.node("Mul", away, away)

    def settings(self) -> dict[str, object]:
        return {**super().settings(), "weight": self._weight, "shrinkage": SHRINKAGE}


class RollingZDetector(WindowDetector):
    """How many of its own usual spreads the mean of a window lies off, signal by signal; names the culprit best."""

    kind = DetectorKind.ROLLING_Z

    def __init__(self, window_rows: int = 30) -> None:
        super().__init__(window_rows)
        self._mean: F8 = np.empty(0)
        self._usual: F8 = np.empty(0)

    def _learn(self, scaled: F8) -> None:
        means = learned_windows(scaled, self.window_rows).mean(axis=1)
        self._mean = means.mean(axis=0)
        self._usual = means.std(axis=0) + Z_FLOOR  # A mean that never moved would make its first move infinitely odd.

    def _errors(self, scaled: F8) -> tuple[F8, F8]:
        parts = ((scaled.mean(axis=1) - self._mean) / self._usual) ** 2
        return parts.mean(axis=1), parts

    def _nodes(self, graph: Graph, scaled: str) -> tuple[str, str]:
        means = graph.node("ReduceMean", scaled, axes=[1], keepdims=0)
        away = graph.node("Sub", means, graph.constant(self._mean))
        away = graph.node("Div", away, graph.constant(self._usual))
        parts = graph.node("Mul", away, away)
        return graph.node("ReduceMean", parts, axes=[1], keepdims=0), parts
