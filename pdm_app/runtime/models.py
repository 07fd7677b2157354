"""Models as runtime composes them: where their graphs lie, and what may be asked of them."""

from pathlib import Path
from typing import TypedDict

from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.model_graphs import FOLDER, ModelGraphs
from pdm_app.services.models import ModelService


class ModelServices(TypedDict):
    """By their names among the services."""

    models: ModelService


async def begin_models(data_dir: Path, work: UnitOfWork, clock: Clock) -> ModelServices:
    """Open the store of graphs; those that no version names any more go."""

    async def changed() -> None:
        return None

    models = ModelService(work, clock, ModelGraphs(data_dir / FOLDER), changed)
    await models.remove_unused_graphs()
    return ModelServices(models=models)
