"""Files that only the user who runs the program may read."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a file with mode 0600 that is complete from the moment it has its name.

    With ``replace`` False an existing file stays as it is: of two processes that start at once, both then read the
    file of the first.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            _name_unless_taken(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _name_unless_taken(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # A file system without hard links; two first starts at the same instant are then a race.
        if not path.exists():
            draft.replace(path)
