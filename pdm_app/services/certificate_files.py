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
from itertools import pairwise

import psutil
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pdm_app.domain.certificates import Certificate
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.samples import Micros, moment

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
    return _pem(certificate), _key_pem(key)


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
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in wanted]), critical=False)
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
    return _key_pem(key) + _pem(certificate) + authority


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
    return tuple(_facts(certificate) for certificate in _loaded(pem))


def checked_pair(certificates: str, key: str, now: Micros) -> str:
    """Check a certificate that somebody brings, and join it with its key.

    Args:
        certificates: PEM: the server's certificate first, then those between it and its authority.
        key: PEM, without a pass phrase.
        now: It must be good at this time.

    Returns:
        One PEM text as `make_server` returns it.

    Raises:
        InvalidInputError: Names the field, what is wrong with it, and what to bring instead.
    """
    chain = _loaded(certificates)
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except TypeError:
        raise _refused("key", "is protected by a pass phrase", "remove it: openssl pkey -in KEY -out PLAIN") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _refused("key", "is no private key in PEM", "give the text from BEGIN to END PRIVATE KEY") from None
    server = chain[0]
    if private.public_key() != server.public_key():
        raise _refused("key", "does not belong to the first certificate", "give the key it was requested with")
    facts = _facts(server)
    if not facts.valid_from <= now < facts.valid_until:
        when = f"from {moment(Micros(facts.valid_from)):%Y-%m-%d} to {moment(Micros(facts.valid_until)):%Y-%m-%d}"
        raise _refused("certificate", f"is good {when}, not today", "request a new one")
    if facts.is_authority and len(chain) > 1:
        raise _refused("certificate", "is an authority's", "put the server's own certificate first")
    if not facts.names:
        raise _refused("certificate", "names no host", "request one with the names in subjectAltName")
    for lower, upper in pairwise(chain):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            who = _name(lower.subject)
            raise _refused("certificate", f"{who} is not signed by the one after it", "put them in order") from None
    plain = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return plain + "".join(_pem(certificate) for certificate in chain)


def without_key(pem: str) -> str:
    """Return only the certificates of a PEM text."""
    return "".join(_pem(certificate) for certificate in _loaded(pem))


def _loaded(pem: str) -> list[x509.Certificate]:
    if len(pem) > PEM_BYTES_MAX:
        raise _refused("certificate", f"is longer than {PEM_BYTES_MAX} characters", "give only what the server sends")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for certificate in found:  # Extensions are read only when asked for; a broken one shows here.
            _facts(certificate)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise _refused(
            "certificate", "is no certificate in PEM", "give the text from BEGIN to END CERTIFICATE"
        ) from None
    return found


def _refused(field: str, problem: str, fix: str) -> InvalidInputError:
    return InvalidInputError(f"The {field} {problem}; {fix}.", [FieldIssue(field, problem, fix)])


def _facts(certificate: x509.Certificate) -> Certificate:
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
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        names=tuple(listed),
        valid_from=_micros(certificate.not_valid_before_utc),
        valid_until=_micros(certificate.not_valid_after_utc),
        serial=f"{certificate.serial_number:x}",
        fingerprint=":".join(f"{byte:02X}" for byte in certificate.fingerprint(hashes.SHA256())),
        is_authority=is_authority,
    )


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _micros(at: datetime) -> int:
    return max(0, int(at.timestamp()) * 1_000_000)


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


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _is_usable(name: str) -> bool:
    """Say whether a name fits into a certificate: a host may be called what no DNS name may be."""
    try:
        _general_name(name)
    except ValueError:
        return False
    return len(name) <= 253


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
