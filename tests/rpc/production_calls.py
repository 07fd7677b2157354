"""The procedures of production: what each needs, a call that makes sense, calls that reach across sites."""

from datetime import UTC, datetime
from typing import Any

from pdm_app.domain.access import Permission
from pdm_app.domain.production_shifts import shift_id
from tests.counterparts.production import (
    BEGIN_AT,
    HOUR_US,
    LOCKED_AT,
    OPEN_AT,
    REVISION,
    product_id,
    reason_id,
)
from tests.counterparts.whole_product import OURS, PASSWORD, Belongings

READ, RECORD = Permission.HISTORY_READ, Permission.PRODUCTION_RECORD
CONFIGURE, MANAGE = Permission.PRODUCTION_CONFIGURE, Permission.PRODUCTION_MANAGE
PRODUCTION_NEEDS: dict[str, Permission | None] = {
    "production.overview": READ,
    "production.line": READ,
    "production.explain": READ,
    "production.stops": READ,
    "production.counts": READ,
    "production.count_sheet": RECORD,
    "production.timeline": READ,
    "production.say": RECORD,
    "production.take_back": RECORD,
    "production.lock": MANAGE,
    "production.unlock": MANAGE,
    "production.units": READ,
    "production.put_unit": CONFIGURE,
    "production.derive_again": CONFIGURE,
    "production.products": READ,
    "production.put_product": CONFIGURE,
    "production.reasons": READ,
    "production.put_reason": CONFIGURE,
    "production.rates": READ,
    "production.put_rates": MANAGE,
    "orders.list": READ,
    "orders.put": MANAGE,
    "orders.begin": RECORD,
    "orders.end": RECORD,
    "orders.sheet": MANAGE,
    "planned_stops.list": READ,
    "planned_stops.put": MANAGE,
    "planned_stops.drop": MANAGE,
    "handovers.draft": READ,
    "handovers.list": READ,
    "handovers.hand_over": RECORD,
    "handovers.take": RECORD,
}
PRODUCTION_LET_IN_BUT_WRONG = {
    "production.say": "BAD_REQUEST",  # Said already.
    "production.take_back": "NOT_FOUND",
    "production.lock": "CONFLICT",
    "production.unlock": "CONFLICT",
    "production.put_unit": "CONFLICT",
    "production.put_product": "CONFLICT",
    "production.put_reason": "CONFLICT",
    "production.put_rates": "CONFLICT",
    "orders.put": "CONFLICT",
    "orders.begin": "CONFLICT",
    "orders.end": "CONFLICT",
    "planned_stops.put": "CONFLICT",
    "planned_stops.drop": "CONFLICT",
    "handovers.hand_over": "CONFLICT",
    "handovers.take": "CONFLICT",
}
SPAN = {"begin_at": BEGIN_AT, "end_at": BEGIN_AT + 8 * HOUR_US}
STOP_AT = BEGIN_AT + 4 * HOUR_US + 60_000_000
SEEN, FRESH = {"revision": REVISION}, {"revision": 0}
NOT_RATED = "c-42"  # A machine of ours.
RATED = "c-201"  # Another one.
OUR_LINE = "graz-compressed-air"
WHEN = datetime.fromtimestamp(BEGIN_AT / 1_000_000 + 3_600, UTC).isoformat()


def reason(use: str, site_id: str) -> dict[str, Any]:
    return {"kind": "reason", "at": STOP_AT, "reason_id": reason_id(site_id, use)}


def product(site_id: str) -> dict[str, Any]:
    return {"site_id": site_id, "code": "P-28", "name": "Cap 28 mm", "number": 28}


def order(site_id: str, line_id: str) -> dict[str, Any]:
    return {"site_id": site_id, "line_id": line_id, "number": "4712", "quantity": 10}


def planned(site_id: str, line_id: str) -> dict[str, Any]:
    return {"site_id": site_id, "line_id": line_id, **SPAN, "name": "Grease"}


