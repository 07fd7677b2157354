"""A certificate signing request for the authority of the company: its key is made here and never leaves.

Source: RFC 2986 (PKCS#10).
"""

import re
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from pdm_app.domain.certificates import CertificateRequest, KeyKind, RequestFacts
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.samples import Micros
from pdm_app.services.private_files import write_private

KEY_FILE = "requested.key"
REQUEST_FILE = "requested.json"
LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
NAME = re.compile(rf"(\*\.)?({LABEL}\.)*{LABEL}")
COUNTRY = re.compile(r"[A-Z]{2}")
RSA_BITS: dict[KeyKind, int] = {"rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}


class RequestFile:
    """The one request that may be under way, with its key; in the folder of the certificates."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def _key_file(self) -> Path:
        return self._folder / KEY_FILE

    def read(self) -> CertificateRequest | None:
        """Return the request that waits for its certificate, None for none."""
        try:
            text = (self._folder / REQUEST_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return CertificateRequest.model_validate_json(text) if self._key_file.exists() else None

    def key(self) -> str:
        """Return the key of the request.

        Raises:
            NotFoundError: There is no request.
        """
        if self.read() is None:
            raise NotFoundError("No certificate was requested here, so there is no key: give the key as well.")
        return self._key_file.read_text(encoding="ascii")

    def check_free(self) -> None:
        """Raise while a request waits: its key would be lost, and with it the certificate that is being made.

        Raises:
            ConflictError: Says for which names.
        """
        waiting = self.read()
        if waiting is not None:
            raise ConflictError(
                f"A request for {waiting.facts.names[0]} waits for its certificate. Upload that, or withdraw it first."
            )

    def keep(self, request: CertificateRequest, key: str) -> None:
        """Keep a request and its key, the key first."""
        write_private(self._key_file, key)
        write_private(self._folder / REQUEST_FILE, request.model_dump_json())

    def drop(self) -> None:
        """Forget the request and its key."""
        (self._folder / REQUEST_FILE).unlink(missing_ok=True)
        self._key_file.unlink(missing_ok=True)


def make_request(facts: RequestFacts, at: Micros) -> tuple[CertificateRequest, str]:
    """Make a key and the request for its certificate.

    Returns:
        The request, and the private key in PEM.

    Raises:
        InvalidInputError: A name is none; names the field.
    """
    names = checked_names(facts.names)
    if facts.country and not COUNTRY.fullmatch(facts.country):
        raise InvalidInputError(
            "The country is written as two capital letters.",
            [FieldIssue("country", "is no code of two capital letters", "write it such as DE, IN or US")],
        )
    key = (
        ec.generate_private_key(ec.SECP384R1() if facts.key_kind == "ec-p384" else ec.SECP256R1())
        if facts.key_kind.startswith("ec")
        else rsa.generate_private_key(65537, RSA_BITS[facts.key_kind])
    )
    return CertificateRequest(facts=facts, pem=request_pem(key, names, _subject(facts, names[0])), made_at=at), (
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
    )


def request_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, names: tuple[str, ...], subject: x509.Name) -> str:
    """Return the request for names, signed with their key."""
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def checked_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names as certificates carry them, each once.

    Raises:
        InvalidInputError: One is no host name and no address.
    """
    found: list[str] = []
    for name in names:
        try:
            found.append(str(ip_address(name.strip("[]"))))
        except ValueError:
            if len(name) > 253 or not NAME.fullmatch(name) or re.fullmatch(r"[\d.]+", name):
                problem = f"{name[:80]!r} is no host name or address"
                fix = "write it such as plant.example, *.plant.example or 192.0.2.7; other letters than a-z as xn--…"
                raise InvalidInputError(f"{problem}; {fix}.", [FieldIssue("names", problem, fix)]) from None
            found.append(name.lower())
    return tuple(dict.fromkeys(found))


def general_name(name: str) -> x509.GeneralName:
    """Return a host name or address as certificates name it."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subject(facts: RequestFacts, name: str) -> x509.Name:
    parts = (
        (NameOID.COUNTRY_NAME, facts.country),
        (NameOID.STATE_OR_PROVINCE_NAME, facts.state),
        (NameOID.LOCALITY_NAME, facts.locality),
        (NameOID.ORGANIZATION_NAME, facts.organization),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, facts.unit),
        (NameOID.COMMON_NAME, name[:64]),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])
