"""What the procedures about exports need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.whole_product import Belongings

EXPORT_NEEDS: dict[str, Permission | None] = {
    "exports.list": Permission.HISTORY_EXPORT,
    "exports.estimate": Permission.HISTORY_EXPORT,
    "exports.create": Permission.HISTORY_EXPORT,
    "exports.estimate_journal": Permission.HISTORY_EXPORT,
    "exports.create_journal": Permission.HISTORY_EXPORT,
    "exports.delete": Permission.HISTORY_EXPORT,
}
SPAN = {"start_at": 1_800_000_000_000_000, "end_at": 1_800_000_060_000_000}


def export_inputs(own: Belongings) -> dict[str, Any]:
    """Inputs about files of our site's history."""
    return {
        "exports.estimate": {"signals": [own.signal_id], **SPAN},
        "exports.create": {"signals": [own.signal_id], **SPAN},
        "exports.estimate_journal": {"asset_id": own.asset_id},
        "exports.create_journal": {"asset_id": own.asset_id, **SPAN},
        "exports.delete": {"export_id": "long-gone"},
    }


def export_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What somebody tries with somebody else's."""
    return {
        ("exports.estimate", "signals"): [{"signals": [target.signal_id], **SPAN}],
        ("exports.create", "signals"): [{"signals": [target.signal_id], **SPAN}],
        ("exports.estimate_journal", "asset_id"): [{"asset_id": target.asset_id}],
        ("exports.estimate_journal", "site_id"): [{"site_id": site_id}],
        ("exports.create_journal", "asset_id"): [{"asset_id": target.asset_id}],
        ("exports.create_journal", "site_id"): [{"site_id": site_id}],
        ("exports.delete", "export_id"): [{"export_id": "somebodys"}],
    }
