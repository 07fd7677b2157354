"""What is uploaded as a certificate is opened in whatever form it comes, put in order, and refused where it is weak."""

import base64
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from pdm_app.domain.certificates import DAY
from pdm_app.domain.errors import InvalidInputError
from pdm_app.services import certificate_pairs
from pdm_app.services.certificate_files import read_certificates, without_key
from pdm_app.services.certificate_pairs import checked_pair, opened, opened_here
from tests.counterparts.certificates import alone, brought, key_pem, packed, parts, split
from tests.counterparts.clocks import HandClock

PASSWORD = "kelp & brine"


def taken(clock: HandClock, certificate: str, key: str = "", password: str = "") -> str:
    """What an upload becomes."""
    return checked_pair(*opened(certificate, key, password), clock.now())


def coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_every_form_in_which_certificates_are_exported_becomes_the_same(clock: HandClock) -> None:
    certificates, key = brought(clock)
    found = x509.load_pem_x509_certificates(certificates.encode())
    private = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    der_key = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    expected = taken(clock, certificates, key)
    p7b = pkcs7.serialize_certificates(found, serialization.Encoding.DER)
    p7_pem = pkcs7.serialize_certificates(found, serialization.Encoding.PEM).decode()
    forms = {
        "PEM, the authority first": ("".join(reversed(parts(certificates))), key, ""),
        "PEM with the key inside": (key + certificates, "", ""),
        "PEM with a locked key": (certificates, key_pem(private, PASSWORD), PASSWORD),
        "words around it": (f"subject=/CN=x\n{certificates}\nbye", f"Bag Attributes\n{key}", ""),
        "PKCS#7": (coded(p7b), coded(der_key), ""),
        "PKCS#7 in PEM": (p7_pem, key, ""),
        "PKCS#12": (coded(packed(certificates, key, PASSWORD)), "", PASSWORD),
        "PKCS#12 without a password": (coded(packed(certificates, key, "")), "", ""),
    }
    for name, form in forms.items():
        assert checked_pair(*opened_here(*form), clock.now()) == expected, name
    assert taken(clock, *forms["PKCS#12"]) == expected, "as much in a process of its own"
    single = taken(clock, coded(found[0].public_bytes(serialization.Encoding.DER)), key)
    assert [one.subject for one in read_certificates(single)] == ["pdm.works.example"]


def weakly_signed() -> tuple[str, str]:
    """A certificate signed with SHA-1, as cryptography itself makes none any more."""
    words = ["openssl", "req", "-x509", "-sha1", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    words += ["-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example", "-days", "20000"]
    words += ["-keyout", "/dev/stdout"]
    return split(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def _bad_uploads(clock: HandClock) -> dict[str, tuple[str, str, str, str, str]]:
    certificate, key = brought(clock)
    other_certificate, other_key = brought(clock)
    server, authority = parts(certificate)
    private = ec.generate_private_key(ec.SECP256R1())
    curve, small = ec.generate_private_key(ec.SECP224R1()), rsa.generate_private_key(65537, 1024)  # noqa: S505
    edwards = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    box = coded(packed(certificate, key, PASSWORD))
    old = HandClock(clock.at - 500 * DAY)
    client = alone(clock, private, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
    broken = "-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n"
    return {
        "nothing": ("", key, "", "certificate", "is no certificate"),
        "words": ("hello, certificate!", key, "", "certificate", "is no certificate"),
        "broken PEM": (broken, key, "", "certificate", "cannot be read"),
        "some file": (coded(b"GIF89a" * 50), key, "", "certificate", "is no certificate"),
        "a key in its place": (key, key, "", "certificate", "is no certificate"),
        "endless": ("x" * 400_000, key, "", "certificate", "longer"),
        "an endless key": (certificate, "x" * 400_000, "", "key", "longer"),
        "too many": (server * 40, key, "", "certificate", "holds 40"),
        "no key": (certificate, "hello", "", "key", "no private key"),
        "the certificate as key": (certificate, certificate, "", "key", "no private key"),
        "another key": (certificate, other_key, "", "key", "does not belong"),
        "a locked key": (certificate, key_pem(private, PASSWORD), "", "password", "is needed"),
        "a wrong word for a key": (certificate, key_pem(private, PASSWORD), "sesame", "password", "does not open"),
        "a locked box": (box, "", "", "password", "is needed"),
        "a wrong word for a box": (box, "", "sesame", "password", "does not open"),
        "half a box": (box[: len(box) // 8 * 4], "", PASSWORD, "password", "damaged"),
        "a kind of key nobody takes": (certificate, edwards.decode(), "", "key", "do not take"),
        "a foreign chain": (server + parts(other_certificate)[1], key, "", "certificate", "not signed by"),
        "only the authority": (authority, key, "", "key", "does not belong"),
        "an old one": (*brought(old), "", "certificate", "not today"),
        "one of tomorrow": (*brought(HandClock(clock.at + 3 * DAY)), "", "certificate", "not today"),
        "few bits of RSA": (alone(clock, small), key_pem(small), "", "key", "weak"),
        "a small curve": (alone(clock, curve), key_pem(curve), "", "key", "weak"),
        "SHA-1": (*weakly_signed(), "", "certificate", "sha1"),
        "of a client": (client, key_pem(private), "", "certificate", "not made for a server"),
        "without names": (alone(clock, private, names=()), key_pem(private), "", "certificate", "names no host"),
    }


def test_what_would_not_work_is_refused_by_the_field_that_is_wrong(clock: HandClock) -> None:
    for case, (certificate, key, password, field, words) in _bad_uploads(clock).items():
        try:
            with pytest.raises(InvalidInputError, match=words) as caught:
                checked_pair(*opened_here(certificate, key, password), clock.now())
        except BaseException as error:
            raise AssertionError(case) from error
        assert [issue.field for issue in caught.value.issues] == [field], case
        assert "PRIVATE" not in caught.value.message.replace("END PRIVATE KEY", ""), case
        assert PASSWORD not in caught.value.message, case


def test_a_key_made_to_be_opened_for_long_is_given_up(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates, key = brought(clock)
    words = [
        "openssl",
        "pkcs8",
        "-topk8",
        "-v2",
        "aes256",
        "-iter",
        "65536",
        "-outform",
        "DER",
        "-passout",
        "pass:sesame",
    ]
    locked = subprocess.run(words, input=key.encode(), capture_output=True, check=True).stdout
    assert taken(clock, certificates, coded(locked), "sesame")
    assert locked.count(b"\x02\x03\x01\x00\x00") == 1, "how often the password is hashed"
    locked = locked.replace(b"\x02\x03\x01\x00\x00", b"\x02\x03\x7f\xff\xff")
    monkeypatch.setattr(certificate_pairs, "READ_S_MAX", 0.5)
    with pytest.raises(InvalidInputError, match=r"cannot be opened within 0\.5 s"):
        opened(certificates, coded(locked), "sesame")


def test_what_opens_a_file_gets_no_secret_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDM_SECRETS__KEY", "kelp")
    assert "kelp" not in certificate_pairs._environment().values()
    assert "PATH" in certificate_pairs._environment()


def test_certificates_of_other_tools_are_read(clock: HandClock) -> None:
    key = rsa.generate_private_key(65537, 2048)
    joined = taken(clock, alone(clock, key), key_pem(key))
    one = read_certificates(joined)[0]
    assert (one.days_left(clock.now()), one.subject, one.key) == (9, "O=Works", "RSA 2048")
    assert "PRIVATE" not in without_key(joined)
