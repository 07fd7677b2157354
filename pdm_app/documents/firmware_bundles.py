"""Tells by its content what a file of firmware is, and what it says of itself; nothing is unpacked.

Sources: SWUpdate, "SWUpdate: syntax and tags with the default parser" (a cpio archive whose first entry is
``sw-description``, the second its signature); cpio(5), new ASCII and CRC formats; RAUC reference manual, section
"Bundle formats" (a squashfs, perhaps a hash tree, a CMS signature and its length as 64 bits at the end).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from pdm_app.domain.firmware_bundles import PARTS_MAX, Bundle, BundleKind, BundlePart, BundleSignature
from pdm_app.domain.uploads import UnusableFileError

CPIO_MAGICS = (b"070701", b"070702")
CPIO_HEADER_BYTES = 110
CPIO_NAME_MAX = 255
CPIO_END = "TRAILER!!!"
CPIO_REGULAR, CPIO_KINDS = 0o100000, 0o170000
DESCRIPTION, DESCRIPTION_SIGNATURE = "sw-description", "sw-description.sig"
DESCRIPTION_BYTES_MAX = 1_000_000
SQUASHFS_MAGIC = b"hsqs"
SQUASHFS_BYTES = 96
RAUC_LENGTH_BYTES = 8
RAUC_SIGNATURE_MAX = 65_536
"""RAUC itself takes no longer one."""
DER_SEQUENCE = b"\x30"
CHARACTERS_MAX = 120
COMPATIBLE_MAX = 32

PLAIN_NAME = re.compile(r"[A-Za-z0-9_@+=,~%#-][A-Za-z0-9_.@+=,~%#-]*")
SAID_VERSION = re.compile(r'(?:^|[\s{,"])version"?\s*[=:]\s*"([^"\n]{1,120})"')
SAID_HARDWARE = re.compile(r'hardware-compatibility"?\s*[=:]\s*[\[(]([^\])]{0,4000})[\])]')
SAID_TEXT = re.compile(r'"([^"\n]{1,120})"')
RAUC_LINE = re.compile(rb"^(compatible|version)=([^\r\n]{1,120})", re.MULTILINE)


class _Entry(NamedTuple):
    name: str
    bytes: int
    data_at: int


def firmware_format(path: Path) -> str:
    """Return the kind of a file that was handed in as firmware.

    Raises:
        UnusableFileError: It is empty, damaged, or made to do harm.
    """
    return bundle_of(path).kind.value


def bundle_of(path: Path) -> Bundle:
    """Return what a file says of itself. A file of no known format is firmware all the same, for an agent of its own.

    Raises:
        UnusableFileError: It is empty, damaged, or made to do harm.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    if size == 0:
        raise UnusableFileError("is empty")
    with path.open("rb") as file:
        start = file.read(len(CPIO_MAGICS[0]))
        if start in CPIO_MAGICS:
            return _swupdate(file, size)
        if start.startswith(SQUASHFS_MAGIC):
            return _rauc(file, size) or Bundle(kind=BundleKind.OTHER)
    return Bundle(kind=BundleKind.OTHER)


def _swupdate(file: IO[bytes], size: int) -> Bundle:
    entries = list(_entries(file, size))
    if not entries or entries[0].name != DESCRIPTION:
        raise UnusableFileError(f"is a cpio archive that does not begin with {DESCRIPTION}, so SWUpdate refuses it")
    if entries[0].bytes > DESCRIPTION_BYTES_MAX:
        raise UnusableFileError(f"has a {DESCRIPTION} of {entries[0].bytes:,} bytes, which no updater reads")
    file.seek(entries[0].data_at)
    said = file.read(entries[0].bytes).decode("utf-8", "replace")
    version, hardware = SAID_VERSION.search(said), SAID_HARDWARE.search(said)
    is_signed = len(entries) > 1 and entries[1].name == DESCRIPTION_SIGNATURE and entries[1].bytes > 0
    return Bundle(
        kind=BundleKind.SWUPDATE,
        signature=BundleSignature.PRESENT if is_signed else BundleSignature.ABSENT,
        version=_printable(version[1]) if version else "",
        compatible=tuple(map(_printable, SAID_TEXT.findall(hardware[1])))[:COMPATIBLE_MAX] if hardware else (),
        parts=tuple(BundlePart(name=entry.name, bytes=entry.bytes) for entry in entries),
    )


