"""The procedures of shifts and of who is on call: what each needs, a call that makes sense, calls across sites."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.notices import rota_id
from tests.counterparts.production import REVISION
from tests.counterparts.whole_product import OURS, Belongings

CONFIGURE = Permission.ALARMS_CONFIGURE
SHIFT_NEEDS: dict[str, Permission | None] = {
    "shifts.show": Permission.ASSETS_READ,
    "shifts.spans": Permission.ASSETS_READ,
    "shifts.put": Permission.ASSETS_CONFIGURE,
    "rotas.list": Permission.ALARMS_READ,
    "rotas.people": Permission.ALARMS_READ,
    "rotas.add": CONFIGURE,
    "rotas.change": CONFIGURE,
    "rotas.remove": CONFIGURE,
}
SHIFT_LET_IN_BUT_WRONG = {
    "rotas.change": "NOT_FOUND",  # Once it is removed.
    "rotas.remove": "NOT_FOUND",
    "shifts.put": "CONFLICT",  # Once it is put, the revision is another one.
}
STAND_IN = ("away_id", "stand_in_id")
SPAN = {"start_at": 1_800_000_000_000_000, "end_at": 1_800_000_060_000_000}
CALENDAR = {"anchor": "2026-11-16", "days": [{"shifts": [{"name": "Day", "begin": "06:00", "end": "18:00"}]}]}


def rota(site_id: str, user_id: str) -> dict[str, Any]:
    return {"site_id": site_id, "name": "Electricians", "anchor": "2026-11-16", "turns": [{"user_ids": [user_id]}]}


def away(field: str, user_id: str) -> dict[str, Any]:
    """A rota of ours, in whose absence somebody is named."""
    people = {"away_id": "person-engineer", "stand_in_id": "person-operator", field: user_id}
    absence = {**people, "begin_at": SPAN["start_at"], "end_at": SPAN["end_at"]}
    return {**rota(OURS, "person-engineer"), "stand_ins": [absence]}


def shift_inputs(own: Belongings) -> dict[str, Any]:
    site, mine = {"site_id": OURS}, {"rota_id": rota_id(OURS)}
    return {
        "shifts.show": site,
        "shifts.spans": {**site, **SPAN},
        "shifts.put": {**site, "facts": CALENDAR, "revision": REVISION},
        "rotas.list": site,
        "rotas.people": site,
        "rotas.add": {"facts": rota(OURS, "person-engineer")},
        "rotas.change": {**mine, "facts": rota(OURS, "person-engineer"), "revision": 7},
        "rotas.remove": mine,
    }


def shift_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    site, other = {"site_id": site_id}, {"rota_id": rota_id(site_id)}
    mine = rota(OURS, "person-engineer")
    mine_of: tuple[tuple[str, dict[str, Any]], ...] = (
        ("rotas.add", {}),
        ("rotas.change", {"rota_id": rota_id(OURS), "revision": 7}),
    )
    return {
        ("shifts.show", "site_id"): [site],
        ("shifts.spans", "site_id"): [{**site, **SPAN}],
        ("shifts.put", "site_id"): [{**site, "facts": CALENDAR, "revision": REVISION}],
        ("rotas.list", "site_id"): [site],
        ("rotas.people", "site_id"): [site],
        ("rotas.add", "site_id"): [{"facts": rota(site_id, "person-engineer")}],
        ("rotas.change", "rota_id"): [{**other, "facts": mine, "revision": 7}],
        ("rotas.change", "site_id"): [
            {"rota_id": rota_id(OURS), "facts": rota(site_id, "person-engineer"), "revision": 7}
        ],
        ("rotas.remove", "rota_id"): [other],
        **{
            (path, field): [{**asked, "facts": away(field, target.user_id)}]
            for path, asked in mine_of
            for field in STAND_IN
        },
    }
