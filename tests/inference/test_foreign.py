"""Graphs of others: what keeps the contract comes in; what is broken, strange or greedy is refused with the reason."""

import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import DetectorKind
from pdm_app.inference import foreign
from pdm_app.inference.foreign import _tried, validate
from pdm_app.inference.graphs import CONTRIBUTION, INPUT, SCORE, Graph
from pdm_app.inference.training import DETECTORS
from tests.inference.plants import usual


def good() -> bytes:
    rows = usual(300)
    return DETECTORS[DetectorKind.EWMA]().fit(rows[:200]).calibrate(rows[200:]).export()[0]


def small(
    *nodes: onnx.NodeProto, score_shape: tuple[str | int | None, ...] = ("n",), domains: tuple[str, ...] = ("",)
) -> bytes:
    graph = helper.make_graph(
        list(nodes), "g", [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 5, 2])],
        [
            helper.make_tensor_value_info(SCORE, TensorProto.FLOAT, list(score_shape)),
            helper.make_tensor_value_info(CONTRIBUTION, TensorProto.FLOAT, ["n", 2]),
        ],
    )  # fmt: skip
    opsets = [helper.make_opsetid(domain, 17 if not domain else 1) for domain in domains]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())


def greedy() -> bytes:
    """A graph of few bytes that asks for a hundred gigabytes."""
    graph = Graph(5, 2)
    shares = graph.node("ReduceMean", INPUT, axes=[1], keepdims=0)
    huge = graph.node("Tile", shares, graph.integers(1, 200_000))
    square = graph.node("MatMul", graph.node("Transpose", huge, perm=[1, 0]), huge)
    total = graph.node("ReduceSum", graph.node("Mul", square, square), keepdims=0)
    score = graph.node("ReduceMean", shares, axes=[1], keepdims=0)
    return graph.finished(graph.node("Add", score, total), shares)


def test_a_graph_that_keeps_the_contract_is_let_in() -> None:
    assert validate(good()) == (40, 4)


def test_a_graph_that_asks_for_more_memory_than_it_may_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"failed on a window|more memory|could not be tried"):
        validate(greedy())


def test_a_process_that_answers_nothing_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "TRIAL", "import time; time.sleep(600)")
    monkeypatch.setattr(foreign, "WAIT_S_MAX", 1.0)
    with pytest.raises(InvalidInputError, match="did not answer within 1 s"):
        validate(good())


def test_a_process_that_is_killed_is_said_to_have_been(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "TRIAL", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(InvalidInputError, match="ended with -9"):
        validate(good())


def test_the_trial_may_write_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = foreign.TRIAL.partition("from pdm_app")[0]
    tried = (
        begun + "from pathlib import Path\nPath('x').write_text('x')\nsys.stdout.write('{\"rows\": 1, \"signals\": 1}')"
    )
    monkeypatch.setattr(foreign, "TRIAL", tried)
    with pytest.raises(InvalidInputError, match="could not be tried"):
        validate(good())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no graph at all", "no ONNX graph|not in order"),
        (small(helper.make_node("ReduceMean", [INPUT], [CONTRIBUTION], axes=[1], keepdims=0)), "not in order|loaded"),
        (
            small(
                helper.make_node("ReduceMean", [INPUT], [CONTRIBUTION], axes=[1], keepdims=0),
                helper.make_node("ReduceMean", [CONTRIBUTION], [SCORE], axes=[1], keepdims=1),
                score_shape=("n", 1),
            ),
            "'score' with 1 axes",
        ),
        (
            small(
                helper.make_node("ReduceMean", [INPUT], [CONTRIBUTION], axes=[1], keepdims=0),
                helper.make_node("Odd", [CONTRIBUTION], [SCORE], domain="com.strange"),
                domains=("", "com.strange"),
            ),
            "operators of 'com.strange'",
        ),
        (
            small(
                helper.make_node("ReduceMean", [INPUT], [CONTRIBUTION], axes=[1], keepdims=0),
                helper.make_node("ReduceMean", [CONTRIBUTION], ["m"], axes=[1], keepdims=0),
                helper.make_node("Log", ["m"], [SCORE]),
            ),
            "below zero or no numbers",
        ),
    ],
    ids=["garbage", "no score", "wrong shape", "strange operator", "no numbers"],
)
def test_a_graph_that_breaks_the_contract_is_refused_with_the_reason(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        _tried(content)


def test_a_graph_that_keeps_weights_in_another_file_is_refused() -> None:
    model = onnx.load_model_from_string(good())
    tensor = model.graph.initializer[0]
    tensor.external_data.add(key="location", value="../../secret")
    tensor.data_location = TensorProto.EXTERNAL
    with pytest.raises(InvalidInputError, match="in another file"):
        _tried(bytes(model.SerializeToString()))


@pytest.mark.parametrize("kept", [1, 100, 900])
def test_a_graph_cut_short_is_refused(kept: int) -> None:
    with pytest.raises(InvalidInputError):
        _tried(good()[:kept])


def test_an_empty_and_a_huge_file_are_refused_before_a_process_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    with pytest.raises(InvalidInputError, match="empty"):
        validate(b"")
    with pytest.raises(InvalidInputError, match="are the most"):
        validate(np.zeros(33 * 1024 * 1024, np.uint8).tobytes())
