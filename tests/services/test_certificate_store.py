"""Certificates prove who the server is: made here, renewed in time, or brought, kept and gone back to."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pdm_app.domain.certificates import DAY, RequestFacts
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.services.certificate_archive import KEPT_MAX
from pdm_app.services.certificate_files import local_names, make_authority, read_certificates
from pdm_app.services.certificate_requests import make_request
from pdm_app.services.certificate_store import AUTHORITY, BROUGHT, FOLDER, CertificateStore
from pdm_app.services.certificates import authority_of
from pdm_app.settings import TlsSettings
from tests.counterparts.certificates import brought, parts, signed
from tests.counterparts.clocks import HandClock

NAMES = ["plant.example", "192.0.2.7", "2001:db8::7"]
ON = TlsSettings(enabled=True)


def store(folder: Path, clock: HandClock, settings: TlsSettings = ON) -> CertificateStore:
    return CertificateStore(folder, settings, clock, names=lambda more: [*more, *NAMES])


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


def test_a_further_name_that_somebody_gives_is_there_after_each_renewal(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    assert one.renew(("Scada.example", "198.51.100.4")).names[:2] == ("scada.example", "198.51.100.4")
    clock.at += 380 * DAY
    assert one.tend()
    assert {"scada.example", "198.51.100.4", *NAMES} <= set(one.shown().certificates[0].names)
    assert one.renew(()).names == tuple(NAMES)
    for wrong in ("", "a b", "1.2.3", "plänt.example", "x" * 64 + ".example", "-a.example", "a..b"):
        with pytest.raises(InvalidInputError, match="no host name"):
            one.renew((wrong,))


def test_what_is_replaced_is_kept_and_can_be_used_again(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    first = one.bring(*brought(clock, "first.example"))
    second = one.bring(*brought(clock, "second.example"))
    assert [entry.certificate.names[0] for entry in one.previous()] == ["first.example", NAMES[0]]
    assert [entry.is_own for entry in one.previous()] == [False, True]
    one.using_again(first.fingerprint).apply()
    assert one.shown().certificates[0] == first
    assert [entry.certificate for entry in one.previous() if not entry.is_own] == [second]
    one.forgetting(second.fingerprint).apply()
    with pytest.raises(NotFoundError):
        one.using_again(second.fingerprint)
    clock.at += 400 * DAY
    one.drop()
    with pytest.raises(InvalidInputError, match="not today"):
        one.using_again(first.fingerprint)
    assert one.previous()[0].days_left < 0
    kept = list((tmp_path / FOLDER / "previous").iterdir())
    assert [file.stat().st_mode & 0o777 for file in kept] == [0o600]


def test_only_so_many_are_kept_and_the_same_one_twice_is_one(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    pair = brought(clock, "same.example")
    one.bring(*pair)
    one.bring(*pair)
    assert [entry.is_own for entry in one.previous()] == [True]
    for number in range(KEPT_MAX + 2):
        one.bring(*brought(clock, f"n{number}.example"))
    assert len(one.previous()) == KEPT_MAX + 1


def test_what_was_spoilt_on_the_disk_is_made_anew_or_named(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    folder = tmp_path / FOLDER
    authority = (folder / AUTHORITY).read_text()
    (folder / "server.pem").write_text("half a")
    assert one.tend()
    assert one.shown().certificates[1].fingerprint == read_certificates(authority)[0].fingerprint
    one.bring(*brought(clock))
    (folder / BROUGHT).write_bytes(b"\xff\x00 half a")
    with pytest.raises(UnavailableError, match="no text in PEM"):
        one.shown()
    assert one.drop().names == tuple(NAMES)
    one.bring(*brought(clock))
    (folder / BROUGHT).write_text("half a")
    assert one.bring(*brought(clock, "next.example")).names == ("next.example",)
    one.drop()
    (folder / AUTHORITY).write_text("half an authority")
    with pytest.raises(UnavailableError, match="back from a backup"):
        one.renew()


def test_a_crash_between_an_authority_and_its_key_leaves_no_certificate_nobody_signed(
    tmp_path: Path, clock: HandClock
) -> None:
    one = store(tmp_path, clock)
    one.tend()
    (tmp_path / FOLDER / "authority.key").write_text(make_authority(clock.now(), "another")[1])
    one.renew()
    server = one.pair.certificate
    at = str(clock.now() // 1_000_000)
    assert ": OK" in openssl("verify", "-attime", at, "-CAfile", str(one.authority_file), str(server))


@pytest.mark.parametrize("name", ["../authority.key", "..", "", "AB", "/etc/passwd", "00" * 32])
def test_a_fingerprint_is_never_a_path(tmp_path: Path, clock: HandClock, name: str) -> None:
    one = store(tmp_path, clock)
    one.tend()
    for change in (one.using_again, one.forgetting):
        with pytest.raises(NotFoundError):
            change(name)


def test_a_certificate_for_the_request_that_waits_needs_no_key(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    with pytest.raises(NotFoundError, match="give the key"):
        one.bring(brought(clock)[0], "")
    request, key = make_request(RequestFacts(names=("scada.example",)), clock.now())
    one.requests.keep(request, key)
    assert one.requests.read() == request
    with pytest.raises(ConflictError, match=r"scada\.example waits"):
        one.requests.check_free()
    with pytest.raises(InvalidInputError, match="does not belong"):
        one.bring(brought(clock)[0], "")
    assert one.bring(signed(clock, request.pem), "").names == ("scada.example",)
    assert one.requests.read() is None
    assert not (tmp_path / FOLDER / "requested.key").exists()


def test_what_a_browser_may_have_against_a_certificate_is_said(tmp_path: Path, clock: HandClock) -> None:
    one = store(tmp_path, clock)
    one.tend()
    assert one.shown().warnings == ()
    whole, key = brought(clock, "elsewhere.example")
    one.bring(whole, key)
    assert one.shown().warnings == ("other_names",)
    one.bring(parts(whole)[0], key)
    assert one.shown().warnings == ("no_chain", "other_names")
    one.bring(*brought(clock, "*.example"))
    assert one.shown().warnings == ()
    clock.at += 370 * DAY
    assert one.shown().warnings == ("ends_soon",)
