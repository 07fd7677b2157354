"""What a file of firmware is by its content: archives as the real cpio makes them, and ones made to do harm."""

import base64
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_app.documents.firmware_bundles import bundle_of, firmware_format
from pdm_app.domain.firmware_bundles import PARTS_MAX, Bundle, BundleKind, BundlePart, BundleSignature
from pdm_app.domain.uploads import UnusableFileError

DESCRIPTION = b"""software = {
    version = "2.0.0";
    hardware-compatibility: [ "1.2", "#RE:^GW-1" ];
    images: ( { filename = "rootfs.ext4.gz"; version = "9"; device = "/dev/mmcblk0p2"; } );
};"""
BY_CPIO = {
    "newc": (
        "eNrt2D1rwzAQBmDP+RWyutbiZOeLmAx245RCJxPIUFJwY8URtFGQRNMP+t+rJhiCCcVeMt2zSCfdcK9GwQhGwAHCAUT8DpwxT/pw"
        "GR+mEPIU0lM5SE7rPIP/zeuNOQSlMGst91aqnecYtbGHQgsyJd894rwLbdydq2nIgAGNj8fbQpd/fcFave0LK1/kq7SfE/JEKGch"
        "vSX0Js8mz/fLgFOyins/sefBebZZt2wwbJeNR5ezMSOrYz5Z7UTZmCXrMguPxrOu76yVshvDxIfts+rLQwghhBBCCCGEEEIIXVX9"
        "H9hK276m+i8TFnny8Jjlvu835/gFAfaFyA=="
    ),
    "crc": (
        "eNrt2M9LwzAUB/Ce91ek8WrDS7quc8VD6zoRPBXBgyjUNasBXUYSnD/wfzfrGOgQWT14ep/L4+UHvG+OgRRSEAAigZifgTfm+RB+"
        "xkcFCF5AsW2TfFtnJfxu1l0+SUq7jhpp50atnNLLwLN64da1keSUvA+I9yyN9Xu+p4IBA5p1yw+1aTbnorl+WtVO3atH5V4n5IZQ"
        "zgQ9JvSoKid359cRp+Q2G3xkQQBfs037ZYPRYdl43BWR5t+zMavaLp9ql7LZm6XsMwuPx9M+77xhtHYLy+SLG7L2LUAIIYQQQggh"
        "hBBCCP2r3X/gQTj8ze4vE66q/OKyrMIw3J/jE2XYhgo="
    ),
}
"""Deflated, in base64: what `cpio -o -H FORM` of GNU cpio 2.13 made of three files, the last of 5005 zeros."""
AS_JSON = b'{"software": {"version": "3.1", "hardware-compatibility": ["A"], "images": []}}'


def entry(name: bytes, content: bytes = b"", *, mode: int = 0o100644, magic: bytes = b"070701") -> bytes:
    """One file as cpio writes it."""
    fields = (1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = magic + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


END = entry(b"TRAILER!!!", mode=0)


def archive(*entries: bytes) -> bytes:
    return b"".join(entries) + END


def looked_at(folder: Path, content: bytes) -> Bundle:
    path = folder / "file"
    path.write_bytes(content)
    return bundle_of(path)


def squashfs(used: int) -> bytes:
    return b"hsqs" + bytes(36) + used.to_bytes(8, "little") + bytes(used - 48)


def rauc(signature: bytes, tree: bytes = b"") -> bytes:
    return squashfs(4096) + tree + signature + len(signature).to_bytes(8, "big")


@pytest.mark.parametrize("form", ["newc", "crc"])
def test_an_image_that_cpio_itself_has_made_is_recognised(tmp_path: Path, form: str) -> None:
    assert looked_at(tmp_path, zlib.decompress(base64.b64decode(BY_CPIO[form]))) == Bundle(
        kind=BundleKind.SWUPDATE,
        signature=BundleSignature.PRESENT,
        version="2.0.0",
        compatible=("1.2", "#RE:^GW-1"),
        parts=(
            BundlePart(name="sw-description", bytes=90),
            BundlePart(name="sw-description.sig", bytes=6),
            BundlePart(name="rootfs.ext4.gz", bytes=5005),
        ),
    )


def test_a_description_in_json_is_read_as_well_and_a_missing_signature_is_said(tmp_path: Path) -> None:
    found = looked_at(tmp_path, archive(entry(b"sw-description", AS_JSON), entry(b"a.img", b"x")))
    assert (found.version, found.compatible, found.signature) == ("3.1", ("A",), BundleSignature.ABSENT)


def test_a_signature_that_is_not_the_second_entry_is_none_to_swupdate(tmp_path: Path) -> None:
    entries = (entry(b"sw-description", DESCRIPTION), entry(b"a.img", b"x"), entry(b"sw-description.sig", b"s"))
    assert looked_at(tmp_path, archive(*entries)).signature is BundleSignature.ABSENT


@pytest.mark.parametrize(
    "name",
    [
        b"../etc/passwd",
        b"/etc/passwd",
        b"a/b",
        b"..",
        b".profile",
        b"a\nb",
        b"\xff\xfe",
        b"a\x00b",
        b"C:\\x",
        b"x" * 300,
    ],
)
def test_an_entry_that_could_be_written_elsewhere_is_refused(tmp_path: Path, name: bytes) -> None:
    with pytest.raises(UnusableFileError):
        looked_at(tmp_path, archive(entry(b"sw-description", DESCRIPTION), entry(name, b"x")))


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o020644, 0o060644, 0o010644, 0])
def test_links_folders_and_devices_are_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnusableFileError, match="no file"):
        looked_at(tmp_path, archive(entry(b"sw-description", DESCRIPTION), entry(b"a", b"x", mode=mode)))


