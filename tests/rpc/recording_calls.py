"""What the procedures about the recording of samples need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.whole_product import OURS, Belongings

RECORDING_NEEDS: dict[str, Permission | None] = {
    "batches.page": Permission.HISTORY_READ,
    "batches.by_id": Permission.HISTORY_READ,
    "batches.series": Permission.HISTORY_READ,
    "batches.start": Permission.RUNS_CONTROL,
    "batches.stop": Permission.RUNS_CONTROL,
    "batches.change": Permission.RUNS_CONTROL,
    "batches.rules": Permission.SIGNALS_READ,
    "batches.create_rule": Permission.SIGNALS_CONFIGURE,
    "batches.change_rule": Permission.SIGNALS_CONFIGURE,
    "batches.delete_rule": Permission.SIGNALS_CONFIGURE,
    "batches.restore_rule": Permission.SIGNALS_CONFIGURE,
    "storage_rules.list": Permission.SIGNALS_READ,
    "storage_rules.by_id": Permission.SIGNALS_READ,
    "storage_rules.estimate": Permission.SIGNALS_READ,
    "storage_rules.create": Permission.SIGNALS_CONFIGURE,
    "storage_rules.change": Permission.SIGNALS_CONFIGURE,
    "storage_rules.delete": Permission.SIGNALS_CONFIGURE,
    "storage_rules.restore": Permission.SIGNALS_CONFIGURE,
}
CONDITION = "Motor_Current_A > 1"
RULE = {"name": "Slow ones", "pattern": "*.Motor_*", "method": "door", "bound": 0.2}


def recording_inputs(own: Belongings) -> dict[str, Any]:
    """Inputs about what is kept in our site."""
    rule = {"rule_id": f"storage-rule-{OURS}"}
    run, finder = {"run_id": f"run-{OURS}"}, {"rule_id": f"run-rule-{OURS}"}
    return {
        "batches.page": {"asset_id": own.asset_id},
        "batches.by_id": run,
        "batches.series": {"runs": [f"run-{OURS}"], "signal": own.signal_id},
        "batches.start": {"asset_id": own.asset_id, "name": "B-7"},
        "batches.stop": run,
        "batches.change": {**run, "note": "slow start"},
        "batches.create_rule": {
            "site_id": OURS,
            "asset_id": own.asset_id,
            "name": "Pumping",
            "condition": CONDITION,
        },
        "batches.change_rule": {**finder, "gap_s": 9},
        "batches.delete_rule": finder,
        "batches.restore_rule": finder,
        "storage_rules.by_id": rule,
        "storage_rules.estimate": {"site_id": OURS, **RULE},
        "storage_rules.create": {"site_id": OURS, **RULE},
        "storage_rules.change": {**rule, "bound": 0.3},
        "storage_rules.delete": rule,
        "storage_rules.restore": rule,
    }


def recording_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What somebody tries with somebody else's."""
    rule = {"rule_id": f"storage-rule-{site_id}"}
    ours = {"rule_id": f"storage-rule-{OURS}"}
    run, finder = {"run_id": f"run-{site_id}"}, {"rule_id": f"run-rule-{site_id}"}
    our_finder, our_run = {"rule_id": f"run-rule-{OURS}"}, f"run-{OURS}"
    facts = {"name": "Pumping", "condition": CONDITION}
    return {
        ("batches.page", "site_id"): [{"site_id": site_id}],
        ("batches.page", "asset_id"): [{"asset_id": target.asset_id}],
        ("batches.page", "rule_id"): [finder],
        ("batches.by_id", "run_id"): [run],
        ("batches.start", "asset_id"): [{"asset_id": target.asset_id, "name": "B-8"}],
        ("batches.start", "signals"): [{"asset_id": target.asset_id, "name": "B-8", "signals": [target.signal_id]}],
        ("batches.stop", "run_id"): [run],
        ("batches.change", "run_id"): [{**run, "note": "mine"}],
        ("batches.change", "signals"): [{"run_id": our_run, "signals": [target.signal_id]}],
        ("batches.rules", "site_id"): [{"site_id": site_id}],
        ("batches.create_rule", "site_id"): [{"site_id": site_id, "asset_id": target.asset_id, **facts}],
        ("batches.create_rule", "asset_id"): [{"site_id": OURS, "asset_id": target.asset_id, **facts}],
        ("batches.create_rule", "signals"): [
            {"site_id": OURS, "asset_id": target.asset_id, **facts, "signals": [target.signal_id]}
        ],
        ("batches.create_rule", "id_signal_id"): [
            {"site_id": OURS, "asset_id": target.asset_id, **facts, "id_signal_id": target.signal_id}
        ],
        ("batches.create_rule", "product_signal_id"): [
            {"site_id": OURS, "asset_id": target.asset_id, **facts, "product_signal_id": target.signal_id}
        ],
        ("batches.change_rule", "rule_id"): [{**finder, "gap_s": 1}],
        ("batches.change_rule", "signals"): [{**our_finder, "signals": [target.signal_id]}],
        ("batches.change_rule", "id_signal_id"): [{**our_finder, "id_signal_id": target.signal_id}],
        ("batches.change_rule", "product_signal_id"): [{**our_finder, "product_signal_id": target.signal_id}],
        ("batches.delete_rule", "rule_id"): [finder],
        ("batches.restore_rule", "rule_id"): [finder],
        ("storage_rules.list", "site_id"): [{"site_id": site_id}],
        ("storage_rules.by_id", "rule_id"): [rule],
        ("storage_rules.estimate", "site_id"): [{"site_id": site_id, **RULE}],
        ("storage_rules.estimate", "asset_id"): [{"site_id": OURS, **RULE, "asset_id": target.asset_id}],
        ("storage_rules.create", "site_id"): [{"site_id": site_id, **RULE}],
        ("storage_rules.create", "asset_id"): [{"site_id": OURS, **RULE, "asset_id": target.asset_id}],
        ("storage_rules.change", "rule_id"): [{**rule, "bound": 0.5}],
        ("storage_rules.change", "asset_id"): [{**ours, "asset_id": target.asset_id}],
        ("storage_rules.delete", "rule_id"): [rule],
        ("storage_rules.restore", "rule_id"): [rule],
    }
