"""Search filters: as text from the settings, and built from values, which then are data and never syntax.

What somebody types at sign-in is only ever handed to `equals`: there is no text into which it could be injected.

Source: RFC 4515 (text form), RFC 4511 section 4.5.1.7 (form on the wire).
"""

import re

from pdm_app.directories.ber import boolean, octets, tlv

AND, OR, NOT, EQUALS, SUBSTRINGS, AT_LEAST, AT_MOST, PRESENT, ABOUT, EXTENSIBLE = (
    0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0x87, 0xA8, 0xA9,
)  # fmt: skip
INITIAL, ANY, FINAL = 0x80, 0x81, 0x82
IN_CHAIN = "1.2.840.113556.1.4.1941"  # LDAP_MATCHING_RULE_IN_CHAIN of Active Directory.
DEPTH_MAX = 20

_ITEM = re.compile(
    r"(?P<name>[A-Za-z0-9.;-]*)(?P<rule>(?::[A-Za-z0-9.-]+){0,2}:)?(?P<kind>~=|>=|<=|=)(?P<value>[^()]*)"
)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})")


class FilterError(ValueError):
    """A filter in the settings cannot be read; says where."""


def equals(attribute: str, value: str | bytes) -> bytes:
    return tlv(EQUALS, octets(attribute), octets(value))


def in_chain(attribute: str, dn: str) -> bytes:
    """Match what leads to ``dn`` over any number of steps; only Active Directory knows how."""
    return tlv(EXTENSIBLE, octets(IN_CHAIN, 0x81), octets(attribute, 0x82), octets(dn, 0x83))


def all_of(*filters: bytes) -> bytes:
    return tlv(AND, *filters)


def any_of(*filters: bytes) -> bytes:
    return filters[0] if len(filters) == 1 else tlv(OR, *filters)


def parse(text: str) -> bytes:
    """Turn the text form into bytes.

    Raises:
        FilterError: Says at which character it stops being a filter.
    """
    text = text.strip()
    filter_, place = _filter(text, 0, 0)
    if place != len(text):
        raise FilterError(f"something follows the filter at character {place + 1}")
    return filter_


def _filter(text: str, place: int, depth: int) -> tuple[bytes, int]:
    if depth > DEPTH_MAX:
        raise FilterError(f"more than {DEPTH_MAX} brackets inside each other")
    if text[place : place + 1] != "(":
        raise FilterError(f"character {place + 1} should open a bracket")
    place += 1
    sign = text[place : place + 1]
    if sign in ("&", "|"):
        parts: list[bytes] = []
        place += 1
        while text[place : place + 1] == "(":
            part, place = _filter(text, place, depth + 1)
            parts.append(part)
        content = tlv(AND if sign == "&" else OR, *parts)
    elif sign == "!":
        part, place = _filter(text, place + 1, depth + 1)
        content = tlv(NOT, part)
    else:
        content, place = _item(text, place)
    if text[place : place + 1] != ")":
        raise FilterError(f"character {place + 1} should close a bracket")
    return content, place + 1


def _item(text: str, place: int) -> tuple[bytes, int]:
    found = _ITEM.match(text, place)
    if found is None or not (found["name"] or found["rule"]):
        raise FilterError(f"character {place + 1} should begin a comparison such as uid=ada")
    name, kind, value = found["name"], found["kind"], found["value"]
    if found["rule"] is not None:
        if kind != "=":
            raise FilterError(f"a matching rule at character {place + 1} needs :=")
        return _extensible(name, found["rule"].strip(":").split(":"), value), found.end()
    if kind != "=":
        tag = {"~=": ABOUT, ">=": AT_LEAST, "<=": AT_MOST}[kind]
        return tlv(tag, octets(name), octets(_value(value))), found.end()
    if value == "*":
        return octets(name, PRESENT), found.end()
    if "*" not in value:
        return equals(name, _value(value)), found.end()
    first, *between, last = value.split("*")
    parts = [octets(_value(first), INITIAL)] if first else []
    parts += [octets(_value(part), ANY) for part in between if part]
    parts += [octets(_value(last), FINAL)] if last else []
    if not parts:
        raise FilterError(f"nothing stands between the stars at character {place + 1}")
    return tlv(SUBSTRINGS, octets(name), tlv(0x30, *parts)), found.end()


def _extensible(name: str, words: list[str], value: str) -> bytes:
    of_dn = words[:1] == ["dn"]
    rule = "".join(words[1:] if of_dn else words)
    return tlv(
        EXTENSIBLE,
        octets(rule, 0x81) if rule else b"",
        octets(name, 0x82) if name else b"",
        octets(_value(value), 0x83),
        boolean(True, 0x84) if of_dn else b"",  # noqa: FBT003 - the value itself
    )


def _value(text: str) -> bytes:
    if re.search(r"\\(?![0-9A-Fa-f]{2})", text):
        raise FilterError(r"a backslash stands before something that is no two hexadecimal digits, as in \2a for *")
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
