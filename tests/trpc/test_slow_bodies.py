"""Who announces a body and does not send it costs one call for its time, and nobody else anything."""

import asyncio

import pytest

from pdm_app.trpc import Limits
from tests.trpc.conftest import serving

WAIT_S = 90


@pytest.mark.parametrize("path", ["post.create", "uploadBytes", "uploadForm"])
async def test_a_body_that_does_not_come_costs_its_call_and_nothing_else(path: str) -> None:
    kinds = {
        "uploadBytes": "application/octet-stream",
        "uploadForm": "multipart/form-data; boundary=B",
    }
    head = (
        f"POST /trpc/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kinds.get(path, 'application/json')}\r\n"
        "Content-Length: 5000\r\n\r\n"
    ) + ("--B\r\n" if path == "uploadForm" else "{")
    async with serving(Limits(call_timeout_s=1.0)) as server, asyncio.timeout(WAIT_S):
        host, _, port = server.http_url.removeprefix("http://").partition("/")[0].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode())
        status = await reader.readline()
        writer.close()
        assert status.split()[1] == b"408", status
