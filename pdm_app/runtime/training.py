"""Training and what is asked of the past of machines: jobs under the supervisor, each in a process of its own."""

from typing import TypedDict

from pdm_app.domain.access import Permission
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.uploads import UploadKind
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.inference.foreign import graph_format
from pdm_app.inference.trainer import ProcessTrainer
from pdm_app.services.copilot import CopilotService
from pdm_app.services.diagnoses import DiagnosisService
from pdm_app.services.models import ModelService
from pdm_app.services.training import UPLOAD_KIND, TrainingService
from pdm_app.services.uploads import UploadService

MODEL_UPLOAD = UploadKind(UPLOAD_KIND, Permission.MODELS_TRAIN, graph_format, "an ONNX graph")


class TrainingServices(TypedDict):
    """By their names among the services."""

    copilot: CopilotService
    training: TrainingService


def begin_training(
    work: UnitOfWork,
    historian: Historian,
    models: ModelService,
    uploads: UploadService,
    clock: Clock,
    supervisor: Supervisor,
) -> TrainingServices:
    """Begin to work off what is asked to be trained."""
    training = TrainingService(work, historian, models, ProcessTrainer(), uploads, clock)
    supervisor.start("training", training.run, stage=Stage.CONSUMER)
    copilot = CopilotService(work, DiagnosisService(work, historian, clock), clock)
    return TrainingServices(copilot=copilot, training=training)
