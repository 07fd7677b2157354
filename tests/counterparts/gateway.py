"""An HTTP server on loopback that keeps each request and answers as a test wants it to: an SMS gateway, a webhook."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG = b"hang"
HANG_UP = b""


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Gateway:
    """What was asked, and what is answered next: raw bytes, or `HANG` or `HANG_UP`."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: deque[bytes] = field(default_factory=deque)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(status: str, body: str = "", **headers: str) -> bytes:
    """Raw bytes of an answer; underscores in header names stand for hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body.encode())}\r\n{lines}\r\n{body}".encode()


@asynccontextmanager
async def http_gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                method, target, _ = first.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                gateway.requests.append(Request(method, target, headers, body))
                said = gateway.answers.popleft() if gateway.answers else answer("200 OK", "{}")
                if said == HANG:
                    await reader.read()
                if said in (HANG, HANG_UP):
                    return
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
        await server.wait_closed()
