"""Gradient boosting of regression trees, for means and for quantiles, on binned columns.

Source: Friedman, Greedy Function Approximation, Annals of Statistics 29(5), 2001; its stochastic form, 2002. Columns
are binned as in LightGBM (Ke et al., 2017). Written here because the usual library brings 200 MB
and no way into a graph.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8
from pdm_app.inference.graphs import Graph
from pdm_app.inference.trees import Tree, add_trees, leaf_values, leaves

Bins = NDArray[np.int64]
"""Shape (rows, columns): in which bin of its column each value lies."""


@dataclass(frozen=True, slots=True)
class BoostingSettings:
    """How trees are grown.

    Attributes:
        rounds: Trees.
        depth: Questions down to a leaf.
        rate: Share of a tree's answer that is taken.
        leaf_rows: Rows a leaf needs.
        row_share: Share of rows a tree sees.
        column_share: Share of columns it may ask for.
        bins: Values a column is told apart by.
        seed: Of the draws.
    """

    rounds: int = 200
    depth: int = 4
    rate: float = 0.05
    leaf_rows: int = 60
    row_share: float = 0.6
    column_share: float = 0.5
    bins: int = 48
    seed: int = 0


class BoostedTrees:
    """Boosted trees for the mean, or for one quantile of what is to be told."""

    def __init__(self, settings: BoostingSettings = BoostingSettings(), quantile: float | None = None) -> None:
        self._settings = settings
        self._quantile = quantile
        self._edges: list[F8] = []
        self.base = 0.0
        self.trees: list[Tree] = []

    def fit(self, features: F8, told: F8) -> Self:
        """Learn to tell ``told``, shape (rows,), from features of shape (rows, columns)."""
        settings = self._settings
        random = np.random.default_rng(settings.seed)
        rows, columns = features.shape
        steps = np.linspace(0, 1, settings.bins + 1)[1:-1]
        # Cuts as a graph compares them, in float32: a value never changes sides on its way there.
        quantiles = np.quantile(features, steps, axis=0).astype(np.float32).astype(np.float64)
        self._edges = [np.unique(quantiles[:, column]) for column in range(columns)]
        bins = np.stack(
            [np.searchsorted(edges, features[:, column], side="left") for column, edges in enumerate(self._edges)],
            axis=1,
        )
        self.base = float(np.mean(told) if self._quantile is None else np.quantile(told, self._quantile))
        self.trees = []
        now = np.full(rows, self.base)
        for _ in range(settings.rounds):
            seen = np.flatnonzero(random.random(rows) < settings.row_share)
            asked = np.sort(random.choice(columns, max(1, int(columns * settings.column_share)), replace=False))
            left = told - now
            pull = left if self._quantile is None else np.where(left > 0, self._quantile, self._quantile - 1)
            tree = self._valued(self._grown(bins[seen][:, asked], pull[seen], asked), features[seen], left[seen])
            now += settings.rate * leaf_values(tree, features)
            self.trees.append(tree)
        return self

    def predict(self, features: F8) -> F8:
        """Tell what was learned, shape (rows,)."""
        whole = np.full(len(features), self.base)
        for tree in self.trees:
            whole += self._settings.rate * leaf_values(tree, features)
        return whole

    def nodes(self, graph: Graph, features: str) -> str:
        """Add the trees to a graph; the result has the shape (rows,)."""
        return add_trees(graph, features, self.trees, self.base, self._settings.rate)

    def _grown(self, bins: Bins, pull: F8, asked: NDArray[np.int64]) -> Tree:
        """Grow one tree over the rows it sees, level by level; leaves hold nothing yet."""
        settings = self._settings
        feature, low, high, cut = [-1], [-1], [-1], [0.0]
        place = np.zeros(len(bins), dtype=np.int64)
        open_nodes = [0]
        for _ in range(settings.depth):
            following: list[int] = []
            for node in open_nodes:
                inside = np.flatnonzero(place == node)
                best = self._best_cut(bins[inside], pull[inside])
                if best is None:
                    continue
                column, at = best
                feature[node], cut[node] = int(asked[column]), float(self._edges[asked[column]][at])
                low[node], high[node] = len(feature), len(feature) + 1
                place[inside] = np.where(bins[inside, column] <= at, low[node], high[node])
                following += [low[node], high[node]]
                for values, empty in ((feature, -1), (low, -1), (high, -1)):
                    values += [empty, empty]
                cut += [0.0, 0.0]
            open_nodes = following
        return Tree(np.array(feature), np.array(cut), np.array(low), np.array(high), np.zeros(len(feature)))

    def _best_cut(self, bins: Bins, pull: F8) -> tuple[int, int] | None:
        """Return the column and bin that part the rows best, or None where no cut leaves enough on both sides."""
        least = self._settings.leaf_rows
        if len(bins) < 2 * least:
            return None
        size = self._settings.bins
        columns = bins.shape[1]
        cells = (bins + np.arange(columns) * size).ravel()
        pulls = np.bincount(cells, np.repeat(pull, columns), columns * size).reshape(columns, size).cumsum(axis=1)
        counts = np.bincount(cells, minlength=columns * size).reshape(columns, size).cumsum(axis=1)
        whole, rows = pulls[:, -1:], counts[:, -1:]
        gain = pulls**2 / (counts + 1) + (whole - pulls) ** 2 / (rows - counts + 1) - whole**2 / (rows + 1)
        gain[(counts < least) | (rows - counts < least)] = 0
        column, at = np.unravel_index(int(gain.argmax()), gain.shape)
        return (int(column), int(at)) if gain[column, at] > 1e-12 else None

    def _valued(self, tree: Tree, features: F8, left: F8) -> Tree:
        """Give each leaf the mean, or the quantile, of what is left to tell in it."""
        where = leaves(tree, features)
        value = np.zeros(len(tree.feature))
        for leaf in np.unique(where):
            inside = left[where == leaf]
            if self._quantile is None:
                value[leaf] = inside.sum() / (len(inside) + 1)
            else:
                value[leaf] = np.quantile(inside, self._quantile)
        return Tree(tree.feature, tree.cut, tree.low, tree.high, value)
