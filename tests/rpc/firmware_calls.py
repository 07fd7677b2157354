"""What the procedures about releases and signing keys need, and calls of them that make sense."""

from typing import Any

from pdm_app.domain.access import Permission
from pdm_app.domain.firmware_keys import key_id
from pdm_app.services.firmware_signatures import public_key_of
from tests.counterparts.releases import NEW, SPARE, facts_of, made_signature, release_id

FIRMWARE_NEEDS: dict[str, Permission | None] = {
    "releases.list": Permission.FIRMWARE_READ,
    "releases.by_id": Permission.FIRMWARE_READ,
    "releases.manifest": Permission.FIRMWARE_READ,
    "releases.create": Permission.FIRMWARE_UPLOAD,
    "releases.change": Permission.FIRMWARE_UPLOAD,
    "releases.delete": Permission.FIRMWARE_UPLOAD,
    "releases.sign": Permission.FIRMWARE_UPLOAD,
    "releases.approve": Permission.FIRMWARE_APPROVE,
    "releases.publish": Permission.FIRMWARE_PUBLISH,
    "releases.deprecate": Permission.FIRMWARE_PUBLISH,
    "releases.revoke": Permission.FIRMWARE_PUBLISH,
    "signing_keys.list": Permission.FIRMWARE_READ,
    "signing_keys.director": Permission.FIRMWARE_READ,
    "signing_keys.add": Permission.FIRMWARE_TRUST,
    "signing_keys.revoke": Permission.FIRMWARE_TRUST,
}
FIRMWARE_LET_IN_BUT_WRONG = {
    "releases.create": "NOT_FOUND",  # The file comes in by another way; `tests/services/test_releases.py` goes it.
    "releases.delete": "NOT_FOUND",  # Once it is done.
    **dict.fromkeys(("releases.approve", "releases.publish", "releases.deprecate", "releases.revoke"), "CONFLICT"),
    **dict.fromkeys(("signing_keys.add", "signing_keys.revoke"), "CONFLICT"),
}
OF_A_RELEASE = ("by_id", "manifest", "change", "delete", "sign", "approve", "publish", "deprecate", "revoke")
SAID: dict[str, dict[str, Any]] = {
    "change": {"notes": "Quieter fan."},
    "sign": {"signature": made_signature("sign")},
    "deprecate": {"reason": "the next one is out"},
    "revoke": {"reason": "it floods the bus"},
}


def firmware_inputs() -> dict[str, Any]:
    """Inputs about releases of which each stands where its step can be done, once."""
    looked_at = {step: release_id("publish" if step in ("by_id", "manifest") else step) for step in OF_A_RELEASE}
    return {
        **{f"releases.{step}": {"release_id": looked_at[step], **SAID.get(step, {})} for step in OF_A_RELEASE},
        "releases.create": {"upload_id": "long-gone", "facts": facts_of("sign").model_dump(mode="json")},
        "signing_keys.add": {"facts": {"name": "desk", "public_key": public_key_of(NEW)}},
        "signing_keys.revoke": {"key": key_id(public_key_of(SPARE)), "reason": "the laptop was stolen"},
    }


def firmware_crossings() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What somebody tries with an upload of somebody else; releases are everybody's, so with one that is not there."""
    upload = {"upload_id": "somebodys", "facts": facts_of("sign").model_dump(mode="json")}
    return {
        ("releases.create", "upload_id"): [upload],
        **{
            (f"releases.{step}", "release_id"): [{"release_id": "nobodys", **SAID.get(step, {})}]
            for step in OF_A_RELEASE
        },
    }
