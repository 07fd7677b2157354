"""A reference server on a free loopback port, for tests that need a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette

from pdm_app.trpc import Limits, TrpcApp
from tests.trpc.reference import Plant, reference_app


class Served:
    """A running reference server."""

    def __init__(self, app: TrpcApp[Any], plant: Plant, port: int) -> None:
        self.app = app
        self.plant = plant
        self.http_url = f"http://127.0.0.1:{port}/trpc"
        self.ws_url = f"ws://127.0.0.1:{port}/trpc"


@asynccontextmanager
async def serving(
    limits: Limits | None = None, port: int = 0, plant: Plant | None = None, **options: Any
) -> AsyncIterator[Served]:
    """Serve the reference procedures mounted in a Starlette application; no connection is left afterwards."""
    plant = plant or Plant()
    app = reference_app(plant, limits, **options)
    async with serving_app(app, port) as address:
        yield Served(app, plant, int(address.rpartition(":")[2]))


@asynccontextmanager
async def serving_app(app: TrpcApp[Any], port: int = 0) -> AsyncIterator[str]:
    """Serve an application at ``/trpc`` and its REST addresses at ``/api/v1``; yield host and port."""
    routes = [*app.routes("/trpc"), *app.rest_routes("/api/v1")]
    config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await app.drain(0.5)
        server.should_exit = True
        await task
        assert app.stats.websockets_open == 0
        assert app.stats.streams_open == 0
        assert app.stats.subscriptions_open == 0


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """Fail a test after which a task of its own still runs, whoever started it."""
    before = asyncio.all_tasks()
    yield
    await until(lambda: not (asyncio.all_tasks() - before - {asyncio.current_task()}))


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """The reference server with its usual limits."""
    async with serving() as server:
        yield server


async def until(condition: Callable[[], object], timeout_s: float = 90.0) -> None:
    """Wait for a condition; fail if it does not come true in time."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - conditions of other people's objects have no event to wait for.
            await asyncio.sleep(0.005)
