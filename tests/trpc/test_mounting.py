"""What a call costs besides its work: no garbage, and no route to match."""

import gc
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from pdm_app.trpc import Call, ConnectionInfo, Router, TrpcApp

router: Router[int] = Router()


async def twice(call: Call[int], proceed: Callable[[int], Awaitable[Any]]) -> Any:
    """Middleware that hands on twice of what it got."""
    return await proceed(call.ctx * 2)


@router.use(twice).use(twice).query()
async def context(ctx: int) -> int:
    """Return what the middleware left."""
    return ctx


async def _three(_: ConnectionInfo) -> int:
    return 3


async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that somebody else was asked."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def test_a_call_through_middleware_leaves_no_garbage_that_only_the_collector_finds() -> None:
    call = router.caller(3)
    assert await call("context") == 12
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            await call("context")
        assert gc.collect() < 10  # Not one per call; the loop's own machinery may leave a few.
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("path", "status"),
    [("/rpc/context", 200), ("/rpc/nope", 404), ("/rpc", 404), ("/rpcs", 299), ("/", 299), ("/a/rpc/context", 299)],
)
async def test_in_front_of_another_application_it_serves_its_own_path_only(path: str, status: int) -> None:
    app = TrpcApp(router, create_context=_three).in_front_of(elsewhere, "/rpc")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
        response = await client.get(path)
    assert response.status_code == status
    if status == 200:
        assert response.json() == {"result": {"data": 12}}


async def test_in_front_of_another_application_start_and_end_are_the_others() -> None:
    asked: list[Scope] = []

    async def other(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope)

    async def nothing() -> Message:
        return {"type": "lifespan.startup"}

    async def nowhere(message: Message) -> None:
        return None

    await TrpcApp(router, create_context=_three).in_front_of(other, "/rpc")({"type": "lifespan"}, nothing, nowhere)
    assert [scope["type"] for scope in asked] == ["lifespan"]


def test_of_two_headers_of_one_name_the_first_counts() -> None:
    headers = [(b"authorization", b"Bearer first"), (b"x", b"1"), (b"authorization", b"Bearer second")]
    connection = ConnectionInfo("http", {"type": "http", "headers": headers})
    assert connection.bearer_token == "first"
    assert connection.header("Authorization") == "Bearer first"
    assert connection.header("absent") is None
