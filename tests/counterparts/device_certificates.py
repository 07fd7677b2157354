"""Certificates as the tools of devices make them: authorities, brokers, OPC UA applications, good ones and bad ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "127.0.0.1"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate, those between it and its authority, and its key."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        return _pem(self.certificate)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def chain(self) -> str:
        return self.pem + "".join(_pem(one) for one in self.above)

    @property
    def key(self) -> str:
        return self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def fingerprint(self) -> str:
        return ":".join(f"{byte:02X}" for byte in self.certificate.fingerprint(hashes.SHA256()))


@cache
def key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Key number so and so; making one takes long, and no test minds that others have it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def authority(name: str = "Plant authority", *, signed_by: Pair | None = None, number: int = 0) -> Pair:
    """An authority that may sign."""
    return made(name, signed_by=signed_by, number=number, is_authority=True, usages=None, hosts=())


def made(
    name: str = "server",
    *,
    signed_by: Pair | None = None,
    number: int = 1,
    hosts: Sequence[str] = (HOST, "localhost"),
    uri: str = "",
    begins: timedelta = -DAY,
    ends: timedelta = 365 * DAY,
    is_authority: bool = False,
    usages: Sequence[x509.ObjectIdentifier] | None = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    may_encipher: bool = True,
    bits: int = 2048,
) -> Pair:
    """A certificate, signed by its own key unless somebody signs it.

    Args:
        begins: From now on, as well as ``ends``.
        usages: Of the extended key usages; None leaves them out.
        may_encipher: Whether the key usage allows it.
    """
    private = key(number, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signed_by.certificate.subject if signed_by else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_usage(is_authority=is_authority, may_encipher=may_encipher), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )
    names: list[x509.GeneralName] = [_name(host) for host in hosts]
    names += [x509.UniformResourceIdentifier(uri)] if uri else []
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usages is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    signer: Any = signed_by.private_key if signed_by else private
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    certificate = builder.add_extension(identifier, critical=False).sign(signer, hashes.SHA256())
    return Pair(certificate, private)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _usage(*, is_authority: bool, may_encipher: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=not is_authority,
        key_encipherment=may_encipher and not is_authority,
        data_encipherment=may_encipher and not is_authority,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
