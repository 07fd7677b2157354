"""Releases of firmware: what was built, for which hardware, who vouches for it, and whether devices may have it.

A release is one artifact and what is said of it. Its manifest is that in one canonical spelling; the signature over the
manifest is made offline, with a key that this program never sees. Releases and keys belong to the installation, not to
a site: the same gateway stands in each of them.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from pdm_app.domain.canonical_json import canonical
from pdm_app.domain.firmware_bundles import Bundle
from pdm_app.domain.firmware_versions import FirmwareVersion, is_newer
from pdm_app.domain.record import Code, Facts, Id, Instant, Name, Record, Revision, Text

MANIFEST_TYPE = "pdm-firmware-manifest/1"
"""Says within the signed text what it is, so that no other text signed with the same key passes for a manifest."""
HARDWARE_MAX = 32
REVISIONS_MAX = 32

Sha256 = Annotated[str, Field(min_length=64, max_length=64, pattern=r"^[0-9a-f]{64}$")]
Sha1 = Annotated[str, Field(min_length=40, max_length=40, pattern=r"^[0-9a-f]{40}$")]
Md5 = Annotated[str, Field(min_length=32, max_length=32, pattern=r"^[0-9a-f]{32}$")]
FileName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=120,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$",
        description="As devices see it in the address of the download: letters, digits and . _ + - alone.",
    ),
]
SecurityVersion = Annotated[
    int,
    Field(ge=0, le=2**31 - 1, description="Grows when something unsafe is repaired; devices never go below theirs."),
]
HardwareRevision = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")]


class ReleaseState(StrEnum):
    """How far a release has come."""

    DRAFT = "draft"
    SIGNED = "signed"
    APPROVED = "approved"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"
    REVOKED = "revoked"


class ReleaseStep(StrEnum):
    """What is done with a release."""

    SIGN = "sign"
    APPROVE = "approve"
    PUBLISH = "publish"
    DEPRECATE = "deprecate"
    REVOKE = "revoke"


_S = ReleaseState
STEPS: Mapping[tuple[ReleaseState, ReleaseStep], ReleaseState] = {
    (_S.DRAFT, ReleaseStep.SIGN): _S.SIGNED,
    # The same manifest signed anew, with the key that follows one that ends: what was decided about it stands.
    (_S.SIGNED, ReleaseStep.SIGN): _S.SIGNED,
    (_S.APPROVED, ReleaseStep.SIGN): _S.APPROVED,
    (_S.PUBLISHED, ReleaseStep.SIGN): _S.PUBLISHED,
    (_S.DEPRECATED, ReleaseStep.SIGN): _S.DEPRECATED,
    (_S.SIGNED, ReleaseStep.APPROVE): _S.APPROVED,
    (_S.APPROVED, ReleaseStep.PUBLISH): _S.PUBLISHED,
    (_S.PUBLISHED, ReleaseStep.DEPRECATE): _S.DEPRECATED,
    (_S.SIGNED, ReleaseStep.REVOKE): _S.REVOKED,
    (_S.APPROVED, ReleaseStep.REVOKE): _S.REVOKED,
    (_S.PUBLISHED, ReleaseStep.REVOKE): _S.REVOKED,
    (_S.DEPRECATED, ReleaseStep.REVOKE): _S.REVOKED,
}
"""Where each step leads; what is not here cannot be done. Nothing leads out of revoked."""

REACHES_DEVICES = frozenset({ReleaseState.PUBLISHED})
REACHES_DEVICES_AGAIN = REACHES_DEVICES | {ReleaseState.DEPRECATED}
"""A device may go back to what is not given to others any more, and end what it has begun; never to a revoked one."""


def steps_from(state: ReleaseState) -> frozenset[ReleaseStep]:
    """Return what can be done with a release in a state."""
    return frozenset(step for begin, step in STEPS if begin is state)


class Hardware(Record):
    """What a release runs on: a model, in the revisions named, or in all of them."""

    model: Code
    revisions: tuple[HardwareRevision, ...] = Field(default=(), max_length=REVISIONS_MAX)


class Artifact(Record):
    """One file that devices download; the store knows it by its SHA-256. Devices of hawkBit compare the others."""

    filename: FileName
    bytes: int = Field(ge=1, le=2**53)
    sha256: Sha256
    sha1: Sha1
    md5: Md5
    bundle: Bundle


class ReleaseFacts(Facts):
    """What is said of a release. It cannot be changed once it is signed, since all of it but the notes is signed."""

    name: Code = Field(description="What is released, such as gateway-os.")
    version: FirmwareVersion
    security_version: SecurityVersion = 0
    hardware: tuple[Hardware, ...] = Field(min_length=1, max_length=HARDWARE_MAX)
    min_from_version: FirmwareVersion | None = Field(
        default=None, description="Devices that run an older one need another release first."
    )
    rollback_safe: bool = Field(default=False, description="A device may go back from it to the release before.")
    notes: Text = ""

    @field_validator("hardware")
    @classmethod
    def _each_model_once(cls, hardware: tuple[Hardware, ...]) -> tuple[Hardware, ...]:
        if len({each.model for each in hardware}) < len(hardware):
            raise ValueError("names a model twice; give all its revisions at once")
        return hardware


class ReleaseSignature(Record):
    """A detached Ed25519 signature over the manifest."""

    key_id: Id
    signature: str = Field(min_length=88, max_length=88, description="64 bytes in base64.")
    by: Name = Field(description="Who handed it in.")
    at: Instant


class Release(ReleaseFacts):
    """A release and what was decided about it."""

    id: Id
    state: ReleaseState = ReleaseState.DRAFT
    artifact: Artifact
    manifest_sha256: Sha256
    signature: ReleaseSignature | None = None
    uploaded_by_id: Id
    uploaded_by: Name
    uploaded_at: Instant
    approved_by: str = Field(default="", max_length=120)
    approved_at: Instant | None = None
    published_by: str = Field(default="", max_length=120)
    published_at: Instant | None = None
    ended_by: str = Field(default="", max_length=120, description="Who deprecated or revoked it.")
    ended_at: Instant | None = None
    reason: Text = Field(default="", description="Why it was deprecated or revoked.")
    revision: Revision = 0

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"


def manifest(facts: ReleaseFacts, artifact: Artifact) -> bytes:
    """Return what is signed, and what devices are given: all that decides whether they may install it.

    Notes are left out, and the order in which models and revisions were typed.
    """
    return canonical(
        {
            "type": MANIFEST_TYPE,
            "name": facts.name,
            "version": facts.version,
            "security_version": facts.security_version,
            "hardware": [
                {"model": each.model, "revisions": sorted(set(each.revisions))}
                for each in sorted(facts.hardware, key=lambda each: each.model)
            ],
            "min_from_version": facts.min_from_version,
            "rollback_safe": facts.rollback_safe,
            "artifact": {
                "filename": artifact.filename,
                "bytes": artifact.bytes,
                "sha256": artifact.sha256,
                "sha1": artifact.sha1,
                "md5": artifact.md5,
            },
        }
    )


def manifest_sha256(facts: ReleaseFacts, artifact: Artifact) -> str:
    """Return the hash by which tickets name a manifest."""
    return hashlib.sha256(manifest(facts, artifact)).hexdigest()


class Target(Record):
    """What of a device decides whether a release may be put on it."""

    model: str = Field(default="", max_length=80, description="Empty: not known.")
    revision: str = Field(default="", max_length=40, description="Empty: not known.")
    version: FirmwareVersion | None = Field(default=None, description="What it runs, as it proved; None: not known.")
    security_version: SecurityVersion = 0


class Obstacle(StrEnum):
    """Why a release does not fit a device."""

    MODEL = "model"
    REVISION = "revision"
    FROM_VERSION = "from_version"
    SECURITY_FLOOR = "security_floor"


def obstacles(facts: ReleaseFacts, device: Target) -> tuple[Obstacle, ...]:
    """Return all that keeps a release from a device; nothing where it fits.

    What is not known of a device does not fit: a model that was never said could be any.
    """
    found: list[Obstacle] = []
    fitting = next((each for each in facts.hardware if each.model == device.model), None)
    if fitting is None:
        found.append(Obstacle.MODEL)
    elif fitting.revisions and device.revision not in fitting.revisions:
        found.append(Obstacle.REVISION)
    least = facts.min_from_version
    if least is not None and (device.version is None or is_newer(least, device.version)):
        found.append(Obstacle.FROM_VERSION)
    if facts.security_version < device.security_version:
        found.append(Obstacle.SECURITY_FLOOR)
    return tuple(found)
