"""Messages of LDAP version 3, as far as somebody needs them who searches people and checks their passwords.

Source: RFC 4511.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdm_app.directories.ber import (
    ENUMERATED,
    OCTETS,
    SEQUENCE,
    SET,
    BerError,
    Reader,
    boolean,
    integer,
    octets,
    tlv,
)

BIND_REQUEST, BIND_RESPONSE = 0x60, 0x61
UNBIND_REQUEST = 0x42
SEARCH_REQUEST, SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE = 0x63, 0x64, 0x65, 0x73
EXTENDED_REQUEST, EXTENDED_RESPONSE = 0x77, 0x78
START_TLS = "1.3.6.1.4.1.1466.20037"

SUCCESS, SIZE_LIMIT_EXCEEDED, NO_SUCH_OBJECT, INVALID_CREDENTIALS = 0, 4, 32, 49
RESULTS = {  # What people meet; the number says the rest.
    1: "operations error",
    3: "time limit exceeded",
    4: "size limit exceeded",
    7: "authentication method not supported",
    8: "stronger authentication required",
    10: "referral",
    13: "confidentiality required",
    32: "no such object",
    34: "invalid DN",
    48: "inappropriate authentication",
    49: "invalid credentials",
    50: "insufficient access rights",
    51: "busy",
    52: "unavailable",
    53: "unwilling to perform",
}


@dataclass(frozen=True, slots=True)
class Result:
    """How an operation ended; ``words`` are the server's own."""

    code: int
    words: str

    def __str__(self) -> str:
        said = RESULTS.get(self.code, f"result {self.code}")
        return f"{said}: {self.words}" if self.words else said


@dataclass(frozen=True, slots=True)
class Entry:
    """Something found; attribute names in small letters."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def texts(self, attribute: str) -> tuple[str, ...]:
        """Return the values as text; what is no UTF-8 is shown with marks for it."""
        return tuple(value.decode("utf-8", "replace") for value in self.values.get(attribute.lower(), ()))

    def text(self, attribute: str) -> str:
        found = self.texts(attribute)
        return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; ``size_max`` entries at most."""

    base: str
    filter: bytes
    attributes: Sequence[str]
    size_max: int
    time_max_s: int
    is_of_base_only: bool = False


def bind(number: int, dn: str, password: str) -> bytes:
    return _message(number, tlv(BIND_REQUEST, integer(3), octets(dn), octets(password, 0x80)))


def unbind(number: int) -> bytes:
    return _message(number, tlv(UNBIND_REQUEST))


def start_tls(number: int) -> bytes:
    return _message(number, tlv(EXTENDED_REQUEST, octets(START_TLS, 0x80)))


def search(number: int, wanted: Search) -> bytes:
    """Ask for entries; aliases are not followed."""
    return _message(
        number,
        tlv(
            SEARCH_REQUEST,
            octets(wanted.base),
            integer(0 if wanted.is_of_base_only else 2, ENUMERATED),
            integer(0, ENUMERATED),
            integer(wanted.size_max),
            integer(wanted.time_max_s),
            boolean(False),  # noqa: FBT003 - values are wanted, not only names
            wanted.filter,
            tlv(SEQUENCE, *(octets(name) for name in wanted.attributes)),
        ),
    )


def _message(number: int, operation: bytes) -> bytes:
    return tlv(SEQUENCE, integer(number), operation)


def opened(content: bytes) -> tuple[int, int, bytes]:
    """Take the content of an envelope apart: number of the message, tag and content of its operation.

    Raises:
        BerError: It is none.
    """
    reader = Reader(content)
    number = reader.number()
    return number, *reader.next()


def result(content: bytes) -> Result:
    """Read how an operation ended.

    Raises:
        BerError: That is not said.
    """
    reader = Reader(content)
    code = reader.number(ENUMERATED)
    reader.take(OCTETS)  # The part of the name that was found.
    words = reader.text()
    return Result(code, "".join(letter if letter.isprintable() else " " for letter in words)[:300].strip())


def entry(content: bytes) -> Entry:
    """Read one entry.

    Raises:
        BerError: It is none.
    """
    reader = Reader(content)
    dn = reader.text()
    values: dict[str, list[bytes]] = {}
    attributes = Reader(reader.take(SEQUENCE))
    while not attributes.is_at_end:
        attribute = Reader(attributes.take(SEQUENCE))
        name = attribute.text().lower()
        found = Reader(attribute.take(SET))
        kept = values.setdefault(name, [])
        while not found.is_at_end:
            kept.append(found.take(OCTETS))
    return Entry(dn, values)


__all__ = [
    "BerError",
    "Entry",
    "Result",
    "Search",
    "bind",
    "entry",
    "opened",
    "result",
    "search",
    "start_tls",
    "unbind",
]