def test_more_entries_than_any_updater_needs_are_refused(tmp_path: Path) -> None:
    many = [entry(b"sw-description", DESCRIPTION), *(entry(b"%d" % number) for number in range(PARTS_MAX))]
    with pytest.raises(UnusableFileError, match="more than"):
        looked_at(tmp_path, archive(*many))


def test_what_is_there_twice_or_does_not_begin_with_its_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError, match="twice"):
        looked_at(tmp_path, archive(entry(b"sw-description", DESCRIPTION), entry(b"a", b"1"), entry(b"a", b"2")))
    with pytest.raises(UnusableFileError, match="does not begin"):
        looked_at(tmp_path, archive(entry(b"a", b"1"), entry(b"sw-description", DESCRIPTION)))
    with pytest.raises(UnusableFileError, match="does not begin"):
        looked_at(tmp_path, END)


def test_a_size_that_the_file_does_not_have_is_refused_without_reading_it(tmp_path: Path) -> None:
    lying = entry(b"sw-description", DESCRIPTION).replace(b"%08X" % len(DESCRIPTION), b"FFFFFFFF", 1)
    with pytest.raises(UnusableFileError, match="cut off"):
        looked_at(tmp_path, lying + END)
    negative = entry(b"sw-description", DESCRIPTION).replace(b"%08X" % len(DESCRIPTION), b"-0000001", 1)
    with pytest.raises(UnusableFileError):
        looked_at(tmp_path, negative + END)


@pytest.mark.parametrize("cut", [3, 50, 109, 115, 200, -1, -60])
def test_an_image_that_was_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    whole = archive(entry(b"sw-description", DESCRIPTION), entry(b"a.img", b"x" * 50))
    content = whole[:cut]
    if content[:6] == b"070701":
        with pytest.raises(UnusableFileError):
            looked_at(tmp_path, content)
    else:
        assert looked_at(tmp_path, content).kind is BundleKind.OTHER


def test_a_bundle_of_rauc_is_recognised_by_the_signature_at_its_end(tmp_path: Path) -> None:
    plain = looked_at(tmp_path, rauc(b"\x30\x82\x01\x00" + b"s" * 256))
    assert (plain.kind, plain.signature, plain.compatible) == (BundleKind.RAUC, BundleSignature.PRESENT, ())
    inside = b"\x30\x82\x01\x00\n[update]\ncompatible=Gateway 100\nversion=2026.4\n\n[bundle]\nformat=verity\n"
    verity = looked_at(tmp_path, rauc(inside, tree=bytes(4096)))
    assert (verity.version, verity.compatible) == ("2026.4", ("Gateway 100",))


@pytest.mark.parametrize(
    "content",
    [squashfs(4096), squashfs(4096) + b"\0" * 8, rauc(b"no DER"), rauc(b"\x30" + bytes(70_000)), b"hsqs", b"hsqs" * 26],
    ids=["bare", "no length", "no signature", "too long", "tiny", "nonsense"],
)  # fmt: skip
def test_a_file_system_without_a_signature_is_another_file(tmp_path: Path, content: bytes) -> None:
    assert looked_at(tmp_path, content) == Bundle(kind=BundleKind.OTHER)


def test_any_other_file_is_firmware_too_but_an_empty_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x7fELF")
    assert firmware_format(tmp_path / "a.bin") == "other"
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(UnusableFileError, match="empty"):
        firmware_format(tmp_path / "a.bin")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_image_is_recognised_or_refused_and_never_breaks_the_reader(
    tmp_path: Path, data: st.DataObject
) -> None:
    whole = bytearray(archive(entry(b"sw-description", DESCRIPTION), entry(b"a.img", b"x" * 9)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(6, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = looked_at(tmp_path, bytes(whole))
    except UnusableFileError:
        return
    assert found.kind is BundleKind.SWUPDATE
