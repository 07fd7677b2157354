"""What the procedures about storage and retention need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.whole_product import KEPT, OURS

STORAGE_NEEDS: dict[str, Permission | None] = {
    "retention.rules": Permission.STORAGE_CONFIGURE,
    "retention.add": Permission.STORAGE_CONFIGURE,
    "retention.change": Permission.STORAGE_CONFIGURE,
    "retention.remove": Permission.STORAGE_CONFIGURE,
    "retention.plan": Permission.STORAGE_CONFIGURE,
    "retention.preview": Permission.STORAGE_CONFIGURE,
    "retention.holds": Permission.STORAGE_CONFIGURE,
    "retention.hold": Permission.STORAGE_CONFIGURE,
    "retention.release": Permission.STORAGE_CONFIGURE,
    "retention.runs": Permission.STORAGE_CONFIGURE,
    "retention.run": Permission.STORAGE_CONFIGURE,
    "retention.cancel": Permission.STORAGE_CONFIGURE,
    "sinks.kinds": Permission.STORAGE_CONFIGURE,
    "sinks.list": Permission.STORAGE_CONFIGURE,
    "sinks.by_id": Permission.STORAGE_CONFIGURE,
    "sinks.test_connection": Permission.STORAGE_CONFIGURE,
    "sinks.create": Permission.STORAGE_CONFIGURE,
    "sinks.change": Permission.STORAGE_CONFIGURE,
    "sinks.put_secret": Permission.STORAGE_CONFIGURE,
    "sinks.delete": Permission.STORAGE_CONFIGURE,
    "sinks.restore": Permission.STORAGE_CONFIGURE,
    "sinks.go_on_from": Permission.STORAGE_CONFIGURE,
    "storage.status": Permission.STORAGE_CONFIGURE,
    "storage.files": Permission.STORAGE_CONFIGURE,
}
SINK = {"sink_id": f"sink-{OURS}"}
SINK_FACTS = {"site_id": OURS, "name": "Lake", "options": {"kind": "csv", "folder": "lake"}}
FACTS = {"name": "Samples of machines for a quarter", "pattern": "P-*.*", "raw_days": 90}


STORAGE_LET_IN_BUT_WRONG = {
    "sinks.create": "CONFLICT",  # Once there is one with the folder.
    "retention.cancel": "CONFLICT",  # No run is under way, or it is over by then.
    "retention.run": "CONFLICT",  # One that was asked for is under way.
    "retention.remove": "NOT_FOUND",  # Once it is removed.
    "retention.change": "NOT_FOUND",
    "retention.release": "NOT_FOUND",
}


def storage_inputs() -> dict[str, Any]:
    """Inputs about the one rule and the one held span that the product begins with."""
    return {
        "retention.add": {"facts": FACTS, "reason": "the disk is small"},
        "retention.change": {"rule_id": KEPT, "facts": FACTS},
        "retention.remove": {"rule_id": KEPT},
        "retention.preview": {"facts": FACTS},
        "retention.hold": {"reason": "batch 7 is under investigation", "start_at": 0, "end_at": 3_600_000_000},
        "retention.release": {"hold_id": KEPT},
        "sinks.by_id": SINK,
        "sinks.test_connection": {"facts": {**SINK_FACTS, "options": {"kind": "parquet", "folder": "pond"}}},
        "sinks.create": {"facts": SINK_FACTS},
        "sinks.change": {**SINK, "name": "Another"},
        "sinks.put_secret": {**SINK, "secret": "quiet-otter-7"},
        "sinks.delete": SINK,
        "sinks.restore": SINK,
        "sinks.go_on_from": {**SINK, "from_at": 1_800_000_000_000_000},
    }
