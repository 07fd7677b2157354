"""Identifiers made by the program: time-ordered UUIDs.

Source: RFC 9562, section 5.7 (UUID version 7); the standard library has it only from Python 3.14 on.
"""

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
