"""Certificates prove who the server is: made here, renewed in time, or brought, checked and never half replaced."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role, User, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.certificates import DAY
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.domain.samples import Micros, moment
from pdm_app.services.certificate_files import (
    checked_pair,
    local_names,
    make_authority,
    make_server,
    read_certificates,
    without_key,
)
from pdm_app.services.certificates import AUTHORITY, BROUGHT, FOLDER, CertificateService, CertificateStore, authority_of
from pdm_app.settings import TlsSettings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

NAMES = ["plant.example", "192.0.2.7", "2001:db8::7"]
ON = TlsSettings(enabled=True)


def store(folder: Path, clock: HandClock, settings: TlsSettings = ON) -> CertificateStore:
    return CertificateStore(folder, settings, clock, names=lambda more: [*more, *NAMES])


def split(pem: str) -> tuple[str, str]:
    """Certificates and key of one text."""
    key, _, rest = pem.partition("-----BEGIN CERTIFICATE-----")
    return "-----BEGIN CERTIFICATE-----" + rest, key


def brought(clock: HandClock, *names: str) -> tuple[str, str]:
    """A certificate of another authority, and its key."""
    return split(make_server(clock.now(), *make_authority(clock.now(), "Works IT"), names or ("pdm.works.example",)))


def openssl(*words: str) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


async def test_openssl_takes_our_certificate_for_what_it_says(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    assert one.tend()
    server, authority = one.pair.certificate, one.authority_file
    at = str(clock.now() // 1_000_000)
    for name, option in ((NAMES[0], "-verify_hostname"), (NAMES[1], "-verify_ip"), (NAMES[2], "-verify_ip")):
        words = ("verify", "-x509_strict", "-purpose", "sslserver", "-attime", at, "-CAfile", str(authority))
        assert ": OK" in openssl(*words, option, name, str(server))
        assert ": OK" not in openssl(*words, option, "203.0.113.1" if "ip" in option else "other.example", str(server))
    assert "Private-Key" in openssl("pkey", "-in", str(server), "-noout", "-text")


def test_only_the_owner_reads_what_holds_a_key(tmp_path: Path, clock: HandClock) -> None:
    store(tmp_path, clock).tend()
    folder = tmp_path / FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_it_is_renewed_a_month_before_its_end_and_the_authority_stays(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    first, authority = one.shown(), one.authority_file.read_text()
    clock.at += (first.days_left - 31) * DAY
    assert not one.tend()
    clock.at += 2 * DAY
    assert one.tend()
    assert one.shown().certificates[0].serial != first.certificates[0].serial
    assert one.shown().days_left == 397
    assert one.authority_file.read_text() == authority


def test_an_authority_that_ends_is_replaced_too(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    clock.at += 3645 * DAY
    assert one.tend()
    assert one.shown().certificates[1].days_left(clock.now()) == 3650


def test_a_name_or_address_that_is_new_gets_into_the_certificate(tmp_path: Path, clock: HandClock) -> None:
    store(tmp_path, clock).tend()
    renamed = store(tmp_path, clock, TlsSettings(enabled=True, names=("scada.example", "198.51.100.4")))
    assert renamed.tend()
    assert {"scada.example", "198.51.100.4", *NAMES} <= set(renamed.shown().certificates[0].names)
    assert not renamed.tend()


def test_this_machine_has_names_and_addresses() -> None:
    found = local_names(["plant.example"])
    assert found[0] == "plant.example"
    assert {"localhost", "127.0.0.1", "::1"} <= set(found)
    assert len(found) == len(set(found))


def test_a_certificate_that_somebody_brings_counts_until_it_is_dropped(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    certificate, key = brought(clock)
    assert one.bring(certificate, key).names == ("pdm.works.example",)
    assert (one.shown().source, one.shown().renews_itself, one.tend()) == ("brought", False, False)
    assert (tmp_path / FOLDER / BROUGHT).stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConflictError):
        one.renew()
    assert one.drop().names == tuple(NAMES)
    with pytest.raises(NotFoundError):
        one.drop()


def _bad_pairs(clock: HandClock) -> dict[str, tuple[str, str, str, str]]:
    certificate, key = brought(clock)
    other_certificate, other_key = brought(clock)
    server, authority = certificate.split("-----END CERTIFICATE-----\n")[:2]
    server, authority = (f"{part}-----END CERTIFICATE-----\n" for part in (server, authority))
    other_authority = other_certificate.split("-----END CERTIFICATE-----\n")[1] + "-----END CERTIFICATE-----\n"
    locked = (
        serialization.load_pem_private_key(key.encode(), None)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
        .decode()
    )
    old = HandClock(clock.at - 500 * DAY)
    return {
        "nothing": ("", key, "certificate", "no certificate"),
        "words": (
            "-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n",
            key,
            "certificate",
            "no certificate",
        ),
        "a key in its place": (key, key, "certificate", "no certificate"),
        "endless": ("x" * 300_000, key, "certificate", "longer"),
        "no key": (certificate, "hello", "key", "no private key"),
        "the certificate as key": (certificate, certificate, "key", "no private key"),
        "another key": (certificate, other_key, "key", "does not belong"),
        "a locked key": (certificate, locked, "key", "pass phrase"),
        "the wrong order": (authority + server, key, "key", "does not belong"),
        "a foreign chain": (server + other_authority, key, "certificate", "not signed by"),
        "an old one": (*brought(old), "certificate", "not today"),
    }


@pytest.mark.parametrize("case", list(_bad_pairs(HandClock())))
def test_a_pair_that_would_not_work_is_refused_and_the_one_in_use_stays(
    tmp_path: Path, clock: HandClock, case: str
) -> None:
    one = store(tmp_path, clock)
    one.tend()
    before = one.shown()
    certificate, key, field, words = _bad_pairs(clock)[case]
    with pytest.raises(InvalidInputError, match=words) as caught:
        one.bring(certificate, key)
    assert [issue.field for issue in caught.value.issues] == [field]
    assert "PRIVATE" not in caught.value.message.replace("END PRIVATE KEY", "")
    assert one.shown() == before


@pytest.mark.parametrize("kind", ["rsa", "without names"])
def test_certificates_of_other_tools_are_read(clock: HandClock, kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Works"), *()])
    now = moment(clock.now()).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=9))
    )
    if kind == "rsa":
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    old_form = serialization.PrivateFormat.TraditionalOpenSSL
    key_pem = key.private_bytes(serialization.Encoding.PEM, old_form, serialization.NoEncryption()).decode()
    if kind == "rsa":
        joined = checked_pair(pem, key_pem, clock.now())
        assert read_certificates(joined)[0].days_left(clock.now()) == 9
        assert read_certificates(joined)[0].subject == "O=Works"
        assert "PRIVATE" not in without_key(joined)
    else:
        with pytest.raises(InvalidInputError, match="names no host"):
            checked_pair(pem, key_pem, clock.now())


def test_files_that_the_settings_name_count_and_are_nobodys_here_to_change(tmp_path: Path, clock: HandClock) -> None:
    certificate, key = brought(clock)
    (tmp_path / "given.pem").write_text(certificate)
    (tmp_path / "given.key").write_text(key)
    settings = TlsSettings(enabled=True, certificate=tmp_path / "given.pem", key=tmp_path / "given.key")
    one = store(tmp_path, clock, settings)
    assert not one.tend()
    assert one.shown().source == "settings"
    changes: tuple[Callable[[], object], ...] = (lambda: one.bring(certificate, key), one.renew)
    for change in changes:
        with pytest.raises(ConflictError):
            change()
    (tmp_path / "given.pem").unlink()
    with pytest.raises(UnavailableError, match=r"given\.pem cannot be read"):
        one.shown()


def test_our_authority_is_handed_out_without_its_key_and_only_while_it_signs(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(NotFoundError):
        authority_of(tmp_path, ON)
    one = store(tmp_path, clock)
    one.tend()
    given = authority_of(tmp_path, ON)
    assert given == (tmp_path / FOLDER / AUTHORITY).read_text()
    assert "PRIVATE" not in given
    with pytest.raises(NotFoundError):
        authority_of(tmp_path, TlsSettings())
    one.bring(*brought(clock))
    with pytest.raises(NotFoundError):
        authority_of(tmp_path, ON)


@pytest.fixture
def service(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> CertificateService:
    one = store(tmp_path, clock)
    one.tend()
    return CertificateService(one, sqlite_work, clock, is_serving=True)


async def test_a_replacement_is_on_record_without_its_key(
    service: CertificateService, sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    certificate, key = brought(clock)
    await service.bring(SYSTEM, certificate, key)
    await service.drop(SYSTEM)
    await service.renew(SYSTEM)
    async with sqlite_work(EVERY_SITE) as work:
        entries = await work.audit.page(AuditQuery())
    actions = ["certificates.renewed", "certificates.dropped", "certificates.replaced"]
    assert [entry.action for entry in entries] == actions
    assert "pdm.works.example" in (entries[2].after or "")
    assert "PRIVATE" not in "".join(entry.model_dump_json() for entry in entries)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_an_admin_changes_it(service: CertificateService, clock: HandClock, role: Role) -> None:
    actor = actor_of(User(id="olga", username="olga", display_name="Olga", role=role, site_ids=("pune",)))
    for change in (service.renew(actor), service.drop(actor), service.bring(actor, *brought(clock))):
        with pytest.raises(PermissionDeniedError):
            await change


async def test_health_warns_of_the_end_of_what_nobody_renews(service: CertificateService, clock: HandClock) -> None:
    assert (await service.check()).detail == "397 days left"
    await service.bring(SYSTEM, *brought(clock))
    clock.at += (397 - 14) * DAY
    check = await service.check()
    assert (check.ok, check.needed) == (False, False)
    assert check.detail.startswith("14 days left; bring a new one")
    clock.at += 15 * DAY
    assert (await service.check()).detail.startswith("it has ended")
    assert Micros(clock.now()) > 0
