"""Read what servers send bit by bit: lines, Server-Sent Events, and streamed batches of JSON lines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pdm_app.trpc.client.errors import call_error
from pdm_app.trpc.wire_values import MISSING

LINE_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; ``id`` is None where the event brings none and empty where it takes the last one back."""

    event: str
    data: str
    id: str | None


class Lines:
    """Splits bytes into lines at CR, LF and CR LF only: JSON may hold other characters that text splits at."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False

    def split(self, chunk: bytes) -> list[str]:
        """Return the lines that this chunk completes.

        Raises:
            ValueError: A line longer than ``LINE_MAX``, or no UTF-8.
        """
        ends_in_cr = chunk.endswith(b"\r")
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = ends_in_cr
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, last = chunk.split(b"\n")
        if whole:
            whole[0], self._rest = self._rest + whole[0], b""
        self._rest += last
        if len(self._rest) > LINE_MAX:
            raise ValueError(f"A line is longer than {LINE_MAX} bytes.")
        return [line.decode() for line in whole]


class EventReader:
    """Reads Server-Sent Events line by line; comments and ``retry`` mean nothing here.

    Source: HTML Living Standard, 9.2.6 Interpreting an event stream.
    """

    def __init__(self) -> None:
        self._event = ""
        self._data: list[str] = []
        self._id: str | None = None

    def read(self, line: str) -> ServerSentEvent | None:
        """Return the event that this line ends, if it does."""
        if not line:
            has_event = bool(self._data or self._event or self._id is not None)
            event = ServerSentEvent(self._event or "message", "\n".join(self._data), self._id)
            self._event, self._data, self._id = "", [], None
            return event if has_event else None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._event = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value
        return None


class StreamedAnswer:
    """Reads the answer to a streamed batch of one call whose result comes item by item.

    Attributes:
        is_ended: The last item was read.

    Source: tRPC v11, ``stream/jsonl.ts``.
    """

    def __init__(self, decode: Callable[[str], Any]) -> None:
        self._decode = decode
        self._is_head = True
        self._promise: int | None = None
        self._items: int | None = None
        self.is_ended = False

    def read(self, line: str) -> list[Any]:
        """Return the item that this line brings, if it does.

        Raises:
            CallError: The call failed, before the first item or after some.
            ValueError, KeyError, TypeError, AttributeError: This is no such answer.
        """
        if not line.strip():
            return []  # A space keeps the connection alive.
        read = self._decode(line)
        if self._is_head:
            self._is_head = False
            self._follow(read["0"])
            return []
        chunk_id, status, payload = read
        if chunk_id == self._items:
            if status == 0:
                self.is_ended = True
                return []
            if status != 1:
                raise call_error(payload)
            return [payload[0][0] if payload[0] else MISSING]
        if chunk_id == self._promise:
            self._settle(status, payload)
        return []

    def _follow(self, encoded: Any) -> None:
        """Note under which number the rest of a value will come."""
        for _, kind, chunk_id in encoded[1:]:
            if kind == 0:
                self._promise = chunk_id
            else:
                self._items = chunk_id

    def _settle(self, status: int, payload: Any) -> None:
        if status != 0:
            raise call_error(payload)
        (value,) = payload[0]
        if isinstance(value, dict) and "error" in value:
            raise call_error(value["error"])
        if len(payload) == 1:
            raise ValueError("The result is no stream.")
        self._follow(payload)
