"""The procedures of the trend workspace: what each needs, a call that makes sense, calls that reach across sites."""

from typing import Any

from pdm_app.domain.access import Permission
from tests.counterparts.whole_product import OURS, Belongings

SPAN = {"start_at": 1_800_000_000_000_000, "end_at": 1_800_000_060_000_000}
WORKSPACE_NEEDS: dict[str, Permission | None] = {
    "annotations.list": Permission.HISTORY_READ,
    "annotations.create": Permission.ANNOTATIONS_WRITE,
    "annotations.change": Permission.ANNOTATIONS_WRITE,
    "annotations.delete": Permission.ANNOTATIONS_WRITE,
    "annotations.restore": Permission.ANNOTATIONS_WRITE,
    "views.list": None,
    "views.audience": None,
    "views.create": None,
    "views.copy": None,
    "views.change": None,
    "views.show": Permission.ASSETS_SHARE,
    "views.delete": None,
    "views.restore": None,
}
SOMEBODY_ELSES: dict[str, str] = {
    f"{noun}.{verb}": "NOT_FOUND"
    for noun, verbs in (
        ("annotations", ("change", "delete", "restore")),
        ("views", ("copy", "change", "show", "delete", "restore")),
    )
    for verb in verbs
}
"""What is answered to those who were let in and are not the owner; the admin of the tests is."""


def workspace_inputs(own: Belongings) -> dict[str, Any]:
    view, note = {"view_id": own.view_id}, {"annotation_id": own.annotation_id}
    return {
        "annotations.list": {"asset_ids": [own.asset_id], **SPAN},
        "annotations.create": {
            "asset_id": own.asset_id, "signal_id": own.signal_id, "words": "strainer cleaned",
            "start_at": SPAN["start_at"],
        },
        "annotations.change": {**note, "words": "strainer cleaned, again"},
        "annotations.delete": note,
        "annotations.restore": note,
        "views.create": {"name": "Bearing against ambient", "address": f"s={own.signal_id}&span=3600"},
        "views.copy": view,
        "views.change": {**view, "is_default": True},
        "views.show": {**view, "site_id": OURS},
        "views.delete": view,
        "views.restore": view,
    }  # fmt: skip


def workspace_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is the target's."""
    view, note = {"view_id": target.view_id}, {"annotation_id": target.annotation_id}
    written = {"words": "mine now", "start_at": SPAN["start_at"]}
    return {
        ("annotations.create", "asset_id"): [{"asset_id": target.asset_id, **written}],
        ("annotations.create", "signal_id"): [
            {"asset_id": target.asset_id, "signal_id": target.signal_id, **written},
        ],
        ("annotations.change", "annotation_id"): [{**note, "words": "mine now"}],
        ("annotations.delete", "annotation_id"): [note],
        ("annotations.restore", "annotation_id"): [note],
        ("views.copy", "view_id"): [view],
        ("views.change", "view_id"): [{**view, "name": "Mine"}],
        ("views.show", "view_id"): [view],
        ("views.show", "site_id"): [{**view, "site_id": site_id}],
        ("views.show", "group_id"): [{**view, "group_id": target.group_id}],
        ("views.delete", "view_id"): [view],
        ("views.restore", "view_id"): [view],
    }