def production_inputs(own: Belongings) -> dict[str, Any]:
    site, line, asset = {"site_id": OURS}, {"line_id": own.line_id, **SPAN}, {"asset_id": own.asset_id}
    a_reason = {"site_id": OURS, "name": "Jam", "state": "down"}
    return {
        "production.overview": {**site, **SPAN},
        "production.line": line,
        "production.explain": {**line, "kpi": "oee"},
        "production.stops": line,
        "production.timeline": {**asset, **SPAN},
        "production.counts": line,
        "production.count_sheet": {**site, "sheet": f"time,machine,kind,pieces\n{WHEN},{own.asset_code},scrap,12\n"},
        "production.say": {**asset, "facts": reason("mould", OURS)},
        "production.take_back": {"shift_id": shift_id(own.asset_id, BEGIN_AT), "edit_id": f"edit-{OURS}"},
        "production.lock": {"shift_id": shift_id(own.asset_id, OPEN_AT)},
        "production.unlock": {"shift_id": shift_id(own.asset_id, LOCKED_AT), "reason": "counter repaired"},
        "production.units": site,
        "production.put_unit": {**asset, "facts": {}, **SEEN},
        "production.derive_again": {**asset, **SPAN},
        "production.products": site,
        "production.put_product": {"facts": product(OURS), "product_id": product_id(OURS), **SEEN},
        "production.reasons": site,
        "production.put_reason": {"facts": a_reason, "reason_id": reason_id(OURS), **SEEN},
        "production.rates": site,
        "production.put_rates": {**site, "facts": {"machine_hour": 250}, **SEEN},
        "orders.list": site,
        "orders.put": {"facts": order(OURS, own.line_id), "order_id": f"order-planned-{OURS}", **SEEN},
        "orders.begin": {"order_id": f"order-planned-{OURS}"},
        "orders.end": {"order_id": f"order-running-{OURS}", "outcome": "paused"},
        "orders.sheet": {**site, "sheet": f"number,line,quantity\n1,{own.line_id},5\n"},
        "planned_stops.list": {**site, **SPAN},
        "planned_stops.put": {"facts": planned(OURS, own.line_id), "stop_id": f"planned-{OURS}", **SEEN},
        "planned_stops.drop": {"stop_id": f"planned-{OURS}", **SEEN},
        "handovers.draft": {**site, "which": "before"},
        "handovers.list": site,
        "handovers.hand_over": {**site, "which": "before", "password": PASSWORD, "notes": "All runs."},
        "handovers.take": {"handover_id": f"handover-{OURS}", "password": PASSWORD},
    }


