"""Models as runtime composes them: where their graphs lie, what runs them, and what may be asked of them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypedDict

from pdm_app.domain.past import PastProgress
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.signals import Signal
from pdm_app.engine.default_models import DefaultModels
from pdm_app.engine.intake import Intake
from pdm_app.engine.model_watch import ModelWatch
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.inference.live import Inference
from pdm_app.services.health import HealthService
from pdm_app.services.in_force import InForce
from pdm_app.services.metrics import Metrics
from pdm_app.services.model_graphs import FOLDER, ModelGraphs
from pdm_app.services.models import ModelService
from pdm_app.storage.historian import SqlHistorian


class ModelServices(TypedDict):
    """By their names among the services."""

    health: HealthService
    models: ModelService


async def begin_models(
    data_dir: Path,
    work: UnitOfWork,
    historian: SqlHistorian,
    intake: Intake,
    in_force: InForce,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
    stack: AsyncExitStack,
    metrics: Metrics,
    past: Callable[[], PastProgress] | None,
) -> ModelServices:
    """Have models judge; where a past is put in, the machines of the demo get default ones once it is there."""
    inference = Inference()
    stack.callback(inference.close)
    graphs = ModelGraphs(data_dir / FOLDER)
    watch = ModelWatch(work, historian, intake, graphs, inference, clock, fence, in_force.signals_changed)
    service = ModelService(work, clock, graphs, watch.reload)
    await service.remove_unused_graphs()
    supervisor.start("models", watch.run, stage=Stage.CONSUMER, backoff=watch.backoff)
    if past is not None:
        fitting = DefaultModels(
            work, historian, inference, service, clock, fence, wants_default, lambda: past().is_done
        )
        supervisor.start("default models", fitting.run, stage=Stage.CONSUMER, backoff=fitting.backoff)
    metrics.counter("model_rows_judged_total", "Rows that models have judged.", lambda: watch.judged_rows)
    metrics.counter("model_windows_shed_total", "Windows given up for want of time.", lambda: inference.figures.shed)
    metrics.counter(
        "model_windows_refused_total", "Windows for which there was no room.", lambda: inference.figures.refused
    )
    return ModelServices(health=HealthService(work, clock), models=service)


def wants_default(signals: Sequence[Signal]) -> bool:
    """Whether a machine of the demo gets a model by itself: those that vibrate or press, not gateways and moulds."""
    return any(signal.unit in ("mm/s", "kW") for signal in signals)
