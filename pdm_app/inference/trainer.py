"""Training and scoring in a process of their own: niced, with a limit on memory, killed when nobody wants it any more.

The order goes in by a file of arrays (NumPy, nothing that could be executed), progress comes back as lines of JSON, the
outcome as files in the same folder. The child reads none of the product's settings, among which are secrets.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson

from pdm_app.domain.errors import InvalidInputError, UnavailableError
from pdm_app.domain.model_registry import HistogramBar
from pdm_app.domain.models import DetectorKind, ModelCard
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags
from pdm_app.domain.thresholds import VerdictRule
from pdm_app.domain.training import JobStage, Progress, Trained

CHILD = "pdm_app.inference.training_child"
PACKAGE_PARENT = Path(__file__).resolve().parents[2]
WITHIN_S = 1_800.0
LINE_BYTES_MAX = 64 * 1024
ORDER, ROWS, GRAPH_IN, GRAPH_OUT, ANSWER, SCORES = (
    "order.json", "rows.npz", "in.onnx", "out.onnx", "answer.json", "scores.npz",
)  # fmt: skip


class ProcessTrainer:
    """Implements `pdm_app.domain.training.Trainer`; one job at a time is the caller's affair."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None

    def stop(self) -> None:
        """See `Trainer.stop`."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()

    async def train(
        self, name: str, signals: Sequence[str], rows: F8, kind: DetectorKind, alarm: VerdictRule, row_s: float,
        progress: Progress,
    ) -> Trained:  # fmt: skip
        """See `Trainer.train`."""
        order = {"do": "train", "kind": str(kind), **_said(name, signals, alarm, row_s)}
        with tempfile.TemporaryDirectory(prefix="pdm-training-") as folder:
            return await self._trained(Path(folder), order, rows, None, progress)

    async def adopt(
        self, name: str, signals: Sequence[str], rows: F8, graph: bytes, alarm: VerdictRule, row_s: float,
        progress: Progress,
    ) -> Trained:  # fmt: skip
        """See `Trainer.adopt`."""
        from pdm_app.inference.foreign import validate

        await asyncio.to_thread(validate, graph)
        order = {"do": "adopt", **_said(name, signals, alarm, row_s)}
        with tempfile.TemporaryDirectory(prefix="pdm-training-") as folder:
            return await self._trained(Path(folder), order, rows, graph, progress)

    async def score(self, card: ModelCard, graph: bytes, rows: F8, masked: Flags, progress: Progress) -> tuple[F8, F8]:
        """See `Trainer.score`."""
        order = {"do": "score", "card": card.model_dump(mode="json")}
        with tempfile.TemporaryDirectory(prefix="pdm-training-") as name:
            folder = Path(name)
            await asyncio.to_thread(_write, folder, order, {"rows": rows, "masked": masked}, graph)
            await self._run(folder, progress)
            with np.load(folder / SCORES, allow_pickle=False) as found:
                return found["log_scores"], found["contribution"]

    async def _trained(
        self, folder: Path, order: Mapping[str, Any], rows: F8, graph: bytes | None, progress: Progress
    ) -> Trained:
        await asyncio.to_thread(_write, folder, order, {"rows": rows}, graph)
        answer = await self._run(folder, progress)
        return Trained(
            card=ModelCard.model_validate(answer["card"]),
            graph=await asyncio.to_thread((folder / GRAPH_OUT).read_bytes),
            loss=tuple(answer["loss"]),
            histogram=tuple(HistogramBar.model_validate(bar) for bar in answer["histogram"]),
            metrics=answer["metrics"],
        )

    async def _run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Run the child and return its answer; cancelled, it is killed."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", CHILD, str(folder), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=folder, env=_environment(),
            limit=LINE_BYTES_MAX,
        )  # fmt: skip
        self._child = child
        try:
            async with asyncio.timeout(WITHIN_S):
                async for line in cast("asyncio.StreamReader", child.stdout):
                    told = orjson.loads(line)
                    progress(JobStage(told["stage"]), float(told["share"]), told.get("loss"))
                await child.wait()
        except TimeoutError:
            raise UnavailableError(
                f"The training was not done within {WITHIN_S / 60:.0f} min and was stopped. Take fewer rows or signals."
            ) from None
        finally:
            self._child = None
            if child.returncode is None:
                child.kill()
                await child.wait()
        try:
            answer: dict[str, Any] = orjson.loads(await asyncio.to_thread((folder / ANSWER).read_bytes))
        except (OSError, orjson.JSONDecodeError):
            raise UnavailableError(
                f"The process that trains ended with {child.returncode} and without an answer: there was too little "
                "memory for it, or it was killed. Take fewer rows or signals."
            ) from None
        if "refused" in answer:
            raise InvalidInputError(str(answer["refused"]))
        return answer


def _said(name: str, signals: Sequence[str], alarm: VerdictRule, row_s: float) -> dict[str, Any]:
    return {"name": name, "signals": list(signals), "alarm": alarm.model_dump(mode="json"), "row_s": row_s}


def _write(folder: Path, order: Mapping[str, Any], arrays: Mapping[str, Any], graph: bytes | None) -> None:
    (folder / ORDER).write_bytes(orjson.dumps(order))
    np.savez(folder / ROWS, **arrays)
    if graph is not None:
        (folder / GRAPH_IN).write_bytes(graph)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), os.environ.get("PYTHONPATH", "")]))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **threads, "PYTHONPATH": path, "LANG": "C.UTF-8"}
