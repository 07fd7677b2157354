"""Decision trees as arrays, and as nodes of an ONNX graph; shared by the isolation forest and gradient boosting."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pdm_app.domain.samples import F8
from pdm_app.inference.graphs import Graph

DEPTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; all arrays of shape (nodes,), the root first.

    Attributes:
        feature: Which column a node asks for; -1 is a leaf.
        cut: A row goes low when its value is at most this.
        low: The next node then.
        high: The next node otherwise.
        value: What a leaf says.
    """

    feature: NDArray[np.int64]
    cut: F8
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    value: F8


def leaves(tree: Tree, features: F8) -> NDArray[np.int64]:
    """Return the leaf of each row, for features of shape (rows, columns)."""
    place = np.zeros(len(features), dtype=np.int64)
    for _ in range(DEPTH_MAX):
        asks = np.flatnonzero(tree.feature[place] >= 0)
        if not len(asks):
            break
        node = place[asks]
        goes_low = features[asks, tree.feature[node]] <= tree.cut[node]
        place[asks] = np.where(goes_low, tree.low[node], tree.high[node])
    return place


def leaf_values(tree: Tree, features: F8) -> F8:
    """Return what the tree says of each row."""
    return np.asarray(tree.value[leaves(tree, features)])


def add_trees(graph: Graph, features: str, trees: Sequence[Tree], base: float, scale: float) -> str:
    """Add the scaled sum of trees to a graph; the result has the shape (rows,).

    Source: TreeEnsembleRegressor of ai.onnx.ml, opset 3.
    """
    ids: dict[str, list[int]] = {
        name: [] for name in ("tree", "node", "feature", "low", "high", "leaf_tree", "leaf_node")
    }
    cuts: list[float] = []
    modes: list[str] = []
    weights: list[float] = []
    for number, tree in enumerate(trees):
        for node in range(len(tree.feature)):
            is_leaf = tree.feature[node] < 0
            ids["tree"].append(number)
            ids["node"].append(node)
            ids["feature"].append(max(0, int(tree.feature[node])))
            ids["low"].append(max(0, int(tree.low[node])))
            ids["high"].append(max(0, int(tree.high[node])))
            cuts.append(float(tree.cut[node]))
            modes.append("LEAF" if is_leaf else "BRANCH_LEQ")
            if is_leaf:
                ids["leaf_tree"].append(number)
                ids["leaf_node"].append(node)
                weights.append(float(tree.value[node]) * scale)
    column = graph.node(
        "TreeEnsembleRegressor", features, domain="ai.onnx.ml", n_targets=1, aggregate_function="SUM",
        base_values=[base], nodes_treeids=ids["tree"], nodes_nodeids=ids["node"], nodes_featureids=ids["feature"],
        nodes_truenodeids=ids["low"], nodes_falsenodeids=ids["high"], nodes_values=cuts, nodes_modes=modes,
        target_treeids=ids["leaf_tree"], target_nodeids=ids["leaf_node"], target_ids=[0] * len(weights),
        target_weights=weights,
    )  # fmt: skip
    return graph.node("Squeeze", column, graph.integers(1))
