"""The procedures of training: what each needs, a call that makes sense, calls across sites."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.models import version_id
from tests.counterparts.whole_product import OURS, Belongings

TRAIN = Permission.MODELS_TRAIN
SPAN = {"start_at": 1_763_640_000_000_000, "end_at": 1_763_650_000_000_000}
TRAINING_NEEDS: dict[str, Permission | None] = {
    "training.plan": TRAIN,
    "training.jobs": TRAIN,
    "training.start": TRAIN,
    "training.adopt": TRAIN,
    "training.backtest": TRAIN,
    "training.cancel": TRAIN,
}
TRAINING_LET_IN_BUT_WRONG = {
    "training.adopt": "NOT_FOUND",  # Nobody handed it in.
    "training.cancel": "NOT_FOUND",  # It has long been over.
}


def order(asset_id: str, signal_id: int) -> dict[str, Any]:
    return {"asset_id": asset_id, "name": "Watch", "signal_ids": [signal_id], "span": SPAN}


def training_inputs(own: Belongings) -> dict[str, Any]:
    return {
        "training.plan": {"asset_id": own.asset_id, "span": SPAN},
        "training.jobs": {"asset_id": own.asset_id},
        "training.start": order(own.asset_id, own.signal_id),
        "training.adopt": {"order": order(own.asset_id, own.signal_id), "upload_id": "long-gone"},
        "training.backtest": {"version_id": version_id(OURS), "span": SPAN},
        "training.cancel": {"job_id": "long-over"},
    }


def training_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    meant = order(target.asset_id, target.signal_id)
    return {
        ("training.plan", "asset_id"): [{"asset_id": target.asset_id, "span": SPAN}],
        ("training.jobs", "asset_id"): [{"asset_id": target.asset_id}],
        ("training.start", "asset_id"): [meant],
        ("training.adopt", "asset_id"): [{"order": meant, "upload_id": "somebodys"}],
        ("training.adopt", "upload_id"): [{"order": meant, "upload_id": "somebodys"}],
        ("training.backtest", "version_id"): [{"version_id": version_id(site_id), "span": SPAN}],
        ("training.cancel", "job_id"): [{"job_id": "somebodys"}],
    }
