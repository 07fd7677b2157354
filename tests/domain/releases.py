"""Releases as tests need them."""

from pdm_app.domain.firmware_bundles import Bundle, BundleKind
from pdm_app.domain.releases import Artifact, Hardware, ReleaseFacts

GATEWAY = Hardware(model="GW-100", revisions=("B", "A"))


def artifact(**changes: object) -> Artifact:
    said = {
        "filename": "gateway-2.0.0.swu", "bytes": 3_000_000, "sha256": "ab" * 32, "sha1": "cd" * 20, "md5": "ef" * 16,
        "bundle": Bundle(kind=BundleKind.OTHER),
    }  # fmt: skip
    return Artifact.model_validate(said | changes)


def facts(**changes: object) -> ReleaseFacts:
    said = {
        "name": "gateway-os", "version": "2.0.0", "security_version": 3, "hardware": (GATEWAY,),
        "min_from_version": "1.4", "rollback_safe": True, "notes": "Quieter fan.",
    }  # fmt: skip
    return ReleaseFacts.model_validate(said | changes)