def production_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    site, line, asset = {"site_id": site_id}, {"line_id": target.line_id, **SPAN}, {"asset_id": target.asset_id}
    shift = {"shift_id": shift_id(target.asset_id, BEGIN_AT)}
    name = {"name": "mine now"}

    def unit(**facts: object) -> list[dict[str, Any]]:
        return [{"asset_id": NOT_RATED, "facts": facts, **FRESH}]

    rule = {"signal_id": target.signal_id, "state": "down"}
    counters = ("made_signal_id", "good_signal_id", "scrap_signal_id", "rework_signal_id", "product_signal_id",
                "energy_signal_id")  # fmt: skip
    return {
        ("production.overview", "site_id"): [{**site, **SPAN}],
        ("production.line", "line_id"): [line],
        ("production.explain", "line_id"): [{**line, "kpi": "oee"}],
        ("production.stops", "line_id"): [line],
        ("production.timeline", "asset_id"): [{**asset, **SPAN}],
        ("production.counts", "line_id"): [line],
        ("production.count_sheet", "site_id"): [
            {**site, "sheet": f"time,machine,kind,pieces\n{WHEN},{target.asset_code},scrap,1\n"}
        ],
        ("production.say", "asset_id"): [{**asset, "facts": {"kind": "cut", "at": STOP_AT}}],
        ("production.say", "reason_id"): [{**asset, "facts": reason("jam", site_id)}],
        ("production.say", "product_id"): [
            {
                "asset_id": RATED,
                "facts": {
                    "kind": "count",
                    "at": STOP_AT,
                    "counted": "good",
                    "pieces": 1,
                    "product_id": product_id(site_id),
                },
            }
        ],
        ("production.take_back", "shift_id"): [{**shift, "edit_id": f"edit-{OURS}"}],
        ("production.take_back", "edit_id"): [{**shift, "edit_id": f"edit-{site_id}"}],
        ("production.lock", "shift_id"): [shift],
        ("production.unlock", "shift_id"): [{**shift, "reason": "mine now"}],
        ("production.units", "site_id"): [site],
        ("production.put_unit", "asset_id"): [{**asset, "facts": {}, **SEEN}],
        ("production.put_unit", "signal_id"): unit(rules=[rule]),
        ("production.put_unit", "reason_id"): unit(rules=[{**rule, "reason_id": reason_id(site_id)}]),
        ("production.put_unit", "product_id"): unit(cycles=[{"product_id": product_id(site_id), "seconds": 1}]),
        **{("production.put_unit", name): unit(**{name: target.signal_id}) for name in counters},
        ("production.derive_again", "asset_id"): [{**asset, **SPAN}],
        ("production.products", "site_id"): [site],
        ("production.put_product", "site_id"): [{"facts": product(site_id)}],
        ("production.put_product", "product_id"): [
            {"facts": {**product(OURS), **name}, "product_id": product_id(site_id), **SEEN}
        ],
        ("production.reasons", "site_id"): [site],
        ("production.put_reason", "site_id"): [{"facts": {**site, **name}}],
        ("production.put_reason", "reason_id"): [
            {"facts": {"site_id": OURS, **name}, "reason_id": reason_id(site_id), **SEEN}
        ],
        ("production.put_reason", "parent_id"): [
            {"facts": {"site_id": OURS, **name, "parent_id": reason_id(site_id)}, **FRESH}
        ],
        ("production.rates", "site_id"): [site],
        ("orders.list", "site_id"): [site],
        ("orders.put", "site_id"): [{"facts": order(site_id, target.line_id)}],
        ("orders.put", "line_id"): [{"facts": order(OURS, target.line_id)}],
        ("orders.put", "product_id"): [{"facts": {**order(OURS, OUR_LINE), "product_id": product_id(site_id)}}],
        ("orders.put", "order_id"): [{"facts": order(OURS, OUR_LINE), "order_id": f"order-planned-{site_id}", **SEEN}],
        ("orders.begin", "order_id"): [{"order_id": f"order-planned-{site_id}"}],
        ("orders.end", "order_id"): [{"order_id": f"order-running-{site_id}", "outcome": "paused"}],
        ("orders.sheet", "site_id"): [{**site, "sheet": f"number,line,quantity\n1,{target.line_id},5\n"}],
        ("planned_stops.list", "site_id"): [{**site, **SPAN}],
        ("planned_stops.put", "site_id"): [{"facts": planned(site_id, target.line_id)}],
        ("planned_stops.put", "line_id"): [{"facts": planned(OURS, target.line_id)}],
        ("planned_stops.put", "asset_id"): [
            {"facts": {"site_id": OURS, **SPAN, "name": "Grease", "asset_id": target.asset_id}}
        ],
        ("planned_stops.put", "stop_id"): [{"facts": planned(OURS, OUR_LINE), "stop_id": f"planned-{site_id}", **SEEN}],
        ("planned_stops.drop", "stop_id"): [{"stop_id": f"planned-{site_id}", **SEEN}],
        ("handovers.draft", "site_id"): [site],
        ("handovers.list", "site_id"): [site],
        ("handovers.hand_over", "site_id"): [{**site, "password": PASSWORD}],
        ("handovers.take", "handover_id"): [{"handover_id": f"handover-{site_id}", "password": PASSWORD}],
        ("production.put_rates", "site_id"): [{**site, "facts": {"machine_hour": 1}, **SEEN}],
    }
