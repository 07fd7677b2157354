"""Identifiers made by the program: time-ordered UUIDs.

Source: RFC 9562, sections 5.7 and 5.8 (UUID versions 7 and 8); the standard library has them only from Python 3.14 on.
"""

import hashlib
import secrets
from uuid import UUID

from pdm_app.domain.samples import Micros


def new_id(at: Micros) -> str:
    """Return a UUIDv7 whose leading 48 bits are the milliseconds of ``at``, so that ids sort by age."""
    milliseconds = at // 1000
    random_bits = secrets.randbits(74)
    number = (milliseconds & ((1 << 48) - 1)) << 80
    number |= 0x7 << 76
    number |= (random_bits >> 62) << 64
    number |= 0b10 << 62
    number |= random_bits & ((1 << 62) - 1)
    return str(UUID(int=number))


def derived_id(at: Micros, *facts: str) -> str:
    """Return the one UUIDv8 of these facts, so that a replay after a crash makes the same id, not a second one.

    Ids sort by ``at``, to the microsecond: 48 bits of milliseconds, the microseconds within, then 62 bits of a hash.
    """
    milliseconds, microseconds = divmod(at, 1000)
    digest = hashlib.blake2b("\0".join((str(at), *facts)).encode(), digest_size=8).digest()
    number = (milliseconds & ((1 << 48) - 1)) << 80
    number |= 0x8 << 76
    number |= microseconds << 64
    number |= 0b10 << 62
    number |= int.from_bytes(digest, "big") >> 2
    return str(UUID(int=number))
