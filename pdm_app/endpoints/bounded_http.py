"""The server's HTTP protocol with an end to patience: who sends slowly, or without end, loses the connection.

uvicorn waits for ever for a head that never ends, and keeps what has come of it. Here a head must be complete within
``head_s`` of its first byte, or of the connection, and hold at most ``head_bytes_max``; and once a request is answered,
what is left of its body must have come within the same time. Bodies themselves are timed by whoever reads them.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pdm_app.endpoints.answer_writer import AnswerWriter

SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
ENDLESS = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """One connection; `bounded_http` makes the class with other bounds."""

    head_s = 15.0
    head_bytes_max = 65_536

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._patience: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._has_begun = False  # A head, whose rest is still to come.
        self._is_in_body = False
        self._head_bytes = 0
        self._writer: AnswerWriter

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._writer = AnswerWriter(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_in_head = self._is_in_head
        super().data_received(data)
        if was_in_head and self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.head_bytes_max:
                self._cut_off(ENDLESS)
        if self._has_begun and self._patience is None:  # Most heads come whole: they need no timer.
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._has_begun = True
        self._wait_no_more()  # Its time counts from now.

    def on_headers_complete(self) -> None:
        self._is_in_head = self._has_begun = False
        self._is_in_body = True
        self._head_bytes = 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_body = False
        self._is_in_head = True
        self._wait_no_more()
        super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._writer.begin()
        cycle.transport = self._writer
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self._writer.flush()
        super().on_response_complete()
        if self._is_in_body:
            self._wait()

    def handle_websocket_upgrade(self) -> None:
        self._wait_no_more()
        super().handle_websocket_upgrade()

    def _wait(self) -> None:
        self._wait_no_more()
        self._patience = self.loop.call_later(self.head_s, self._lose_patience)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        self._cut_off(b"" if self._is_in_body or not self._head_bytes else SLOW)

    def _cut_off(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            if answer:
                self.transport.write(answer)
            self.transport.close()


def bounded_http(*, head_s: float, head_bytes_max: int) -> type[BoundedHttp]:
    """Return the protocol class with these bounds."""
    return type("BoundedHttp", (BoundedHttp,), {"head_s": head_s, "head_bytes_max": head_bytes_max})
