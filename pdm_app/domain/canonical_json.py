"""One spelling of a JSON document, so that a signature over it holds wherever it is written down again.

Numbers are whole: manifests and tickets count bytes and microseconds, and a fraction would only bring in the one part
of the standard on which programs differ.

Source: RFC 8785, JSON Canonicalization Scheme.
"""

import json
from collections.abc import Mapping

WHOLE_MAX = 2**53 - 1
"""What each program that reads JSON keeps exactly (RFC 7493)."""
DEPTH_MAX = 32


class NotCanonicalError(ValueError):
    """A value has no canonical spelling here; the message names it."""


def canonical(value: object) -> bytes:
    """Return the canonical UTF-8 text of a value of dicts, lists, texts, whole numbers, booleans and None.

    Raises:
        NotCanonicalError: It holds a fraction, a number past 2^53, half a character, a key that is no text, or is
            nested deeper than 32.
    """
    try:
        return _spelled(value, 0).encode()
    except UnicodeEncodeError:
        raise NotCanonicalError("a text holds half a character (a lone surrogate)") from None


def _spelled(value: object, depth: int) -> str:
    if depth > DEPTH_MAX:
        raise NotCanonicalError(f"it is nested deeper than {DEPTH_MAX}")
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            if abs(value) > WHOLE_MAX:
                raise NotCanonicalError(f"the number {value} is past 2^53")
            return str(int(value))
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise NotCanonicalError("a key is no text")
            pairs = (
                f"{_spelled(key, depth + 1)}:{_spelled(value[key], depth + 1)}" for key in sorted(value, key=_units)
            )
            return "{" + ",".join(pairs) + "}"
        case list() | tuple():
            return "[" + ",".join(_spelled(each, depth + 1) for each in value) + "]"
    raise NotCanonicalError(f"{type(value).__name__} has no canonical spelling")


def _units(key: str) -> bytes:
    """Order keys by their UTF-16 code units, as the standard asks, which differs from that of characters."""
    return key.encode("utf-16-be", "surrogatepass")
