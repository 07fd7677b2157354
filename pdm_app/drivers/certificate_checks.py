"""Judging the certificate that a server shows: is it the one that is trusted, is it good now, and for this use.

`Shown` is what was shown; `trusted` looks for what vouches for it in the trust list, and the other functions hold it to
one demand each. All raise `CertificateRefusedError`, whose text goes on after the name of the server.

Source: RFC 5280, section 6; OPC 10000-4, 6.1.3 (order of the checks).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    ClientVerifier,
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from pdm_app.domain.link_security import CertificateRefusedError, LinkMaterial, TrustedBy
from pdm_app.domain.samples import MICROS_PER_S, Micros, micros, moment

CHAIN_MAX = 6
INSTANT_MAX = 2**53  # The year 2255; devices are given certificates until 9999.
KEY_BITS_MIN = 2048  # Below it RSA has not been safe for years; every OPC UA policy in use asks for as much.
SERVERS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
E = TypeVar("E", bound=x509.ExtensionType)
PAGE = "the page Trusted certificates"


@dataclass(frozen=True, slots=True)
class Vouched:
    """Why a certificate is accepted, and the entry of the trust list that says so."""

    by: TrustedBy
    anchor: str = ""


class Shown:
    """The certificate that a server has shown, with those it sent beside it.

    Args:
        blob: One DER certificate after the other, the server's own first.

    Raises:
        CertificateRefusedError: The first one cannot be read.
    """

    def __init__(self, blob: bytes) -> None:
        found = list(_each(blob))
        if not found:
            raise CertificateRefusedError("shows no certificate that can be read. Give it a new one")
        self.leaf, self.others = found[0], found[1:]
        self.fingerprint = fingerprint_of(self.leaf)

    @property
    def pem(self) -> str:
        return self.leaf.public_bytes(Encoding.PEM).decode()

    @property
    def subject(self) -> str:
        common = self.leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(common[0].value)[:200] if common else self.leaf.subject.rfc4514_string()[:200]

    @property
    def until(self) -> Micros:
        return Micros(min(micros(self.leaf.not_valid_after_utc), INSTANT_MAX))

    @property
    def names(self) -> list[str]:
        """Host names and addresses it is good for."""
        found = _extension(self.leaf, x509.SubjectAlternativeName)
        return [] if found is None else [str(n.value) for n in found if isinstance(n, x509.DNSName | x509.IPAddress)]

    def refused(self, words: str, *, is_unknown: bool = False) -> CertificateRefusedError:
        """Return the error that says so."""
        return CertificateRefusedError(words, pem=self.pem, fingerprint=self.fingerprint, is_unknown=is_unknown)

    def unknown(self) -> CertificateRefusedError:
        """Return the error of a certificate that nobody has decided on."""
        return self.refused(
            f"shows a certificate that nobody has trusted yet: {self.subject!r}, SHA-256 {self.fingerprint}. Compare "
            f"this with what the device itself displays, then trust it on {PAGE} (/settings/trust), or bring the "
            "authority that has signed it",
            is_unknown=True,
        )

    def rejected(self) -> CertificateRefusedError:
        """Return the error of a certificate that somebody has rejected."""
        return self.refused(
            f"shows the certificate {self.subject!r} (SHA-256 {self.fingerprint}), which was rejected on {PAGE}. Give "
            "it another one, or change the decision there"
        )


def trusted(shown: Shown, material: LinkMaterial, now: Micros) -> Vouched:
    """Find what vouches for a certificate: its own entry in the trust list, or an authority there.

    Raises:
        CertificateRefusedError: Rejected, or nothing does.
    """
    if shown.fingerprint in material.rejected:
        raise shown.rejected()
    if shown.fingerprint in material.certificates or shown.fingerprint in material.authorities:
        return Vouched(TrustedBy.CERTIFICATE, shown.fingerprint)
    authorities = [x509.load_pem_x509_certificate(pem.encode()) for pem in material.authorities.values()]
    if not authorities:
        raise shown.unknown()
    # At a time when the certificate is good: that it has ended is a fault of its own, which `in_time` names better.
    at = max(micros(shown.leaf.not_valid_before_utc), min(now, Micros(shown.until - MICROS_PER_S)))
    between = [one for one in shown.others if fingerprint_of(one) not in material.rejected]
    try:
        chain = _verifier(authorities, moment(at)).verify(shown.leaf, between).chain
    except (VerificationError, ValueError, UnsupportedAlgorithm):
        raise shown.unknown() from None
    return Vouched(TrustedBy.AUTHORITY, fingerprint_of(chain[-1]))


def _verifier(authorities: list[x509.Certificate], at: datetime) -> ClientVerifier:
    return (
        PolicyBuilder()
        .store(Store(authorities))
        .time(at)
        .max_chain_depth(CHAIN_MAX)
        .extension_policies(ca_policy=_OF_AUTHORITIES, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )


def in_time(shown: Shown, now: Micros) -> None:
    """Hold a certificate to its time; a clock that is wrong looks the same, so both are said.

    Raises:
        CertificateRefusedError: It has ended, or has not begun.
    """
    begins, ends = shown.leaf.not_valid_before_utc, shown.leaf.not_valid_after_utc
    here = moment(now)
    if here >= ends:
        raise shown.refused(
            f"shows the certificate {shown.subject!r}, which ended on {_day(ends)}; the clock of this machine says "
            f"{_day(here)}. Renew it at the server, or set this clock"
        )
    if here < begins:
        raise shown.refused(
            f"shows the certificate {shown.subject!r}, which is good from {_day(begins)} on, and the clock of this "
            f"machine says {_day(here)}, {_span(begins - here)} earlier: one of the two clocks is wrong. Set them, "
            "best by NTP"
        )


def for_host(shown: Shown, host: str, option: str = "server_name") -> None:
    """Hold a certificate to the name under which the server is reached.

    Raises:
        CertificateRefusedError: It names others, or none.
    """
    names = shown.names
    if any(_is_named(name, host) for name in names):
        return
    good_for = ", ".join(names[:10]) or "no host at all"
    raise shown.refused(
        f"shows the certificate {shown.subject!r}, which is good for {good_for}, and is reached as {host}. Write one "
        f"of its names into the endpoint or into the option {option}, or renew it with this name"
    )


def for_application(shown: Shown, uri: str) -> None:
    """Hold an OPC UA application's certificate to the name the application gives itself.

    Raises:
        CertificateRefusedError: It belongs to another application.
    """
    found = _extension(shown.leaf, x509.SubjectAlternativeName)
    uris = [] if found is None else found.get_values_for_type(x509.UniformResourceIdentifier)
    if uri not in uris:
        named = ", ".join(uris[:5]) or "no application"
        raise shown.refused(
            f"calls itself {uri!r}, and its certificate {shown.subject!r} is made out to {named}. Have the server make "
            "its certificate anew"
        )


def for_server_use(shown: Shown) -> None:
    """Hold a certificate to what a server has to do with it: sign, and receive keys.

    Raises:
        CertificateRefusedError: It is meant for something else, or its key is too weak.
    """
    usage = _extension(shown.leaf, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature and usage.key_encipherment):
        raise shown.refused(
            f"shows the certificate {shown.subject!r}, whose key may not be used to sign and to receive keys. Make it "
            "anew with the key usages of an OPC UA application"
        )
    wider = _extension(shown.leaf, x509.ExtendedKeyUsage)
    if wider is not None and not SERVERS & set(wider):
        raise shown.refused(f"shows the certificate {shown.subject!r}, which is not made out to a server. Make it anew")
    key = shown.leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        raise shown.refused(
            f"shows the certificate {shown.subject!r}, whose key is no RSA key of {KEY_BITS_MIN} bits or more. Make it "
            "anew"
        )


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate as it is shown everywhere."""
    return ":".join(f"{byte:02X}" for byte in certificate.fingerprint(hashes.SHA256()))


