"""The part of BER that LDAP uses: definite lengths, small tags.

Source: ITU-T X.690 as narrowed by RFC 4511, section 5.1.
"""

from dataclasses import dataclass

INTEGER = 0x02
OCTETS = 0x04
ENUMERATED = 0x0A
BOOLEAN = 0x01
SEQUENCE = 0x30
SET = 0x31
LENGTH_BYTES_MAX = 4
INTEGER_BYTES_MAX = 8


class BerError(ValueError):
    """These bytes are not what was announced, or end too soon."""


def tlv(tag: int, *parts: bytes) -> bytes:
    """Wrap the parts, one after the other, with a tag and their length."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(number: int, tag: int = INTEGER) -> bytes:
    bits = (number if number >= 0 else ~number).bit_length()
    return tlv(tag, number.to_bytes(bits // 8 + 1, "big", signed=True))


def octets(text: str | bytes, tag: int = OCTETS) -> bytes:
    return tlv(tag, text.encode() if isinstance(text, str) else text)


def boolean(truth: bool, tag: int = BOOLEAN) -> bytes:
    return tlv(tag, b"\xff" if truth else b"\x00")


@dataclass(slots=True)
class Reader:
    """Takes one value after the other off some bytes."""

    content: bytes
    place: int = 0

    @property
    def is_at_end(self) -> bool:
        return self.place >= len(self.content)

    def next(self) -> tuple[int, bytes]:
        """Return tag and content of the next value.

        Raises:
            BerError: There is none, or not all of it.
        """
        size, start = header(self.content, self.place)
        if start + size > len(self.content):
            raise BerError("a value is longer than what holds it")
        tag = self.content[self.place]
        self.place = start + size
        return tag, self.content[start : self.place]

    def take(self, tag: int) -> bytes:
        """Return the content of the next value, which must have this tag.

        Raises:
            BerError: It has another one.
        """
        found, content = self.next()
        if found != tag:
            raise BerError(f"tag {found:#04x} stands where {tag:#04x} is due")
        return content

    def number(self, tag: int = INTEGER) -> int:
        content = self.take(tag)
        if not 1 <= len(content) <= INTEGER_BYTES_MAX:
            raise BerError(f"a number of {len(content)} bytes")
        return int.from_bytes(content, "big", signed=True)

    def text(self, tag: int = OCTETS) -> str:
        return self.take(tag).decode("utf-8", "replace")


def header(content: bytes, place: int = 0) -> tuple[int, int]:
    """Return length and first place of the content of the value at ``place``.

    Raises:
        BerError: Cut short, of no definite length, or with a tag that LDAP does not use.
    """
    if len(content) < place + 2:
        raise BerError("the bytes end before a length")
    if content[place] & 0x1F == 0x1F:
        raise BerError("a tag of several bytes")
    size = content[place + 1]
    start = place + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= LENGTH_BYTES_MAX:
            raise BerError(f"a length of {count} bytes")
        if len(content) < start + count:
            raise BerError("the bytes end inside a length")
        size = int.from_bytes(content[start : start + count], "big")
        start += count
    return size, start
