"""Certificates that were in use before, with their keys: to go back to when the new one is not trusted somewhere."""

import re
from pathlib import Path

from pdm_app.domain.certificates import PreviousCertificate
from pdm_app.domain.errors import InvalidInputError, NotFoundError
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.services.certificate_files import read_certificates
from pdm_app.services.private_files import write_private

FOLDER = "previous"
KEPT_MAX = 5
FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}")


class Archive:
    """Files of mode 0600, named by their fingerprints; the oldest make room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def keep(self, pair: str) -> None:
        """Keep a certificate with its key."""
        fingerprint = read_certificates(pair)[0].fingerprint
        write_private(self._file(fingerprint), pair)
        for file in self._files()[KEPT_MAX:]:
            file.unlink(missing_ok=True)

    def kept(self, now: Micros) -> tuple[PreviousCertificate, ...]:
        """Return what is kept, the newest first; a file that cannot be read is left out."""
        found = []
        for file in self._files():
            try:
                certificates = read_certificates(file.read_text(encoding="ascii"))
                kept_at = int(file.stat().st_mtime) * MICROS_PER_S
            except (OSError, UnicodeDecodeError, InvalidInputError):
                continue
            left = min(one.days_left(now) for one in certificates)
            found.append(PreviousCertificate(certificate=certificates[0], days_left=left, kept_at=kept_at))
        return tuple(found)

    def read(self, fingerprint: str) -> str:
        """Return a certificate with its key.

        Raises:
            NotFoundError: It is not kept here.
        """
        try:
            return self._file(fingerprint).read_text(encoding="ascii")
        except FileNotFoundError:
            raise _absent() from None

    def forget(self, fingerprint: str) -> None:
        """Delete a certificate and its key.

        Raises:
            NotFoundError: It is not kept here.
        """
        try:
            self._file(fingerprint).unlink()
        except FileNotFoundError:
            raise _absent() from None

    def discard(self, fingerprint: str) -> None:
        """Delete a certificate and its key if they are kept here."""
        self._file(fingerprint).unlink(missing_ok=True)

    def _file(self, fingerprint: str) -> Path:
        if not FINGERPRINT.fullmatch(fingerprint):
            raise _absent()
        return self._folder / f"{fingerprint.replace(':', '').lower()}.pem"

    def _files(self) -> list[Path]:
        def age(file: Path) -> float:
            try:
                return -file.stat().st_mtime_ns
            except OSError:
                return 0

        return sorted(self._folder.glob("*.pem"), key=age)


def _absent() -> NotFoundError:
    return NotFoundError("There is no previous certificate with this fingerprint.")
