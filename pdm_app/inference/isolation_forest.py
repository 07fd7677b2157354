"""Isolation forest: what is unusual is cut off from the rest by few random cuts.

Source: Liu, Ting & Zhou, Isolation Forest, ICDM 2008.
"""

import numpy as np

from pdm_app.domain.models import DetectorKind
from pdm_app.domain.samples import F8
from pdm_app.inference.detector import ERROR_MIN, WindowDetector, learned_windows
from pdm_app.inference.graphs import Graph
from pdm_app.inference.trees import Tree, add_trees, leaf_values

TREES = 100
SAMPLE = 256
EULER = 0.5772156649


def _usual_path(count: int) -> float:
    """Return the mean length of an unsuccessful search in a binary tree of so many samples."""
    if count <= 2:
        return float(count == 2)
    return 2 * (float(np.log(count - 1)) + EULER) - 2 * (count - 1) / count


class IsolationForestDetector(WindowDetector):
    """Looks at the last row of a window and at the window's mean, signal by signal.

    The error is 2^(usual path - path): each cut halves a region, so a path is the logarithm of a density. The classic
    score 2^(-path / usual path) lies between 0.3 and 0.9 and is no ratio that could be averaged with others.
    """

    kind = DetectorKind.ISOLATION_FOREST

    def __init__(self, window_rows: int = 10, seed: int = 0) -> None:
        super().__init__(window_rows)
        self._seed = seed
        self._trees: list[Tree] = []
        self._longest = 1.0

    def _learn(self, scaled: F8) -> None:
        random = np.random.default_rng(self._seed)
        features = self._features(learned_windows(scaled, self.window_rows))
        size = min(SAMPLE, len(features))
        depth = int(np.ceil(np.log2(max(size, 2))))
        self._longest = _usual_path(size)
        self._trees = [
            self._grown(features[random.choice(len(features), size, replace=False)], depth, random)
            for _ in range(TREES)
        ]

    def _grown(self, features: F8, depth_max: int, random: np.random.Generator) -> Tree:
        feature: list[int] = []
        cut: list[float] = []
        low: list[int] = []
        high: list[int] = []
        value: list[float] = []

        def grow(rows: F8, depth: int) -> int:
            place = len(feature)
            for column, empty in ((feature, -1), (low, -1), (high, -1)):
                column.append(empty)
            cut.append(0.0)
            value.append(depth + _usual_path(len(rows)))
            wide = np.flatnonzero(rows.max(axis=0) > rows.min(axis=0))
            if depth >= depth_max or len(rows) <= 1 or not len(wide):
                return place
            chosen = int(random.choice(wide))
            at = float(np.float32(random.uniform(rows[:, chosen].min(), rows[:, chosen].max())))
            left = rows[:, chosen] <= at
            if left.all() or not left.any():
                return place
            feature[place], cut[place] = chosen, at
            low[place] = grow(rows[left], depth + 1)
            high[place] = grow(rows[~left], depth + 1)
            return place

        grow(features, 0)
        return Tree(np.array(feature), np.array(cut), np.array(low), np.array(high), np.array(value))

    def _features(self, scaled: F8) -> F8:
        return np.concatenate([scaled[:, -1], scaled.mean(axis=1)], axis=1).astype(np.float32).astype(np.float64)

    def _errors(self, scaled: F8) -> tuple[F8, F8]:
        features = self._features(scaled)
        path = np.mean([leaf_values(tree, features) for tree in self._trees], axis=0)
        signals = scaled.shape[2]
        return 2.0 ** (self._longest - path), features[:, signals:] ** 2 + ERROR_MIN

    def _nodes(self, graph: Graph, scaled: str) -> tuple[str, str]:
        last = graph.node("Squeeze", _last_row(graph, scaled, self.window_rows), graph.integers(1))
        means = graph.node("ReduceMean", scaled, axes=[1], keepdims=0)
        features = graph.node("Concat", last, means, axis=1)
        path = add_trees(graph, features, self._trees, base=0.0, scale=1 / len(self._trees))
        power = graph.node("Sub", graph.constant(self._longest), path)
        parts = graph.node("Add", graph.node("Mul", means, means), graph.constant(ERROR_MIN))
        return graph.node("Pow", graph.constant(2.0), power), parts

    def settings(self) -> dict[str, object]:
        return {**super().settings(), "trees": len(self._trees), "sample": SAMPLE, "seed": self._seed}


def _last_row(graph: Graph, windows: str, rows: int) -> str:
    return graph.node("Slice", windows, graph.integers(rows - 1), graph.integers(rows), graph.integers(1))
