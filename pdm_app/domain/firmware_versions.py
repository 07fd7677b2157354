"""Versions of firmware, and which of two is newer.

A version is one to four numbers with dots, perhaps a pre-release after ``-`` and a build after ``+``: 2.0.0, 2026.4,
1.9.0-rc.2+g1a2b. Numbers that are missing count as zero, so 2.0 and 2.0.0 are the same version; what comes after ``+``
does not count at all. Otherwise the order is that of Semantic Versioning 2.0.0, section 11.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

NUMBERS_MAX = 4

FirmwareVersion = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$",
        description="Such as 2.0.0 or 2026.4-rc.1: one to four numbers, perhaps a pre-release and a build.",
    ),
]

Rank: TypeAlias = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def rank(version: str) -> Rank:
    """Return what versions are sorted by; equal for versions that count as the same."""
    before_build = version.partition("+")[0]
    numbers, is_early, early = before_build.partition("-")
    parts = [int(number) for number in numbers.split(".")]
    padded = tuple(parts + [0] * (NUMBERS_MAX - len(parts)))
    return padded, not is_early, tuple(_identifier(part) for part in early.split(".")) if is_early else ()


def is_newer(version: str, than: str) -> bool:
    """Whether a version comes after another one."""
    return rank(version) > rank(than)


def is_same(version: str, other: str) -> bool:
    """Whether two spellings name the same version: a device may say 2.0 for 2.0.0."""
    return rank(version) == rank(other)


def _identifier(part: str) -> tuple[bool, int, str]:
    """Numbers come before words, and are compared as numbers."""
    return (False, int(part), "") if part.isdecimal() else (True, 0, part)
