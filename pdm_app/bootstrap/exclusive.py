"""One set-up at a time: a second one waits, and says for whom."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pdm_app.bootstrap.problems import SetupError, explained

WAIT_S_MAX = 1800.0  # Twice what a first set-up takes on a slow line.
POLL_EVERY_S = 0.2


@contextmanager
def exclusive(path: Path, doing: str, *, wait_s_max: float = WAIT_S_MAX) -> Iterator[bool]:
    """Hold the lock file for the block; the system frees it when the process ends, however it ends.

    Yields:
        Whether somebody else was waited for: what was wanted may be done by now.

    Raises:
        SetupError: The other one is still at it after ``wait_s_max``, or the file cannot be written.
    """
    with explained(doing, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Never truncated or deleted: the holder's line must stay readable, the inode the same for all.
        handle = path.open("a+", encoding="utf-8")
    with handle:
        waited = _wait(handle, doing, wait_s_max)
        handle.seek(0)
        handle.truncate()
        handle.write(f"process {os.getpid()}\n")
        handle.flush()
        yield waited


@contextmanager
def claimed(path: Path, refusal: str) -> Iterator[None]:
    """Hold the lock file of a data directory for the block, or refuse at once.

    Args:
        path: The lock file; the system frees it when the process ends, however it ends.
        refusal: Text for when somebody else holds it; ``{holder}`` becomes the process that does.

    Raises:
        SetupError: Somebody else holds it, or the file cannot be written.
    """
    advice = "Choose another directory with --data DIR, or make room and rights in this one."
    with explained("Claiming the data directory", path, advice):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # What is kept there is nobody else's to read.
        handle = path.open("a+", encoding="utf-8")
    with handle:
        if not _try_lock(handle):
            raise SetupError(refusal.format(holder=_holder(handle)))
        handle.seek(0)
        handle.truncate()
        handle.write(f"process {os.getpid()}\n")
        handle.flush()
        yield


def _wait(handle: IO[str], doing: str, wait_s_max: float) -> bool:
    started = time.monotonic()
    waited = False
    while not _try_lock(handle):
        if not waited:
            waited = True
            sys.stderr.write(
                f"{doing}: another set-up ({_holder(handle)}) is at work in this checkout; waiting for it.\n"
            )
            sys.stderr.flush()
        if time.monotonic() - started > wait_s_max:
            raise SetupError(
                f"{doing}: another set-up ({_holder(handle)}) has not finished in {wait_s_max:.0f} s.\n"
                "See whether it still moves; end it, and start again."
            )
        time.sleep(POLL_EVERY_S)
    return waited


def _holder(handle: IO[str]) -> str:
    with suppress(OSError):  # Windows does not let a locked file be read.
        handle.seek(0)
        return handle.readline().strip() or "process unknown"
    return "process unknown"


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[str]) -> bool:
        try:
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: IO[str]) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
