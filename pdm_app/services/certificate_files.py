"""Certificates as files: an authority of one's own, server certificates signed by it, and reading what others made.

A server certificate and its key stand in one PEM file of mode 0600, so that replacing them is one rename and no server
ever reads the one without the other.

Source: RFC 5280; CA/Browser Forum Baseline Requirements 2.0, 6.3.2 and 7.1.2 (validity and extensions), which browsers
ask of private authorities in part as well (825 days at most).
"""

import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address

import psutil
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pdm_app.domain.certificates import Certificate
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.samples import Micros, moment
from pdm_app.services.certificate_requests import general_name

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
CLOCKS_APART = timedelta(hours=24)  # A browser whose clock is behind by less than this accepts a fresh certificate.
NAMES_MAX = 100
PEM_BYTES_MAX = 200_000
PRIVATE_KEY = "PRIVATE KEY-----"


def make_authority(at: Micros, name: str) -> tuple[str, str]:
    """Make an authority that signs server certificates and nothing else.

    Returns:
        Its certificate and its private key, in PEM.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _begun(at, subject, subject, AUTHORITY_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return pem_of(certificate), key_pem_of(key)


def make_server(at: Micros, authority: str, authority_key: str, names: Iterable[str]) -> str:
    """Make a server certificate; the first name is the one it is called by.

    Returns:
        Private key, certificate and authority in one PEM text.
    """
    wanted = list(dict.fromkeys(names))[:NAMES_MAX]
    issuer = x509.load_pem_x509_certificate(authority.encode())
    issuer_key = serialization.load_pem_private_key(authority_key.encode(), password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise _refused("key", "of the authority is none that was made here", "put the file back, or delete both")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wanted[0][:64])])
    certificate = (
        _begun(at, subject, issuer.subject, SERVER_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in wanted]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return key_pem_of(key) + pem_of(certificate) + authority


def local_names(more: Iterable[str] = ()) -> list[str]:
    """Return by what names and addresses others reach this machine, those that are given first."""
    host = socket.gethostname()
    found = [*more, host, *([] if "." in host else [f"{host}.local"]), "localhost", "127.0.0.1", "::1"]
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                address = ip_address(one.address.partition("%")[0])
                if not address.is_link_local:
                    found.append(str(address))
    return [name for name in dict.fromkeys(found) if _is_usable(name)]


def read_certificates(pem: str) -> tuple[Certificate, ...]:
    """Read every certificate in a PEM text, the server's own first.

    Raises:
        InvalidInputError: There is none, or one cannot be read.
    """
    return tuple(facts_of(certificate) for certificate in _loaded(pem))


def belong_together(certificate: str, key: str) -> bool:
    """Whether a key is that of a certificate, both in PEM and of our own making.

    Raises:
        ValueError: One of them cannot be read.
    """
    private = serialization.load_pem_private_key(key.encode(), password=None)
    return private.public_key() == x509.load_pem_x509_certificate(certificate.encode()).public_key()


def without_key(pem: str) -> str:
    """Return only the certificates of a PEM text."""
    return "".join(pem_of(certificate) for certificate in _loaded(pem))


def _loaded(pem: str) -> list[x509.Certificate]:
    if len(pem) > PEM_BYTES_MAX:
        raise _refused("certificate", f"is longer than {PEM_BYTES_MAX} characters", "give only what the server sends")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for certificate in found:  # Extensions are read only when asked for; a broken one shows here.
            facts_of(certificate)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise _refused(
            "certificate", "is no certificate in PEM", "give the text from BEGIN to END CERTIFICATE"
        ) from None
    return found


def _refused(field: str, problem: str, fix: str) -> InvalidInputError:
    return InvalidInputError(f"The {field} {problem}; {fix}.", [FieldIssue(field, problem, fix)])


def facts_of(certificate: x509.Certificate) -> Certificate:
    """Read what a certificate says of itself."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        listed = [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
    except x509.ExtensionNotFound:
        listed = []
    try:
        is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    return Certificate(
        subject=short_name(certificate.subject) or next(iter(listed), ""),  # ACME directories leave it empty.
        issuer=short_name(certificate.issuer),
        names=tuple(listed),
        valid_from=_micros(certificate.not_valid_before_utc),
        valid_until=_micros(certificate.not_valid_after_utc),
        serial=f"{certificate.serial_number:x}",
        fingerprint=":".join(f"{byte:02X}" for byte in certificate.fingerprint(hashes.SHA256())),
        is_authority=is_authority,
        key=_key_words(certificate),
    )


def _key_words(certificate: x509.Certificate) -> str:
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return f"RSA {public.key_size}"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return {"secp256r1": "EC P-256", "secp384r1": "EC P-384", "secp521r1": "EC P-521"}.get(
            public.curve.name, f"EC {public.curve.name}"
        )
    return type(public).__name__.strip("_").removesuffix("PublicKey")


def short_name(name: x509.Name) -> str:
    """Return the common name, or all of it where there is none."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _micros(at: datetime) -> int:
    return max(0, min(int(at.timestamp()) * 1_000_000, 2**53))  # Devices are given certificates until 9999.


def _begun(at: Micros, subject: x509.Name, issuer: x509.Name, days: int) -> x509.CertificateBuilder:
    now = moment(at).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _is_usable(name: str) -> bool:
    """Say whether a name fits into a certificate: a host may be called what no DNS name may be."""
    try:
        general_name(name)
    except ValueError:
        return False
    return len(name) <= 253


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
