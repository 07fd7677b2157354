"""A certificate and its key that somebody brings: opened, put in order, and checked before a server depends on them.

Source: RFC 5280, 4.2.1 (extensions); CA/Browser Forum Baseline Requirements 2.0, 6.1.5 (key sizes); RFC 8446, 4.4.2
(order of the certificates).
"""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.samples import Micros, moment
from pdm_app.services import upload_reader
from pdm_app.services.certificate_files import facts_of, pem_of, short_name
from pdm_app.services.private_files import write_private

UPLOAD_CHARACTERS_MAX = 300_000  # Of each file, in base64.
READ_S_MAX = 10.0
RSA_BITS_MIN = 2048
CURVE_BITS_MIN = 256
CLOCKS_APART_US = 300_000_000  # An authority whose clock is ahead of ours by less signs nothing of tomorrow.
WEAK_HASHES = ("md2", "md4", "md5", "sha1")


def opened(certificate: str, key: str = "", password: str = "") -> tuple[str, str]:
    """Open what was uploaded; takes about a third of a second, and never longer than ten.

    Args:
        certificate: PEM, or base64 of a file in DER, PKCS#7 or PKCS#12.
        key: The same in PEM or DER; empty where it is in the other file.
        password: Of the file or of the key; empty for none.

    Returns:
        Certificates in the order of the file, and the key without protection, empty for none; both in PEM.

    Raises:
        InvalidInputError: Names the field, what is wrong with it, and what to bring instead.
    """
    asked = json.dumps(_asked(certificate, key, password))
    command = [sys.executable, "-P", upload_reader.__file__]  # -P: its neighbours must not stand for standard modules.
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, timeout=READ_S_MAX, check=False, env=_environment()
        )
    except subprocess.TimeoutExpired:
        raise refused("certificate", f"cannot be opened within {READ_S_MAX:g} s", "export it once more") from None
    if done.returncode != 0:
        raise refused("certificate", "cannot be opened", "export it once more, in PEM if it can be had")
    return _taken(json.loads(done.stdout))


def _environment() -> dict[str, str]:
    """Return what the other process needs; what opens hostile files is handed no secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PDM_")}


def opened_here(certificate: str, key: str = "", password: str = "") -> tuple[str, str]:
    """Open as `opened` does, in this process: for what is known to be harmless."""
    return _taken(upload_reader.answer(_asked(certificate, key, password)))


def _asked(certificate: str, key: str, password: str) -> dict[str, str]:
    for field, text in (("certificate", certificate), ("key", key)):
        if len(text) > UPLOAD_CHARACTERS_MAX:
            raise refused(field, f"is longer than {UPLOAD_CHARACTERS_MAX} characters", "give only what a server sends")
    return {"certificate": certificate, "key": key, "password": password}


def _taken(said: dict[str, Any]) -> tuple[str, str]:
    if "refused" in said:
        raise refused(*said["refused"])
    return "".join(said["certificates"]), said["key"]


def checked_pair(certificates: str, key: str, now: Micros) -> str:
    """Check a certificate that somebody brings, and join it with its key.

    Args:
        certificates: PEM: the server's certificate and those between it and its authority, in any order.
        key: PEM, without a pass phrase.
        now: It must be good at this time.

    Returns:
        One PEM text of key, server's certificate and those that lead to its authority, in this order.

    Raises:
        InvalidInputError: Names the field, what is wrong with it, and what to bring instead.
    """
    found = x509.load_pem_x509_certificates(certificates.encode())
    private = serialization.load_pem_private_key(key.encode(), password=None)
    server = next((one for one in found if one.public_key() == private.public_key()), None)
    if server is None:
        raise refused("key", "does not belong to the certificate", "give the key it was requested with")
    _check_strength(server)
    _check_purpose(server, now, is_alone=len(found) == 1)
    chain = _in_order(server, [one for one in found if one is not server])
    joined = key + "".join(pem_of(one) for one in chain)
    _try(joined)
    return joined


def refused(field: str, problem: str, fix: str) -> InvalidInputError:
    """Make the error that says what is wrong with one field."""
    return InvalidInputError(f"The {field} {problem}; {fix}.", [FieldIssue(field, problem, fix)])


def _check_strength(server: x509.Certificate) -> None:
    public = server.public_key()
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < RSA_BITS_MIN:
        raise refused("key", f"is weak: {public.key_size} bits of RSA", f"request one with {RSA_BITS_MIN} or more")
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.key_size < CURVE_BITS_MIN:
        raise refused("key", f"is weak: the curve {public.curve.name}", "request one with P-256 or RSA 2048")
    hash_of = server.signature_hash_algorithm
    if hash_of is not None and hash_of.name in WEAK_HASHES:
        raise refused("certificate", f"is signed with {hash_of.name}", "have the authority sign with SHA-256")


def _check_purpose(server: x509.Certificate, now: Micros, *, is_alone: bool) -> None:
    facts = facts_of(server)
    if not facts.valid_from - CLOCKS_APART_US <= now < facts.valid_until:
        when = f"from {moment(Micros(facts.valid_from)):%Y-%m-%d} to {moment(Micros(facts.valid_until)):%Y-%m-%d}"
        raise refused("certificate", f"is good {when}, not today", "request a new one, or set this machine's clock")
    if facts.is_authority and not is_alone:
        raise refused("certificate", "is an authority's", "give the one made for this server")
    if not facts.names:
        raise refused("certificate", "names no host", "request one with the names in subjectAltName")
    try:
        purposes = server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(purposes):
        raise refused("certificate", "was not made for a server", "request one with the purpose server authentication")


def _in_order(server: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the server's certificate, the one that signed it, and so on; what signs nothing in it is left out."""
    chain, left = [server], list(others)
    while signer := next((one for one in left if _signed(chain[-1], one)), None):
        chain.append(signer)
        left.remove(signer)
    if len(chain) == 1 and left:
        name = short_name(server.subject)
        raise refused("certificate", f"{name} is not signed by any other in the file", "give those of its authority")
    return chain


def _signed(lower: x509.Certificate, upper: x509.Certificate) -> bool:
    try:
        lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _try(joined: str) -> None:
    """Load it as the server will, in a context that nobody is served with."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pair.pem"
        write_private(file, joined)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)
        except ssl.SSLError as error:
            raise refused("certificate", f"is not taken by TLS: {error.reason}", "request another one") from None
