"""What the procedures about groups of devices and campaigns need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.releases import release_id
from tests.counterparts.rollouts import GROUP_REVISION, action_id, campaign_id, group_id
from tests.counterparts.whole_product import OURS, Belongings

READ, CONTROL = Permission.FIRMWARE_READ, Permission.FIRMWARE_PUBLISH
ROLLOUT_NEEDS: dict[str, Permission | None] = {
    "device_groups.list": Permission.DEVICES_READ,
    "device_groups.members": Permission.DEVICES_READ,
    "device_groups.preview": Permission.DEVICES_READ,
    "device_groups.firmware": Permission.DEVICES_READ,
    "device_groups.create": Permission.DEVICES_CONFIGURE,
    "device_groups.change": Permission.DEVICES_CONFIGURE,
    "device_groups.remove": Permission.DEVICES_CONFIGURE,
    "device_groups.set_client": Permission.DEVICES_CONFIGURE,
    "campaigns.list": READ,
    "campaigns.by_id": READ,
    "campaigns.simulate": READ,
    "campaigns.story": READ,
    "campaigns.create": CONTROL,
    "campaigns.approve": Permission.FIRMWARE_APPROVE,
    "campaigns.start": CONTROL,
    "campaigns.pause": CONTROL,
    "campaigns.resume": CONTROL,
    "campaigns.abort": CONTROL,
    "campaigns.retry": CONTROL,
    "campaigns.exclude": CONTROL,
    "campaigns.roll_back": CONTROL,
}
STEPS = ("approve", "start", "pause", "resume", "abort", "retry", "exclude", "roll_back")
ROLLOUT_LET_IN_BUT_WRONG = {
    # Once it is done, it cannot be done again.
    **dict.fromkeys((f"campaigns.{step}" for step in STEPS), "CONFLICT"),
    "device_groups.create": "CONFLICT",
    "device_groups.change": "CONFLICT",
    "device_groups.remove": "NOT_FOUND",
}


def group(site_id: str, name: str = "Gateways", **more: object) -> dict[str, Any]:
    return {"site_id": site_id, "name": name, "filter": "model = GW-100", **more}


def campaign(site_id: str, **more: object) -> dict[str, Any]:
    facts = {"site_id": site_id, "name": "1.5 to gateways", "release_id": release_id("assign"),
             "group_id": group_id(OURS, "update"), "phases": [{"name": "All"}]}  # fmt: skip
    return facts | more


def _step(site_id: str, step: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"campaign_id": campaign_id(site_id, step)}
    return {**asked, "action_ids": [action_id(OURS, step)]} if step == "exclude" else asked


def rollout_inputs(_own: Belongings) -> dict[str, Any]:
    looked_at = {"campaign_id": campaign_id(OURS, "resume")}
    return {
        "device_groups.list": {"site_id": OURS},
        "device_groups.members": {"device_group_id": group_id(OURS, "update")},
        "device_groups.preview": {"facts": group(OURS)},
        "device_groups.firmware": {"site_id": OURS},
        "device_groups.create": {"facts": group(OURS)},
        "device_groups.change": {
            "device_group_id": group_id(OURS), "facts": group(OURS, "Others"), "revision": GROUP_REVISION,
        },
        "device_groups.remove": {"device_group_id": group_id(OURS, "remove")},
        "device_groups.set_client": {"device_group_id": group_id(OURS, "update"), "client": "rauc"},
        "campaigns.list": {"site_id": OURS},
        "campaigns.by_id": looked_at,
        "campaigns.simulate": looked_at,
        "campaigns.story": {"action_id": action_id(OURS, "resume")},
        "campaigns.create": {"facts": campaign(OURS)},
        **{f"campaigns.{step}": _step(OURS, step) for step in STEPS},
    }  # fmt: skip


def rollout_crossings(site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is of another site, or is not there."""
    site, other = {"site_id": site_id}, {"device_group_id": group_id(site_id)}
    changed = {"facts": group(OURS, "Others"), "revision": GROUP_REVISION}
    moved = {"device_group_id": group_id(OURS), "facts": group(site_id), "revision": GROUP_REVISION}
    return {
        ("device_groups.list", "site_id"): [site],
        ("device_groups.firmware", "site_id"): [site],
        ("device_groups.members", "device_group_id"): [other],
        ("device_groups.preview", "site_id"): [{"facts": group(site_id)}],
        ("device_groups.create", "site_id"): [{"facts": group(site_id)}],
        ("device_groups.change", "device_group_id"): [{**other, **changed}],
        ("device_groups.change", "site_id"): [moved],
        ("device_groups.remove", "device_group_id"): [other],
        ("device_groups.set_client", "device_group_id"): [{**other, "client": "rauc"}],
        ("campaigns.list", "site_id"): [site],
        ("campaigns.by_id", "campaign_id"): [{"campaign_id": campaign_id(site_id, "resume")}],
        ("campaigns.simulate", "campaign_id"): [{"campaign_id": campaign_id(site_id, "resume")}],
        ("campaigns.story", "action_id"): [{"action_id": action_id(site_id, "resume")}],
        ("campaigns.create", "site_id"): [{"facts": campaign(site_id)}],
        ("campaigns.create", "group_id"): [{"facts": campaign(OURS, group_id=group_id(site_id, "update"))}],
        ("campaigns.create", "release_id"): [{"facts": campaign(OURS, release_id="nobodys")}],
        **{(f"campaigns.{step}", "campaign_id"): [_step(site_id, step)] for step in STEPS},
    }
