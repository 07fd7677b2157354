"""ONNX graphs, node by node: small ones of known operators, so that no exporter has to be trusted."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
ML_OPSET = 3
IR_VERSION = 9  # What opset 17 was published with; any later runtime reads it.
INPUT, SCORE, CONTRIBUTION = "window", "score", "contribution"


class Graph:
    """A graph from raw windows, shape (windows, rows, signals), to scores and each signal's share in them."""

    def __init__(self, rows: int, signals: int) -> None:
        self.rows, self.signals = rows, signals
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: ArrayLike, kind: type[np.generic] = np.float32) -> str:
        """Keep an array in the graph and return its name."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def integers(self, *values: int) -> str:
        """Keep axes or a shape in the graph."""
        return self.constant(values, np.int64)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator with one output and return that output's name."""
        return self.nodes(operator, inputs, 1, domain, **attributes)[0]

    def nodes(
        self, operator: str, inputs: tuple[str, ...], outputs: int, domain: str = "", **attributes: Any
    ) -> tuple[str, ...]:
        """Add an operator with several outputs."""
        names = tuple(f"n{len(self._nodes)}_{place}" for place in range(outputs))
        self._nodes.append(helper.make_node(operator, list(inputs), list(names), domain=domain, **attributes))
        return names

    def last_rows(self, windows: str, rows: int) -> str:
        """Cut windows to their last rows."""
        if rows == self.rows:
            return windows
        starts, ends = self.integers(self.rows - rows), self.integers(self.rows)
        return self.node("Slice", windows, starts, ends, self.integers(1))

    def shares(self, parts: str) -> str:
        """Turn amounts of signals, shape (windows, signals), into shares that sum to 1."""
        whole = self.node("ReduceSum", parts, self.integers(1), keepdims=1)
        return self.node("Div", parts, self.node("Add", whole, self.constant(1e-12)))

    def finished(self, score: str, contribution: str) -> bytes:
        """Return the checked graph with its outputs named."""
        self._nodes.append(helper.make_node("Identity", [score], [SCORE]))
        self._nodes.append(helper.make_node("Identity", [contribution], [CONTRIBUTION]))
        graph = helper.make_graph(
            self._nodes, "detector",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["windows", self.rows, self.signals])],
            [
                helper.make_tensor_value_info(SCORE, TensorProto.FLOAT, ["windows"]),
                helper.make_tensor_value_info(CONTRIBUTION, TensorProto.FLOAT, ["windows", self.signals]),
            ],
            self._constants,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="pdm_app")
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())
