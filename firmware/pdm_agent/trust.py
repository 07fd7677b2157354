"""What the agent believes: a manifest that a known key has signed offline, and a ticket of the director for it.

Both signatures are over the bytes as they came; nothing is spelled anew before it is verified.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST_TYPE, TICKET_TYPE = "pdm-firmware-manifest/1", "pdm-firmware-ticket/1"
TEXT_MAX = 100_000


class RefusedError(Exception):
    """The agent does not install this; the text is what the server is told."""


@dataclass(frozen=True)
class Trust:
    """What a device is set up with.

    Attributes:
        device_id: As the server calls it.
        model: Of its hardware.
        revision: Of its hardware.
        keys: Public keys of those who sign releases, in base64.
        director: Public key of the director, in base64.
    """

    device_id: str
    model: str
    revision: str
    keys: tuple[str, ...]
    director: str


@dataclass(frozen=True)
class Wanted:
    """A release that was verified."""

    action_id: str
    version: str
    security_version: int
    bytes: int
    sha256: str
    manifest_sha256: str
    nonce: str


def verified(
    trust: Trust, *, action_id: str, manifest: str, signature: str, ticket: str, floor: int, now_us: int
) -> Wanted:
    """Return what may be installed.

    Args:
        trust: What this device is set up with.
        action_id: As the server names it.
        manifest: As it came.
        signature: Base64.
        ticket: Body and signature, as they came.
        floor: The least security version that is taken.
        now_us: Microseconds UTC.

    Raises:
        RefusedError: Says why.
    """
    if len(manifest) > TEXT_MAX or not any(_holds(key, manifest.encode(), _bytes(signature)) for key in trust.keys):
        raise RefusedError("the signature of the manifest holds with none of the keys of this device")
    said = _read(manifest.encode(), MANIFEST_TYPE, "manifest")
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    nonce = _ticket(trust, ticket, action_id, digest, now_us)
    try:
        fitting = {each["model"]: each["revisions"] for each in said["hardware"]}
        wanted = Wanted(
            action_id, str(said["version"]), int(said["security_version"]), int(said["artifact"]["bytes"]),
            str(said["artifact"]["sha256"]), digest, nonce,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise RefusedError("the manifest lacks something that this agent has to know") from None
    if trust.model not in fitting:
        raise RefusedError(f"it is for {', '.join(fitting)}, and this is a {trust.model}")
    if fitting[trust.model] and trust.revision not in fitting[trust.model]:
        raise RefusedError(f"it is not for revision {trust.revision} of {trust.model}")
    if wanted.security_version < floor:
        raise RefusedError(f"its security version {wanted.security_version} is below {floor}, the floor of this device")
    return wanted


def _ticket(trust: Trust, ticket: str, action_id: str, manifest_sha256: str, now_us: int) -> str:
    body, _, made = ticket.partition(".")
    content = _bytes(body, url=True)
    if len(ticket) > TEXT_MAX or not _holds(trust.director, content, _bytes(made, url=True)):
        raise RefusedError("the ticket is not signed by the director of this device")
    said = _read(content, TICKET_TYPE, "ticket")
    for field, ours in (("device_id", trust.device_id), ("action_id", action_id), ("manifest_sha256", manifest_sha256)):
        if said.get(field) != ours:
            raise RefusedError(f"the ticket is for another {field}")
    expires_at, nonce = said.get("expires_at"), said.get("nonce")
    if not isinstance(expires_at, int) or expires_at <= now_us:
        raise RefusedError("the ticket has expired")
    if not isinstance(nonce, str) or not nonce:
        raise RefusedError("the ticket has no nonce")
    return nonce


def _read(content: bytes, kind: str, what: str) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise RefusedError(f"the {what} cannot be read") from None
    if not isinstance(said, dict) or said.get("type") != kind:
        raise RefusedError(f"the {what} is of another type")
    return said


def _holds(key: str, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _bytes(text: str, *, url: bool = False) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if url else None, validate=True)
    except ValueError:
        return b""
