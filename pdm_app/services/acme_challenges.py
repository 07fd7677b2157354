"""What an ACME directory asks for on port 80 to see that a name is ours: one small file per question.

Files, because whoever answers the plain port knows nothing of who asked for a certificate.

Source: RFC 8555, section 8.3 (HTTP-01).
"""

import re
from pathlib import Path

from pdm_app.services.private_files import write_private

FOLDER = "challenges"
PATH = "/.well-known/acme-challenge/"
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")  # At least 128 bits in base64url.
OPEN_MAX = 100
TYPE = "application/octet-stream"


class Challenges:
    """The questions that wait for their asker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def put(self, token: str, answer: str) -> None:
        """Answer a question from now on.

        Raises:
            ValueError: The token is none that RFC 8555 allows; it would become a file name.
        """
        if not TOKEN.fullmatch(token):
            raise ValueError(f"the directory gave the token {token[:40]!r}, which is none")
        write_private(self._folder / token, answer)

    def answer(self, token: str) -> str | None:
        """Return the answer to a question, None for one that nobody prepared."""
        if not TOKEN.fullmatch(token):
            return None
        try:
            return (self._folder / token).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def clear(self) -> None:
        """Forget all questions, also those of a process that was killed."""
        if self._folder.is_dir():
            for file in sorted(self._folder.iterdir())[:OPEN_MAX]:
                file.unlink(missing_ok=True)
