"""Load generator: many callers that each send the next HTTP call as soon as the last is answered.

Run as ``python -m pdm_app.cli.bench.calls``. A caller is one kept-alive connection with a request that never changes;
answers are read by a parser in C and only counted and timed, so that one process outruns the servers it measures.
"""

import asyncio
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import httptools
import numpy as np

from pdm_app.cli.bench.latencies import Latencies
from pdm_app.simulation.children.child import ChildLink, Message, run_child

CONNECT_S_MAX = 30.0
CALLERS_MAX = 1000
ANSWERS_MAX = 20_000_000
OK = 200


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes, take: "Tally") -> None:
        self._request = request
        self._tally = take
        self._parser = httptools.HttpResponseParser(self)
        self._transport: Any = None
        self._sent_ns = 0
        self._body: list[bytes] = []
        self.is_calling = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def begin(self) -> None:
        """Send the first call; each answer sends the next."""
        self.is_calling = True
        self._send()

    def close(self) -> None:
        self._transport.close()

    def _send(self) -> None:
        self._sent_ns = time.perf_counter_ns()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        self._body.clear()
        self._tally.note(self._parser.get_status_code(), body, time.perf_counter_ns() - self._sent_ns)
        if self.is_calling:
            self._send()
        else:
            self._tally.is_quiet()

    def connection_lost(self, error: Exception | None) -> None:
        if self.is_calling:
            self._tally.fail(f"A connection ended while calls were answered: {error or 'closed by the server'}.")


class Tally:
    """What all callers together have heard; the first answer that is not wanted ends the measurement."""

    def __init__(self, wanted: bytes) -> None:
        self._wanted = wanted
        self._open = 0
        self._quiet = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.took_ns: list[int] = []

    def note(self, status: int, body: bytes, took_ns: int) -> None:
        if status != OK or not body.startswith(self._wanted):
            self.fail(f"A call was answered with {status} and {body[:300]!r}.")
        elif len(self.took_ns) < ANSWERS_MAX:
            self.took_ns.append(took_ns)

    def fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_exception(RuntimeError(why))

    def expect(self, answers: int) -> None:
        """Say how many answers are still to come once nobody sends any more."""
        self._open = answers
        self._quiet.clear()

    def is_quiet(self) -> None:
        self._open -= 1
        if self._open <= 0:
            self._quiet.set()

    async def until_quiet(self) -> None:
        await self._quiet.wait()


async def measure(order: Message) -> Message:
    """Call for ``seconds`` and say how it went."""
    loop, address = asyncio.get_running_loop(), urlsplit(order["url"])
    tally = Tally(order["wanted"].encode())
    request = request_of(order["url"], order["headers"])
    callers: list[Caller] = []
    for _ in range(min(order["callers"], CALLERS_MAX)):
        opening = loop.create_connection(lambda: Caller(request, tally), address.hostname or "", address.port or 0)
        callers.append((await asyncio.wait_for(opening, CONNECT_S_MAX))[1])
    try:
        began_s = time.perf_counter()
        for caller in callers:
            caller.begin()
        done, _ = await asyncio.wait([tally.failed], timeout=order["seconds"])
        for one in done:
            one.result()
        tally.expect(len(callers))
        for caller in callers:
            caller.is_calling = False
        await asyncio.wait_for(tally.until_quiet(), CONNECT_S_MAX)
        took_s = time.perf_counter() - began_s
        if tally.failed.done():
            tally.failed.result()
    finally:
        for caller in callers:
            caller.is_calling = False
            caller.close()
    found = Latencies.of_micros(np.array(tally.took_ns, dtype=np.int64) // 1000)
    return {"seconds": took_s, "latencies": found.as_message()}


def request_of(url: str, headers: dict[str, str]) -> bytes:
    """Return the bytes of a GET."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"GET {target} HTTP/1.1", f"host: {parts.netloc}", "accept: */*", "accept-encoding: identity",
             *(f"{name}: {value}" for name, value in headers.items())]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def serve(link: ChildLink, configuration: Message) -> None:
    """Measure what is ordered, one after the other."""
    link.tell(ready=configuration["ready"])
    while True:
        link.tell(**await measure(await link.order()))


def fast_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that the servers run on, too."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


if __name__ == "__main__":
    run_child(serve, fast_loop)
