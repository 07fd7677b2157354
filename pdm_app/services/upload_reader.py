"""Reads certificate files that somebody uploads, in a process of its own that may be ended.

Such a file says by itself how much work opening it takes: how often a password is hashed, how large a key is. One made
for that purpose would hold up the whole product for hours, so the program starts this file as a script, gives it
seconds, and takes from it what is plain: certificates and a key in PEM. Nothing of the product is imported here.

Source: RFC 7292 (PKCS#12), RFC 2315 (PKCS#7), RFC 7468 (PEM), RFC 8018 (password-based encryption).
"""

import base64
import binascii
import json
import re
import sys
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

CERTIFICATES_MAX = 20
RSA_BITS_MAX = 8192  # More only makes each handshake slow.
MEMORY_BYTES_MAX = 1 << 30
PEM_MARK = b"-----BEGIN "
BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?-----END \1-----", re.DOTALL)
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension)
PFX = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class RefusedError(Exception):
    """The file cannot be used: the field, what is wrong, and what to do."""

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.told = (field, problem, fix)


def read(certificate: bytes, key: bytes, password: str) -> tuple[list[x509.Certificate], PrivateKey | None]:
    """Read what was uploaded.

    Args:
        certificate: PEM text, DER, PKCS#7 or PKCS#12; it may hold the key as well.
        key: PEM or DER; empty where it is in the other file, or was kept here for a request.
        password: Of the PKCS#12 file or of the key; empty for none.

    Raises:
        RefusedError: Names the field.
    """
    if PEM_MARK in certificate:
        found, inside = _from_pem(certificate)
    elif PFX.match(certificate):
        found, with_it = _from_pkcs12(certificate, password)
        return found, with_it if not key else _key(key, password)
    else:
        found, inside = _from_der(certificate), b""
    given = key or inside
    return found, _key(given, password) if given else None


def _from_pem(text: bytes) -> tuple[list[x509.Certificate], bytes]:
    found: list[x509.Certificate] = []
    key = b""
    for block in BLOCK.finditer(text):
        label = block[1]
        try:
            if label in (b"CERTIFICATE", b"X509 CERTIFICATE"):
                found.append(x509.load_pem_x509_certificate(block[0].replace(b"X509 CERT", b"CERT")))
            elif label in (b"PKCS7", b"CMS"):
                found += pkcs7.load_pem_pkcs7_certificates(block[0].replace(b" CMS-", b" PKCS7-"))
            elif label.endswith(b"PRIVATE KEY"):
                key = block[0]
        except UNREADABLE:
            raise RefusedError(
                "certificate", f"has a part, {label.decode().lower()}, that cannot be read", "export it once more"
            ) from None
    if not found:
        raise RefusedError(
            "certificate", "is no certificate in PEM", "give the text from BEGIN to END CERTIFICATE, or the file"
        )
    return found, key


def _from_der(content: bytes) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(content)]
    except UNREADABLE:
        pass
    try:
        return pkcs7.load_der_pkcs7_certificates(content)
    except UNREADABLE:
        raise RefusedError(
            "certificate", "is no certificate", "give a file in PEM, DER (.cer), PKCS#7 (.p7b) or PKCS#12 (.pfx)"
        ) from None


def _from_pkcs12(content: bytes, password: str) -> tuple[list[x509.Certificate], PrivateKey | None]:
    try:
        opened = pkcs12.load_pkcs12(content, password.encode() if password else None)
    except UNREADABLE:
        if not password:
            raise RefusedError("password", "is needed to open the file", "type the one it was exported with") from None
        raise RefusedError(
            "password", "does not open the file, or the file is damaged", "type the one it was exported with"
        ) from None
    first = [opened.cert.certificate] if opened.cert else []
    found = [*first, *(one.certificate for one in opened.additional_certs)]
    if not found:
        raise RefusedError("certificate", "holds no certificate", "export it together with its certificate")
    return found, None if opened.key is None else _usable(opened.key)


def _key(content: bytes, password: str) -> PrivateKey:
    load = serialization.load_pem_private_key if PEM_MARK in content else serialization.load_der_private_key
    try:
        try:
            return _usable(load(content, None))
        except TypeError:  # It is protected; a password for a key that is not would be refused as well.
            if not password:
                problem = "is needed: the key is protected by a pass phrase"
                raise RefusedError("password", problem, "type the one it was made with") from None
            return _usable(load(content, password.encode()))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if password and PEM_MARK in content and b"ENCRYPTED" in content:
            raise RefusedError("password", "does not open the key", "type the one it was made with") from None
        raise RefusedError("key", "is no private key in PEM or DER", "give the one it was requested with") from None


def _usable(key: object) -> PrivateKey:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise RefusedError("key", "is of a kind that browsers do not take", "request one with RSA or an elliptic curve")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size > RSA_BITS_MAX:
        raise RefusedError("key", f"has {key.key_size} bits, more than {RSA_BITS_MAX}", "request one with 2048 to 4096")
    return key


def _bytes_of(text: str, field: str) -> bytes:
    """Return the content: text in PEM as it is, anything else as base64 of a file."""
    if PEM_MARK.decode() in text:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        kind = "certificate" if field == "certificate" else "private key"
        raise RefusedError(
            field, f"is no {kind} in PEM", "give the text from BEGIN to END, or the file as it was exported"
        ) from None


def answer(asked: dict[str, str]) -> dict[str, Any]:
    """Answer one upload: ``certificates`` and ``key`` in PEM, or ``refused`` with field, problem and fix."""
    try:
        certificate, key = _bytes_of(asked["certificate"], "certificate"), _bytes_of(asked["key"], "key")
        found, private = read(certificate, key, asked["password"])
        if len(found) > CERTIFICATES_MAX:
            raise RefusedError("certificate", f"holds {len(found)} certificates", "give only what the server sends")
    except RefusedError as error:
        return {"refused": error.told}
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return {
        "certificates": [one.public_bytes(encoding).decode() for one in found],
        "key": private.private_bytes(encoding, form, serialization.NoEncryption()).decode() if private else "",
    }


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows; the time limit holds there too.
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))


if __name__ == "__main__":
    _limit_memory()
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
