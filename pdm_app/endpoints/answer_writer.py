"""Head and first bytes of an answer in one write.

uvicorn writes the head of an answer by itself and its body after that: two system calls, together a sixth of a quick
request. ASGI has a server wait with the head until there is something of the body.

Source: ASGI HTTP & WebSocket 2.4, "Response Start".
"""

from typing import Any

CONTINUE = b"HTTP/1.1 100 "
JOINED_BYTES_MAX = 65_536  # Beyond it copying costs more than a second write.


class AnswerWriter:
    """Stands in for the transport of one connection wherever one answer after the other is written."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._awaits_head = False
        self._head = b""

    def begin(self) -> None:
        """An answer begins; its head is the next that is written, but for the invitation to send a body."""
        self._awaits_head = True

    def write(self, part: bytes) -> None:
        """Write a part, or keep it until the next if it is a head."""
        if self._awaits_head:
            if part.startswith(CONTINUE):
                self._transport.write(part)
            else:
                self._awaits_head = False
                self._head = part
        elif not self._head:
            self._transport.write(part)
        elif len(part) > JOINED_BYTES_MAX:
            self.flush()
            self._transport.write(part)
        else:
            head, self._head = self._head, b""
            self._transport.write(head + part)

    def flush(self) -> None:
        """Write a head that no body follows."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Close the connection after what was written."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return bool(self._transport.is_closing())
