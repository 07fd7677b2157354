"""A query ends with its client, over HTTP as over streams; a mutation does not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from pdm_app.trpc import ConnectionInfo, Router, TrpcApp
from tests.trpc.conftest import serving_app, until

WITHIN_S = 90.0


@dataclass
class Bench:
    """What the procedures wait for, and how they ended."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    async def work(self, name: str) -> str:
        self.begun.append(name)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.ended.append(f"{name} cancelled")
            raise
        self.ended.append(f"{name} done")
        return name


router = Router[Bench]()


@router.query(rest="GET /slow/{name}")
async def slow(ctx: Bench, *, name: str) -> str:
    return await ctx.work(name)


@router.mutation(rest="POST /changes")
async def change(ctx: Bench, *, name: str) -> str:
    return await ctx.work(name)


@pytest.fixture
async def bench() -> Bench:
    return Bench()


@pytest.fixture
async def address(bench: Bench) -> AsyncIterator[str]:
    async def create_context(connection: ConnectionInfo) -> Bench:
        return bench

    async with serving_app(TrpcApp(router, create_context=create_context)) as address:
        yield address


async def ask_and_leave(address: str, bench: Bench, request: str, calls: int = 1) -> None:
    """Send a request and close the connection once its calls have begun."""
    host, _, port = address.partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.replace("\n", "\r\n").encode())
    await writer.drain()
    await until(lambda: len(bench.begun) == calls, WITHIN_S)
    writer.close()
    await writer.wait_closed()


def is_watched() -> bool:
    """Whether a call has been running for so long that its connection is listened to."""
    return any("_Watch._listen" in repr(task.get_coro()) for task in asyncio.all_tasks())


def got(path: str) -> str:
    return f"GET {path} HTTP/1.1\nhost: plant.example\n\n"


@pytest.mark.parametrize(
    "path", ["/trpc/slow?input=" + quote('{"name":"a"}'), "/api/v1/slow/a"], ids=["call", "REST address"]
)
async def test_a_query_ends_with_its_client(address: str, bench: Bench, path: str) -> None:
    await ask_and_leave(address, bench, got(path))
    await until(lambda: bench.ended == ["a cancelled"], WITHIN_S)


async def test_all_queries_of_a_batch_end_with_their_client(address: str, bench: Bench) -> None:
    inputs = quote('{"0":{"name":"a"},"1":{"name":"b"}}')
    await ask_and_leave(address, bench, got(f"/trpc/slow,slow?batch=1&input={inputs}"), 2)
    await until(lambda: sorted(bench.ended) == ["a cancelled", "b cancelled"], WITHIN_S)


@pytest.mark.parametrize("path", ["/trpc/change", "/api/v1/changes"])
async def test_a_mutation_goes_on_without_its_client(address: str, bench: Bench, path: str) -> None:
    body = '{"name":"a"}'
    head = f"POST {path} HTTP/1.1\nhost: plant.example\ncontent-type: application/json\ncontent-length: {len(body)}\n\n"
    await ask_and_leave(address, bench, head + body)
    bench.gate.set()
    await until(lambda: bench.ended == ["a done"], WITHIN_S)


async def test_a_client_that_stays_gets_its_answer_however_long_it_takes(address: str, bench: Bench) -> None:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(got("/api/v1/slow/a").replace("\n", "\r\n").encode())
    await until(lambda: bench.begun == ["a"], WITHIN_S)
    await until(is_watched, WITHIN_S)
    bench.gate.set()
    async with asyncio.timeout(WITHIN_S):
        answer = await reader.readuntil(b'"a"')
    assert answer.startswith(b"HTTP/1.1 200")
    writer.write(got("/api/v1/slow/b").replace("\n", "\r\n").encode())  # The connection serves on.
    async with asyncio.timeout(WITHIN_S):
        assert b"200" in await reader.readuntil(b'"b"')
    writer.close()
    await writer.wait_closed()
