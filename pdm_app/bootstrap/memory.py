"""Memory that is given back: glibc by itself keeps what threads freed, in arenas of their own, for what may come.

A day of samples is worked on in columns of megabytes, in whichever thread is free. Left alone, the process that has
stored a demo's month keeps a hundred megabytes more than it uses.
"""

import ctypes
import sys

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # Numbers of malloc.h.
ARENAS = 2
MAPPED_BYTES_MIN = 1 << 20
"""Blocks from this size on go back to the system when they are freed; glibc would raise that to 32 MB by itself."""


def give_back_memory() -> bool:
    """Have the C library give freed memory back; False where it is not glibc, and keeps its own ways."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # Another C library.
        return False
    wanted = ((ARENA_MAX, ARENAS), (MMAP_THRESHOLD, MAPPED_BYTES_MIN))
    return all(mallopt(option, value) == 1 for option, value in wanted)