def _each(blob: bytes) -> Iterable[x509.Certificate]:
    """Take a row of DER certificates apart by the length each begins with; what is illegible ends the row."""
    for _ in range(CHAIN_MAX):
        if len(blob) < 4 or blob[0] != 0x30:
            return
        head = blob[1]
        size = 2 + head if head < 0x80 else 2 + (head & 0x7F) + int.from_bytes(blob[2 : 2 + (head & 0x7F)], "big")
        try:
            certificate = x509.load_der_x509_certificate(blob[:size])
            certificate.extensions  # noqa: B018 - read only when asked for; a broken one shows here.
            _ = certificate.subject, certificate.issuer, certificate.public_key()
        except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
            return
        yield certificate
        blob = blob[size:]


def _is_named(name: str, host: str) -> bool:
    if name.startswith("*."):
        return host.lower().partition(".")[2] == name[2:].lower()
    try:
        return ip_address(name) == ip_address(host)
    except ValueError:
        return name.lower().rstrip(".") == host.lower().rstrip(".")


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _may_sign(_policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("no authority")


def _signs(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("may sign no certificates")


_OF_AUTHORITIES = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _may_sign)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs)
)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _span(apart: timedelta) -> str:
    minutes = apart.total_seconds() / 60
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.0f} hours" if minutes < 2880 else f"{minutes / 1440:.0f} days"
