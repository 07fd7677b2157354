"""The procedures of maintenance: what each needs, a call that makes sense, calls across sites."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.maintenance import RULE_REVISION, case_id, event_id, rule_id
from tests.counterparts.whole_product import OURS, Belongings

READ, WRITE, CONFIGURE = Permission.ALARMS_READ, Permission.MAINTENANCE_WRITE, Permission.ALARMS_CONFIGURE
MAINTENANCE_NEEDS: dict[str, Permission | None] = {
    "cases.list": READ,
    "cases.show": READ,
    "cases.open": WRITE,
    "cases.note": WRITE,
    "cases.link": WRITE,
    "cases.decide": WRITE,
    "maintenance.events": READ,
    "maintenance.event": READ,
    "maintenance.report": WRITE,
    "maintenance.price": WRITE,
    "maintenance.resolve": WRITE,
    "maintenance.costs": READ,
    "maintenance.put_costs": CONFIGURE,
    "maintenance.rules": READ,
    "maintenance.add_rule": CONFIGURE,
    "maintenance.change_rule": CONFIGURE,
    "maintenance.remove_rule": CONFIGURE,
}
MAINTENANCE_LET_IN_BUT_WRONG = {
    "cases.decide": "CONFLICT",  # Once it is done, the revision is another one.
    "maintenance.price": "CONFLICT",
    "maintenance.resolve": "CONFLICT",
    "maintenance.put_costs": "CONFLICT",
    "maintenance.change_rule": "CONFLICT",
    "maintenance.remove_rule": "NOT_FOUND",
}
SEEN = {"revision": RULE_REVISION}
FRESH = {"revision": 0}
COSTS = {"base": 45_000.0}


def rule(site_id: str, asset_id: str) -> dict[str, Any]:
    score = {"signal": "Motor_Current_A", "threshold": 0.8}
    return {"site_id": site_id, "asset_id": asset_id, "name": "Bearing", "sensor": {"kind": "alarm"}, "score": score}


def maintenance_inputs(own: Belongings) -> dict[str, Any]:
    site, facts = {"site_id": OURS}, rule(OURS, own.asset_id)
    case = {"case_id": case_id(OURS)}
    return {
        "cases.list": site,
        "cases.show": case,
        "cases.open": {"asset_id": own.asset_id, "title": "Bearing runs hot"},
        "cases.note": {**case, "text": "heard it"},
        "cases.link": {**case, "event_ids": [event_id(OURS)]},
        "cases.decide": {"case_id": case_id(OURS, "decide"), "decision": "confirm", "label": "bearing wear", **FRESH},
        "maintenance.events": site,
        "maintenance.event": {"event_id": event_id(OURS)},
        "maintenance.report": {"asset_id": own.asset_id, "name": "Rattles"},
        "maintenance.price": {"event_id": event_id(OURS, "price"), "cost": 12.5, **FRESH},
        "maintenance.resolve": {"event_id": event_id(OURS), "resolution": "Greased", **FRESH},
        "maintenance.costs": site,
        "maintenance.put_costs": {**site, "facts": COSTS, **FRESH},
        "maintenance.rules": site,
        "maintenance.add_rule": {"facts": facts},
        "maintenance.change_rule": {"rule_id": rule_id(OURS), "facts": facts, **SEEN},
        "maintenance.remove_rule": {"rule_id": rule_id(OURS, "remove"), **SEEN},
    }


def maintenance_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    site, asset = {"site_id": site_id}, {"asset_id": target.asset_id}
    event, mine = {"event_id": event_id(site_id)}, {"rule_id": rule_id(OURS), **SEEN}
    their_site, their_asset = rule(site_id, target.asset_id), rule(OURS, target.asset_id)
    case = {"case_id": case_id(site_id)}
    return {
        ("cases.list", "site_id"): [site],
        ("cases.list", "asset_id"): [asset],
        ("cases.show", "case_id"): [case],
        ("cases.open", "asset_id"): [{**asset, "title": "mine now"}],
        ("cases.note", "case_id"): [{**case, "text": "mine now"}],
        ("cases.link", "case_id"): [{**case, "event_ids": [event_id(OURS)]}],
        ("cases.decide", "case_id"): [{**case, "decision": "wake", **FRESH}],
        ("maintenance.events", "site_id"): [site],
        ("maintenance.events", "asset_id"): [asset],
        ("maintenance.event", "event_id"): [event],
        ("maintenance.report", "asset_id"): [{**asset, "name": "mine now"}],
        ("maintenance.price", "event_id"): [{**event, "cost": 1.0, **FRESH}],
        ("maintenance.resolve", "event_id"): [{**event, "resolution": "mine now", **FRESH}],
        ("maintenance.costs", "site_id"): [site],
        ("maintenance.put_costs", "site_id"): [{**site, "facts": COSTS, **FRESH}],
        ("maintenance.rules", "site_id"): [site],
        ("maintenance.add_rule", "site_id"): [{"facts": their_site}],
        ("maintenance.add_rule", "asset_id"): [{"facts": their_asset}],
        ("maintenance.change_rule", "rule_id"): [{"rule_id": rule_id(site_id), "facts": their_asset, **SEEN}],
        ("maintenance.change_rule", "site_id"): [{**mine, "facts": their_site}],
        ("maintenance.change_rule", "asset_id"): [{**mine, "facts": their_asset}],
        ("maintenance.remove_rule", "rule_id"): [{"rule_id": rule_id(site_id), **SEEN}],
    }
