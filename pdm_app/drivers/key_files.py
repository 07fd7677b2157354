"""A certificate and key as files for as long as a library reads them: OpenSSL takes them from nowhere else."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pdm_app.domain.link_security import KeyPair


@contextmanager
def key_files(pair: KeyPair) -> Iterator[tuple[Path, Path]]:
    """Write both into a folder that only this user reads, in memory where the system has such a place."""
    shared = Path("/dev/shm")  # noqa: S108 - only asked whether it is there; the folder in it is a fresh one of mode 0700.
    place = shared if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        for path, text in ((certificate, pair.certificates), (key, pair.key)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
        yield certificate, key
