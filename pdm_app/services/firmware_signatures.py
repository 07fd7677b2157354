"""Ed25519 signatures over manifests and tickets, and the key files with which they are made offline.

Nothing here needs a server or a database: `pdm-app firmware` runs it on a machine without a network.

Source: RFC 8032 (Ed25519), RFC 8410 (its keys in PKCS#8).
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from pdm_app.domain.canonical_json import NotCanonicalError, canonical
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.firmware_keys import PUBLIC_KEY_BYTES
from pdm_app.domain.releases import MANIFEST_TYPE

PASSPHRASE_MIN = 12
MANIFEST_BYTES_MAX = 100_000
PIECE_BYTES = 1_048_576
SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""Points of small order, without the sign. Source: libsodium, ``ge25519_has_small_order``."""


def public_key_of(private: Ed25519PrivateKey) -> str:
    """Return the public half in base64."""
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def signature_of(private: Ed25519PrivateKey, message: bytes) -> str:
    """Return a detached signature in base64."""
    return base64.b64encode(private.sign(message)).decode()


def holds(public_key: str, message: bytes, signature: str) -> bool:
    """Whether a signature over a message was made with the private half of a key; both in base64."""
    try:
        key, made = base64.b64decode(public_key, validate=True), base64.b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(key).verify(made, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_usable_key(public_key: str) -> bool:
    """Whether a text is a public key that a signature could be verified with.

    Points of small order are refused: with one of them, somebody can make a signature that holds for any message.
    """
    try:
        raw = base64.b64decode(public_key, validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        return False
    return raw[:-1] + bytes([raw[-1] & 0x7F]) not in SMALL_ORDER


def new_key_file(passphrase: str) -> tuple[str, Ed25519PrivateKey]:
    """Make a key.

    Returns:
        The content of its file, encrypted with the passphrase, and the key.

    Raises:
        InvalidInputError: The passphrase is too short to protect anything.
    """
    if len(passphrase) < PASSPHRASE_MIN:
        problem = f"has {len(passphrase)} characters, fewer than {PASSPHRASE_MIN}"
        raise InvalidInputError(
            f"The passphrase {problem}. Whoever has the key file and guesses it can sign firmware for every device.",
            [FieldIssue("passphrase", problem, "use several words")],
        )
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))
    return pem.decode(), private


def opened_key(content: bytes, passphrase: str, name: str) -> Ed25519PrivateKey:
    """Open a key file.

    Raises:
        InvalidInputError: The passphrase is wrong, or the file is none of an encrypted Ed25519 key.
    """
    try:
        private = load_pem_private_key(content, passphrase.encode())
    except TypeError:  # Not encrypted: what everybody can read has no business signing for a plant.
        raise InvalidInputError(
            f"The key file {name} is not encrypted. Make one with `pdm-app firmware keygen`."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidInputError(
            f"The key file {name} cannot be opened: the passphrase is wrong, or it is no private key in PEM. "
            "Try again; a forgotten passphrase cannot be recovered, a new key can be made."
        ) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise InvalidInputError(
            f"The key file {name} holds another kind of key than Ed25519. Use one made by `keygen`."
        )
    return private


def read_public_key(text: str, name: str) -> str:
    """Return the public key of a ``.pub`` file.

    Raises:
        InvalidInputError: It is none.
    """
    given = text.strip()
    try:
        raw = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != PUBLIC_KEY_BYTES:
        raise InvalidInputError(f"{name} is no public key: 44 characters of base64 are expected. Take the .pub file.")
    return base64.b64encode(raw).decode()


def read_manifest(content: bytes, name: str) -> Mapping[str, Any]:
    """Read a manifest that is about to be signed, or was.

    Raises:
        InvalidInputError: It is none, or not in the one spelling that a signature holds for.
    """
    try:
        if len(content) > MANIFEST_BYTES_MAX:
            raise NotCanonicalError(f"it has more than {MANIFEST_BYTES_MAX} bytes")
        said = json.loads(content)
        if not isinstance(said, dict) or said.get("type") != MANIFEST_TYPE:
            raise NotCanonicalError(f"its type is not {MANIFEST_TYPE}")
        if canonical(said) != content:
            raise NotCanonicalError("it was edited, or saved with another spelling")
        artifact = said["artifact"]
        if not isinstance(artifact["sha256"], str) or not isinstance(artifact["bytes"], int):
            raise NotCanonicalError("its artifact has no hash or size")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = error if isinstance(error, NotCanonicalError) else "it is not the JSON that was downloaded"
        raise InvalidInputError(f"{name} is no manifest: {why}. Download it again from the release's page.") from None
    return said


def check_file(said: Mapping[str, Any], path: Path) -> None:
    """Compare a file with what a manifest says of it: who signs vouches for the file that they have built.

    Raises:
        InvalidInputError: It is another file.
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    expected = said["artifact"]
    found = (size, digest.hexdigest())
    if found != (expected["bytes"], expected["sha256"]):
        raise InvalidInputError(
            f"{path.name} is not the file that the manifest is about: it has {size:,} bytes and SHA-256 {found[1]}; "
            f"the manifest says {expected['bytes']:,} and {expected['sha256']}. "
            "Nothing was signed. Somebody uploaded another file: find out which one is right."
        )