def _entries(file: IO[bytes], size: int) -> Iterator[_Entry]:
    """Walk through a cpio archive by its headers.

    Raises:
        UnusableFileError: It ends too early, has too many entries, or one whose name leads elsewhere.
    """
    at, names = 0, set[str]()
    for _ in range(PARTS_MAX + 1):
        file.seek(at)
        header = file.read(CPIO_HEADER_BYTES)
        if len(header) < CPIO_HEADER_BYTES or header[:6] not in CPIO_MAGICS:
            raise UnusableFileError("is a cpio archive that is damaged or cut off")
        mode, length, name_length = (_number(header, place) for place in (1, 6, 11))
        if not 1 < name_length <= CPIO_NAME_MAX + 1:
            raise UnusableFileError("is a cpio archive with a name that is empty or too long")
        raw = file.read(name_length)
        name = raw[:-1].decode("utf-8", "replace")
        data_at = _padded(at + CPIO_HEADER_BYTES + name_length)
        if raw[-1:] != b"\0" or data_at + length > size:
            raise UnusableFileError("is a cpio archive that is damaged or cut off")
        if name == CPIO_END:
            return
        if not PLAIN_NAME.fullmatch(name):
            raise UnusableFileError(f"holds an entry called {name[:60]!r}, which could be written elsewhere")
        if mode & CPIO_KINDS != CPIO_REGULAR:
            raise UnusableFileError(f"holds {name!r}, which is a link, a folder or a device, and no file")
        if name in names:
            raise UnusableFileError(f"holds {name!r} twice, so that nobody can tell which one is installed")
        names.add(name)
        yield _Entry(name, length, data_at)
        at = _padded(data_at + length)
    raise UnusableFileError(f"holds more than {PARTS_MAX} entries, which no updater needs")


def _number(header: bytes, place: int) -> int:
    field = header[6 + 8 * place : 14 + 8 * place]
    try:
        return int(field.decode("ascii"), 16) if field.isalnum() else -1
    except ValueError:
        raise UnusableFileError("is a cpio archive that is damaged or cut off") from None


def _padded(at: int) -> int:
    return (at + 3) & ~3


def _rauc(file: IO[bytes], size: int) -> Bundle | None:
    """Return what a bundle says; None for a squashfs that carries no signature and so is none of RAUC's."""
    file.seek(0)
    superblock = file.read(SQUASHFS_BYTES)
    if size < SQUASHFS_BYTES + RAUC_LENGTH_BYTES:
        return None
    file.seek(size - RAUC_LENGTH_BYTES)
    length = int.from_bytes(file.read(RAUC_LENGTH_BYTES), "big")
    used = int.from_bytes(superblock[40:48], "little")
    begins_at = size - RAUC_LENGTH_BYTES - length
    if not 0 < length <= RAUC_SIGNATURE_MAX or begins_at < max(used, SQUASHFS_BYTES):
        return None
    file.seek(begins_at)
    signature = file.read(length)
    if not signature.startswith(DER_SEQUENCE):
        return None
    # In the formats verity and crypt the manifest stands within the signature; in plain ones in the squashfs alone.
    said = {key.decode(): _printable(value.decode("utf-8", "replace")) for key, value in RAUC_LINE.findall(signature)}
    return Bundle(
        kind=BundleKind.RAUC,
        signature=BundleSignature.PRESENT,
        version=said.get("version", ""),
        compatible=(said["compatible"],) if "compatible" in said else (),
    )


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:CHARACTERS_MAX]
