"""Special values that cross the wire: an absent input or output, a tracked event, and data that is encoded already."""

from collections.abc import AsyncIterator
from typing import Generic, Protocol, TypeVar

import orjson

from pdm_app.trpc.wire_values import MISSING, Missing, Tracked, tracked

__all__ = ["MISSING", "ByteStream", "Encoded", "LooseJson", "Missing", "Tracked", "tracked"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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


class LooseJson(bytes):
    """An input that may hold ``NaN`` and ``Infinity``, which JSON does not know; from a transformer that has words."""


class ByteStream(Protocol):
    """Input of a mutation that takes ``application/octet-stream``: the chunks of the body as they arrive."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
