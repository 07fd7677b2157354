"""Releases that stand in the whole product, one for each step that can be done with one, and their keys."""

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pdm_app.domain.firmware_bundles import Bundle, BundleKind
from pdm_app.domain.firmware_keys import SigningKey, key_id
from pdm_app.domain.releases import (
    Artifact,
    Hardware,
    Release,
    ReleaseFacts,
    ReleaseSignature,
    ReleaseState,
    manifest,
    manifest_sha256,
)
from pdm_app.domain.repositories import Work
from pdm_app.services.artifacts import FOLDER
from pdm_app.services.firmware_signatures import public_key_of, signature_of

SIGNER, SPARE, NEW = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
IMAGE = b"an image of a gateway" * 100
ARTIFACT = Artifact(
    filename="gateway.bin",
    bytes=len(IMAGE),
    sha256=hashlib.sha256(IMAGE).hexdigest(),
    sha1=hashlib.sha1(IMAGE, usedforsecurity=False).hexdigest(),
    md5=hashlib.md5(IMAGE, usedforsecurity=False).hexdigest(),
    bundle=Bundle(kind=BundleKind.OTHER),
)
STANDING = {
    "change": ReleaseState.DRAFT,
    "delete": ReleaseState.DRAFT,
    "sign": ReleaseState.DRAFT,
    "approve": ReleaseState.SIGNED,
    "publish": ReleaseState.APPROVED,
    "deprecate": ReleaseState.PUBLISHED,
    "revoke": ReleaseState.PUBLISHED,
    "assign": ReleaseState.PUBLISHED,
}
"""By what is tried with it; nothing is done with the last one but giving it to devices."""


def facts_of(step: str) -> ReleaseFacts:
    version = f"1.{list(STANDING).index(step)}.0"
    return ReleaseFacts(name="gateway-os", version=version, hardware=(Hardware(model="GW-100"),))


def release_id(step: str) -> str:
    return f"release-{step}"


def made_signature(step: str) -> str:
    """Sign as the command does."""
    return signature_of(SIGNER, manifest(facts_of(step), ARTIFACT))


async def put_releases(work: Work, data_dir: Path, at: int) -> None:
    """Store a release for each step, the keys, and the one file that all of them are about."""
    place = data_dir / FOLDER / ARTIFACT.sha256[:2] / ARTIFACT.sha256
    place.parent.mkdir(parents=True)
    place.write_bytes(IMAGE)
    for name, private in (("signer", SIGNER), ("spare", SPARE)):
        public = public_key_of(private)
        await work.releases.put_key(
            SigningKey(id=key_id(public), name=name, public_key=public, added_by="ada", added_at=at)
        )
    for step, state in STANDING.items():
        signature = ReleaseSignature(
            key_id=key_id(public_key_of(SIGNER)), signature=made_signature(step), by="ada", at=at
        )
        await work.releases.put(
            Release(
                **dict(facts_of(step)),
                id=release_id(step),
                state=state,
                artifact=ARTIFACT,
                manifest_sha256=manifest_sha256(facts_of(step), ARTIFACT),
                signature=None if state is ReleaseState.DRAFT else signature,
                uploaded_by_id="somebody-else",
                uploaded_by="ada",
                uploaded_at=at,
            )
        )
