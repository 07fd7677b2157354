"""The header of an EGD datagram: who produced what, when, and how far it may be trusted.

Thirty-two bytes in front of at most 1,400 of a producer's memory, little-endian but for the producer's id, which is
four bytes in the order of the network. Nothing in a datagram says what its payload means.

Source: GFK-2224Q, Ethernet Global Data; the header as Wireshark's dissector ``packet-egd`` reads it.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Final

from pdm_app.domain.samples import MICROS_PER_S, Quality

PORT = 18246
PAYLOAD_MAX = 1400
_HEADER = struct.Struct("<BBH4sIIIIII")
HEADER_BYTES = _HEADER.size
DATAGRAM_MAX = HEADER_BYTES + PAYLOAD_MAX
PRODUCTION_DATA = 13
VERSION = 1
NANOS_PER_S = 1_000_000_000
NANOS_PER_MICRO = 1000


class Strange(StrEnum):
    """Why a datagram is not looked at."""

    SHORT = "too short"
    LONG = "too long"
    OTHER_TYPE = "no production data"
    OTHER_VERSION = "another version"


@dataclass(frozen=True, slots=True)
class Datagram:
    """One production of one exchange.

    Attributes:
        request_id: Grows by one with each production, modulo 65,536.
        producer: Id of the producer, often but not always the address that it sends from.
        source_at: Microseconds UTC on the producer's clock; None where it gives no time, or none that can be.
        status: What the producer says of itself, see `quality_of`.
        signature: Of the configuration, major version in the second byte; 0 where it is not used.
    """

    request_id: int
    producer: IPv4Address
    exchange: int
    source_at: int | None
    status: int
    signature: int
    payload: bytes


def parsed(datagram: bytes, *, swapped: bool = False) -> Datagram | Strange:
    """Read a datagram, or say why it is none of EGD; never raises, whatever the bytes.

    Args:
        swapped: Type and version come the other way round, as some producers send them.
    """
    if len(datagram) < HEADER_BYTES:
        return Strange.SHORT
    if len(datagram) > DATAGRAM_MAX:
        return Strange.LONG
    first, second, request_id, producer, exchange, at_s, at_ns, status, signature, _ = _HEADER.unpack_from(datagram)
    kind, version = (second, first) if swapped else (first, second)
    if kind != PRODUCTION_DATA:
        return Strange.OTHER_TYPE
    if version != VERSION:
        return Strange.OTHER_VERSION
    has_time = (at_s, at_ns) != (0, 0) and at_ns < NANOS_PER_S
    return Datagram(
        request_id=request_id,
        producer=IPv4Address(producer),
        exchange=exchange,
        source_at=at_s * MICROS_PER_S + at_ns // NANOS_PER_MICRO if has_time else None,
        status=status & 0xFFFF,
        signature=signature,
        payload=datagram[HEADER_BYTES:],
    )


UNSYNCHRONISED = 3
STALE = 5
_MEANING: Final = {
    UNSYNCHRONISED: "its clock is not synchronised",
    4: "its specification of the exchange is wrong",
    STALE: "it says itself that the values are stale",
    10: "its network is not up",
    12: "it has no resources for the exchange",
    16: "it still looks for a name",
    18: "it has lost its Ethernet interface",
    22: "it does not support EGD",
    26: "its Ethernet interface does not answer",
    28: "it cannot create the exchange",
    30: "the exchange was deleted",
}
_FINE = frozenset({0, 1, 2, UNSYNCHRONISED})


def quality_of(status: int) -> Quality:
    """Return what a producer's status says of its values; a code that nobody knows makes them uncertain.

    Status 3 doubts the time alone: the values are good, and the time of receipt is theirs.
    """
    if status in _FINE:
        return Quality.GOOD
    if status == STALE:
        return Quality.BAD_STALE
    return Quality.BAD_DEVICE_FAILURE if status in _MEANING else Quality.UNCERTAIN


def meaning_of(status: int) -> str:
    """Say a status in words, for the middle of a sentence."""
    return _MEANING.get(status, "a status that is not in the specification")


def producer_of(written: str) -> IPv4Address:
    """Read a producer's id: dotted, or as the decimal number of engineering tools, whose lowest byte comes first.

    Raises:
        ValueError: It is neither.
    """
    if written.isascii() and written.isdecimal():
        number = int(written) if len(written) <= 10 else -1
        if not 0 <= number < 2**32:
            raise ValueError("is no producer id: as a number it lies between 0 and 4294967295")
        return IPv4Address(number.to_bytes(4, "little"))
    try:
        return IPv4Address(written)
    except ValueError:
        raise ValueError("is no producer id, such as 192.168.0.10 or 1701122220") from None
