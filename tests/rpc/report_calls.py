"""The procedures of reports: what each needs, a call that makes sense, calls across sites."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.reports import copy_id, report_id, spare_id
from tests.counterparts.whole_product import OURS

READ, CONFIGURE = Permission.REPORTS_READ, Permission.REPORTS_CONFIGURE
REPORT_NEEDS: dict[str, Permission | None] = {
    "reports.list": READ,
    "reports.recipients": CONFIGURE,
    "reports.add": CONFIGURE,
    "reports.change": CONFIGURE,
    "reports.remove": CONFIGURE,
    "reports.preview": READ,
    "reports.contents": READ,
    "reports.make": CONFIGURE,
    "reports.test": READ,
    "reports.copies": READ,
    "reports.copy": READ,
}
REPORT_LET_IN_BUT_WRONG = {
    "reports.change": "CONFLICT",  # Once it is done, the revision is another one.
    "reports.remove": "NOT_FOUND",
    "reports.test": "BAD_REQUEST",  # These people have no addresses.
}


def facts(site_id: str) -> dict[str, Any]:
    return {"site_id": site_id, "name": "Alarms of the day", "template": "alarm_kpi", "period": "day", "format": "json"}


def report_inputs() -> dict[str, Any]:
    mine, site = {"report_id": report_id(OURS)}, {"site_id": OURS}
    return {
        "reports.list": site,
        "reports.recipients": site,
        "reports.add": {"facts": facts(OURS)},
        "reports.change": {**mine, "facts": facts(OURS), "revision": 7},
        "reports.remove": {"report_id": spare_id(OURS)},
        "reports.preview": facts(OURS),
        "reports.contents": mine,
        "reports.make": mine,
        "reports.test": mine,
        "reports.copies": site,
        "reports.copy": {"copy_id": copy_id(OURS)},
    }


def report_crossings(site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    site, other = {"site_id": site_id}, {"report_id": report_id(site_id)}
    return {
        ("reports.list", "site_id"): [site],
        ("reports.recipients", "site_id"): [site],
        ("reports.add", "site_id"): [{"facts": facts(site_id)}],
        ("reports.change", "site_id"): [{"report_id": report_id(OURS), "facts": facts(site_id), "revision": 7}],
        ("reports.change", "report_id"): [{**other, "facts": facts(OURS), "revision": 7}],
        ("reports.remove", "report_id"): [other, {"report_id": spare_id(site_id)}],
        ("reports.preview", "site_id"): [facts(site_id)],
        ("reports.contents", "report_id"): [other],
        ("reports.make", "report_id"): [other],
        ("reports.test", "report_id"): [other],
        ("reports.copies", "site_id"): [site],
        ("reports.copies", "report_id"): [{"site_id": OURS, **other}],
        ("reports.copy", "copy_id"): [{"copy_id": copy_id(site_id)}],
    }
