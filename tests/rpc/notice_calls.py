"""The procedures of notices: what each needs, a call that makes sense, calls that reach across sites."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.notices import CAUGHT, message_id, route_id
from tests.counterparts.whole_product import OURS, Belongings

CONFIGURE = Permission.ALARMS_CONFIGURE
NOTICE_NEEDS: dict[str, Permission | None] = {
    "notices.routes": CONFIGURE,
    "notices.add_route": CONFIGURE,
    "notices.change_route": CONFIGURE,
    "notices.remove_route": CONFIGURE,
    "notices.contacts": Permission.USERS_CONFIGURE,
    "notices.put_contact": Permission.USERS_CONFIGURE,
    "notices.my_contact": None,
    "notices.put_my_contact": None,
    "notices.status": CONFIGURE,
    "notices.put_secret": Permission.SETTINGS_WRITE,
    "notices.test": Permission.SETTINGS_WRITE,
    "notices.messages": CONFIGURE,
    "notices.message": CONFIGURE,
    "notices.retry": CONFIGURE,
    "notices.open_link": Permission.ALARMS_READ,
    "notices.templates": CONFIGURE,
    "notices.template_names": CONFIGURE,
    "notices.preview_template": CONFIGURE,
    "notices.put_template": Permission.SETTINGS_WRITE,
    "notices.reset_template": Permission.SETTINGS_WRITE,
    "page_notices.watch": None,
    "page_notices.newest": None,
    "page_notices.older": None,
    "page_notices.shown": None,
    "page_notices.read": None,
    "inbox.messages": Permission.ALARMS_READ,
    "inbox.message": Permission.ALARMS_READ,
    "inbox.clear": Permission.SETTINGS_WRITE,
}
NOTICE_LET_IN_BUT_WRONG = {
    "notices.change_route": "NOT_FOUND",  # Once it is removed.
    "notices.remove_route": "NOT_FOUND",
    "notices.retry": "CONFLICT",  # It is on its way again.
    "notices.test": "BAD_REQUEST",  # No channel is set up.
    "notices.open_link": "BAD_REQUEST",  # It was not written here.
}


def facts(site_id: str, user_id: str) -> dict[str, Any]:
    return {"site_id": site_id, "name": "Night", "steps": [{"user_ids": [user_id], "channels": ["email"]}]}


def notice_inputs(own: Belongings) -> dict[str, Any]:
    route, message = {"route_id": route_id(OURS)}, {"message_id": message_id(OURS)}
    template = {"channel": "sms", "facts": {"subject": "{alarm}", "body": "{alarm} at {machine}"}}
    return {
        "notices.add_route": {"facts": facts(OURS, own.user_id)},
        "notices.change_route": {**route, "facts": facts(OURS, own.user_id), "revision": 7},
        "notices.remove_route": route,
        "notices.put_contact": {"user_id": own.user_id, "facts": {"phone": "+436601234567"}},
        "notices.put_my_contact": {"facts": {"email": "me@plant.example"}},
        "notices.put_secret": {"channel": "email", "secret": ""},
        "notices.test": {"channel": "email", "address": "me@plant.example", "site_id": OURS},
        "notices.message": message,
        "notices.retry": message,
        "notices.open_link": {"token": "v1~0~0"},
        "notices.preview_template": template,
        "notices.put_template": {**template, "revision": 0},
        "notices.reset_template": {"channel": "sms"},
        "page_notices.shown": {"message_ids": [message_id(OURS)]},
        "page_notices.read": {"until": message_id(OURS)},
        "inbox.message": {"caught_id": CAUGHT[OURS]},
    }


def notice_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    route, message = {"route_id": route_id(site_id)}, {"message_id": message_id(site_id)}
    mine = facts(OURS, "person-engineer")
    return {
        ("notices.add_route", "site_id"): [{"facts": facts(site_id, "person-engineer")}],
        ("notices.change_route", "route_id"): [{**route, "facts": mine, "revision": 7}],
        ("notices.change_route", "site_id"): [
            {"route_id": route_id(OURS), "facts": facts(site_id, "person-engineer"), "revision": 7}
        ],
        ("notices.remove_route", "route_id"): [route],
        ("notices.test", "site_id"): [{"channel": "email", "address": "me@plant.example", "site_id": site_id}],
        ("notices.messages", "site_id"): [{"query": {"site_id": site_id}}],
        ("notices.messages", "user_id"): [{"query": {"user_id": target.user_id}}],
        ("notices.message", "message_id"): [message],
        ("notices.retry", "message_id"): [message],
        ("inbox.message", "caught_id"): [{"caught_id": CAUGHT.get(site_id, "nowhere")}],
    }
