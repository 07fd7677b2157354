"""Certificates of authorities that are not ours, as a company's IT or a public authority hands them out."""

from collections.abc import Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import moment
from pdm_app.services.certificate_files import make_authority, make_server

BEGIN = "-----BEGIN CERTIFICATE-----"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def split(pem: str) -> tuple[str, str]:
    """Certificates and key of one text."""
    key, _, rest = pem.partition(BEGIN)
    return BEGIN + rest, key


def brought(clock: Clock, *names: str) -> tuple[str, str]:
    """A certificate of another authority, with that authority's own, and its key."""
    return split(make_server(clock.now(), *make_authority(clock.now(), "Works IT"), names or ("pdm.works.example",)))


def parts(pem: str) -> list[str]:
    """Each certificate of a text by itself."""
    return [f"{BEGIN}{part}" for part in pem.split(BEGIN)[1:]]


def signed(clock: Clock, request_pem: str) -> str:
    """What an authority makes of a request, followed by its own certificate."""
    request = x509.load_pem_x509_csr(request_pem.encode())
    assert request.is_signature_valid
    authority, authority_key = make_authority(clock.now(), "Works IT")
    issuer = x509.load_pem_x509_certificate(authority.encode())
    key = serialization.load_pem_private_key(authority_key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    now = moment(clock.now()).replace(microsecond=0)
    made = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode() + authority


def alone(
    clock: Clock,
    key: Key,
    *,
    names: Sequence[str] = ("a.example",),
    purpose: x509.ObjectIdentifier | None = None,
    days: int = 9,
) -> str:
    """A certificate that signs itself, as small tools make them."""
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Works")])
    now = moment(clock.now()).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: Key, password: str = "") -> str:
    """A key as tools of old write it."""
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        lock = serialization.BestAvailableEncryption(password.encode())
    form = serialization.PrivateFormat.PKCS8 if password else serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


def packed(certificates: str, key: str, password: str) -> bytes:
    """The same as a PKCS#12 file, as Windows exports it; the authority's certificate before the server's."""
    found = x509.load_pem_x509_certificates(certificates.encode())
    private = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"pdm", private, found[0], list(reversed(found[1:])), lock)
