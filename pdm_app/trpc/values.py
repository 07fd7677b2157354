"""Special values that cross the wire: an absent input or output, a tracked event, and data that is encoded already."""

import enum
from collections.abc import AsyncIterator
from typing import Final, Generic, Protocol, TypeVar

import orjson

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Missing(enum.Enum):
    """The type of ``MISSING``: JavaScript's ``undefined``, which is not ``None`` (JSON ``null``)."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING


class Tracked(Generic[T_co]):
    """A subscription event with an id from which the client resumes after a lost connection."""

    __slots__ = ("data", "id")

    def __init__(self, id: str, data: T_co) -> None:
        if not id or any(character in id for character in "\0\r\n"):
            raise ValueError(
                f"A tracked id must be a non-empty string without NUL or line breaks, not {id!r}: "
                "it travels in the id line of a Server-Sent Event."
            )
        self.id = id
        self.data: T_co = data

    def __repr__(self) -> str:
        return f"Tracked(id={self.id!r}, data={self.data!r})"


def tracked(id: str, data: T) -> Tracked[T]:
    """Give an event an id. The client hands it back as ``lastEventId`` when it resumes the subscription."""
    return Tracked(id, data)


class Encoded(Generic[T_co]):
    """Output that is JSON already, so that it is encoded once for all viewers; only the client's id differs.

    The type parameter says what the JSON holds, for introspection and generated clients: ``Encoded[LiveFrame]``.

    Args:
        json: UTF-8 JSON without raw line breaks. It is trusted: nothing validates it again.
    """

    __slots__ = ("_text", "json")

    def __init__(self, json: bytes) -> None:
        self.json = json
        self._text: str | None = None

    @staticmethod
    def of(value: T) -> "Encoded[T]":
        """Encode plain data (dicts, lists, numpy arrays, dataclasses, datetimes) once; NaN becomes null."""
        return Encoded(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))

    @property
    def text(self) -> str:
        """The JSON as text, decoded once for however many connections send it."""
        if self._text is None:
            self._text = self.json.decode()
        return self._text

    def __repr__(self) -> str:
        return f"Encoded({len(self.json)} bytes)"


class ByteStream(Protocol):
    """Input of a mutation that takes ``application/octet-stream``: the chunks of the body as they arrive."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
