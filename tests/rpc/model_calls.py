"""The procedures of models: what each needs, a call that makes sense, calls across sites."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.models import model_id, version_id
from tests.counterparts.whole_product import OURS, Belongings

MODEL_NEEDS: dict[str, Permission | None] = {
    "health.anomalies": Permission.ASSETS_READ,
    "health.fleet": Permission.ASSETS_READ,
    "models.list": Permission.ASSETS_READ,
    "models.show": Permission.ASSETS_READ,
    "models.decide": Permission.MODELS_PROMOTE,
}
MODEL_LET_IN_BUT_WRONG = {"models.decide": "CONFLICT"}  # Once it is done, the revision is another one.


def model_inputs(own: Belongings) -> dict[str, Any]:
    return {
        "health.anomalies": {"site_id": OURS},
        "health.fleet": {"site_id": OURS},
        "models.list": {"site_id": OURS, "asset_id": own.asset_id},
        "models.show": {"model_id": model_id(OURS)},
        "models.decide": {"version_id": version_id(OURS), "act": "shadow", "revision": 0, "reason": "looks right"},
    }


def model_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    return {
        ("health.anomalies", "site_id"): [{"site_id": site_id}],
        ("health.anomalies", "asset_id"): [{"asset_id": target.asset_id}],
        ("health.fleet", "site_id"): [{"site_id": site_id}],
        ("models.list", "site_id"): [{"site_id": site_id}],
        ("models.list", "asset_id"): [{"asset_id": target.asset_id}],
        ("models.show", "model_id"): [{"model_id": model_id(site_id)}],
        ("models.decide", "version_id"): [{"version_id": version_id(site_id), "act": "shadow", "revision": 0}],
    }
