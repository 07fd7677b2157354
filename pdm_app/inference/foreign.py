"""Somebody else's graph: looked at and run once in a process of its own, with limits, before it is ever loaded here.

A graph can be huge, run for ever, fill the memory, or break the library that reads it. The process that tries it may
use so much memory and processor time and write no file, and it runs ONNX's own operators alone, which open neither
files nor connections; what it answers is a small JSON document.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.models import GRAPH_BYTES_MAX, SIGNALS_MAX, WINDOW_ROWS_MAX
from pdm_app.domain.uploads import UnusableFileError

MEMORY_BYTES_MAX = 2 * 1024**3
CPU_S_MAX = 20
WAIT_S_MAX = 60.0
ANSWER_BYTES_MAX = 64 * 1024
NODES_MAX = 20_000
IR_VERSION_TAG, IR_VERSION_MAX = 0x08, 100
"""Field 1 of the message, a varint; 10 in 2025."""

TRIAL = """
import resource, sys
memory, cpu = int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from pdm_app.inference.foreign import trial
sys.stdout.write(trial(sys.argv[1]))
"""


def validate(graph: bytes) -> tuple[int, int]:
    """Try a graph and return the rows and signals of its window.

    Raises:
        InvalidInputError: It is too large, no graph, needs files or operators that are not here, breaks the contract,
            gives no finite scores, or needed more memory or time than it may; says which.
    """
    if not graph:
        raise InvalidInputError("The graph is empty.")
    if len(graph) > GRAPH_BYTES_MAX:
        raise InvalidInputError(f"The graph has {len(graph):,} bytes; {GRAPH_BYTES_MAX:,} are the most.")
    with tempfile.TemporaryDirectory(prefix="pdm-graph-") as folder:
        file = Path(folder) / "graph.onnx"
        file.write_bytes(graph)
        words = [sys.executable, "-c", TRIAL, str(file), str(MEMORY_BYTES_MAX), str(CPU_S_MAX)]
        root = str(Path(__file__).resolve().parents[2])
        surroundings = {
            "PATH": os.environ.get("PATH", ""), "PYTHONPATH": root, "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1", "LANG": "C.UTF-8",
        }  # fmt: skip
        try:
            done = subprocess.run(
                words, cwd=folder, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                timeout=WAIT_S_MAX,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise InvalidInputError(f"The graph did not answer within {WAIT_S_MAX:g} s and is refused.") from error
    if done.returncode != 0 or len(done.stdout) > ANSWER_BYTES_MAX:
        raise InvalidInputError(
            f"The graph could not be tried: its process ended with {done.returncode}. It needs more than "
            f"{MEMORY_BYTES_MAX // 1024**2:,} MiB or {CPU_S_MAX} s of processor time, or it breaks what reads it."
        )
    try:
        answer = orjson.loads(done.stdout)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError("The graph could not be tried: its process ended without an answer.") from error
    if "refused" in answer:
        raise InvalidInputError(str(answer["refused"]))
    return int(answer["rows"]), int(answer["signals"])


def graph_format(path: Path) -> str:
    """Look at the first bytes of a file that is handed in as a graph; `validate` looks at all of it before it is used.

    Raises:
        UnusableFileError: It is too large, or does not begin as an ONNX model does: with the version of the format.
    """
    size = path.stat().st_size
    if size > GRAPH_BYTES_MAX:
        raise UnusableFileError(f"has {size:,} bytes; {GRAPH_BYTES_MAX:,} are the most a graph may have")
    with path.open("rb") as file:
        head = file.read(2)
    if len(head) < 2 or head[0] != IR_VERSION_TAG or not 1 <= head[1] <= IR_VERSION_MAX:
        raise UnusableFileError("is no ONNX graph")
    return "onnx"


def trial(path: str) -> str:
    """Look at a graph and run it once; runs in the limited process. Returns JSON: rows and signals, or the refusal."""
    try:
        rows, signals = _tried(Path(path).read_bytes())
    except InvalidInputError as error:
        return orjson.dumps({"refused": error.message}).decode()
    except MemoryError:
        return orjson.dumps({"refused": "The graph needs more memory than it may use."}).decode()
    return orjson.dumps({"rows": rows, "signals": signals}).decode()


def _tried(content: bytes) -> tuple[int, int]:
    import numpy as np
    import onnx

    from pdm_app.inference.sessions import Session
    from pdm_app.inference.windows import CHUNK

    try:
        model = onnx.load_model_from_string(content)
        outside = [tensor.name for tensor in model.graph.initializer if tensor.external_data]
        nodes = len(model.graph.node)
    except Exception as error:
        raise InvalidInputError(f"The file is no ONNX graph: {str(error)[:200]}") from error
    if outside:
        raise InvalidInputError(f"The graph keeps {outside[0]!r} in another file; everything must be inside.")
    if nodes > NODES_MAX:
        raise InvalidInputError(f"The graph has {nodes:,} nodes; {NODES_MAX:,} are the most.")
    known = {"", "ai.onnx.ml"}
    strange = sorted({node.domain for node in model.graph.node} - known)
    if strange:
        raise InvalidInputError(f"The graph uses operators of {strange[0]!r}; only those of ONNX itself are run.")
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise InvalidInputError(f"The graph is not in order: {str(error).splitlines()[0][:200]}") from error
    session = Session(content)
    if session.window_rows > WINDOW_ROWS_MAX or session.signals > SIGNALS_MAX:
        raise InvalidInputError(
            f"The graph takes {session.window_rows} rows of {session.signals} signals; {WINDOW_ROWS_MAX} of "
            f"{SIGNALS_MAX} are the most."
        )
    for windows in (1, CHUNK):
        shape = (windows, session.window_rows, session.signals)
        try:
            score, shares = session.run(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
        except Exception as error:
            raise InvalidInputError(f"The graph failed on a window: {str(error).splitlines()[0][:200]}") from error
        if score.shape != (windows,) or shares.shape != (windows, session.signals):
            raise InvalidInputError(
                f"Of {windows} windows the graph gave scores of shape {score.shape} and shares of {shares.shape}."
            )
        if not (np.isfinite(score).all() and np.isfinite(shares).all() and (score >= 0).all()):
            raise InvalidInputError("The graph gave scores that are below zero or no numbers.")
    return session.window_rows, session.signals
