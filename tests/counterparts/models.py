"""Models of machines and their versions, for the tests of what is kept of them and what may be done with them."""

import hashlib

from pdm_app.domain.model_registry import (
    BacktestEpisode,
    BacktestPoint,
    HistogramBar,
    KeptModel,
    ModelBacktest,
    ModelOrigin,
    ModelState,
    ModelVersion,
    TrainingFacts,
)
from pdm_app.domain.models import DetectorKind, ModelCard
from pdm_app.domain.repositories import Work

AT = 1_763_640_000_000_000
GRAPH = b"a graph"
SHA256 = hashlib.sha256(GRAPH).hexdigest()


def card(**said: object) -> ModelCard:
    given: dict[str, object] = {
        "name": "Ensemble", "kind": DetectorKind.ENSEMBLE, "signals": ("vibration", "bearing"), "window_rows": 40,
        "row_s": 60.0, "fitted_rows": 960, "held_out_rows": 480, "centre": (1.5, 66.0), "spread": (0.1 + 0.2, 2.0),
        "log_threshold": 1.25, "held_out_spread": 0.5, "graph_sha256": SHA256, "probe": (0.5, 1.5), **said,
    }  # fmt: skip
    return ModelCard.model_validate(given)


def backtest() -> ModelBacktest:
    point = BacktestPoint(
        shift=0.0, alarms=3, false_alarms=1, false_per_month=0.1 + 0.2, seen=1, missed=0, forewarning_s=86_400.0
    )
    return ModelBacktest(
        begin_at=AT - 10**12, end_at=AT, rows=1000, judged_rows=990, failures=1, points=(point,),
        episodes=(BacktestEpisode(begin_at=AT - 10**10, end_at=AT, peak=2.5, is_false=False),),
        made_at=AT, made_by="erin",
    )  # fmt: skip


def kept_model(site_id: str, asset_id: str, model_id: str = "model-1", **said: object) -> KeptModel:
    given: dict[str, object] = {
        "id": model_id, "site_id": site_id, "asset_id": asset_id, "name": f"Watch {model_id}", "created_at": AT,
        "created_by": "erin", **said,
    }  # fmt: skip
    return KeptModel.model_validate(given)


def version(
    model: KeptModel, number: int = 1, state: ModelState = ModelState.CANDIDATE, **said: object
) -> ModelVersion:
    given: dict[str, object] = {
        "id": f"{model.id}-v{number}", "model_id": model.id, "site_id": model.site_id, "asset_id": model.asset_id,
        "number": number, "state": state, "origin": ModelOrigin.TRAINED, "card": card(), "signal_ids": (1, 2**32 - 1),
        "graph_sha256": SHA256, "graph_bytes": len(GRAPH), "created_at": AT, "created_by": "erin", "state_at": AT,
        "state_by": "erin",
        "training": TrainingFacts(
            begin_at=AT - 10**12, end_at=AT, loss=(1.0, 0.5), metrics={"error": 0.25},
            histogram=(HistogramBar(low=0.0, high=0.5, count=12),),
        ),
        **said,
    }  # fmt: skip
    return ModelVersion.model_validate(given)


def model_id(site_id: str) -> str:
    return f"model-{site_id}"


def version_id(site_id: str) -> str:
    return f"{model_id(site_id)}-v1"


async def put_models(work: Work, site_id: str, asset_id: str) -> None:
    """A model with a candidate, tested on the past."""
    model = kept_model(site_id, asset_id, model_id(site_id))
    await work.models.put(model)
    await work.models.add_version(version(model, backtest=backtest()))
