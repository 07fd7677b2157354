"""superjson over every transport, driven by the real client with superjson in every link."""

import json
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ConfigDict

from pdm_app.trpc import (
    MISSING,
    SUPERJSON,
    ConnectionInfo,
    Encoded,
    Missing,
    Router,
    Tracked,
    TrpcApp,
    TrpcError,
    tracked,
)
from tests.trpc.conftest import serving_app
from tests.trpc.node_superjson import installed_folder, node

WHEN = datetime(2026, 11, 21, 6, 0, 0, 123_000, UTC)
SHARED = {"n": 1}


@pytest.fixture(scope="module")
def folder(need: Callable[[str, object], None]) -> Path:
    """The folder in which the real packages are installed."""
    installed = installed_folder()
    need(installed if isinstance(installed, str) else "npm packages", isinstance(installed, Path))
    assert isinstance(installed, Path)
    return installed


router = Router[None]()


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")
    when: datetime
    big: int
    unique: set[int]
    byNumber: dict[int, str]  # noqa: N815 - the wire's name
    ratio: float
    gone: int = 5


@router.query()
async def kinds(ctx: None) -> dict[str, Any]:
    return {"when": WHEN, "big": 2**60, "set": {7}, "map": {1: "one"}, "nan": math.nan, "gone": MISSING}


@router.query()
async def echo(ctx: None, input: Everything) -> Everything:
    return input


@router.mutation()
async def change(ctx: None, input: Everything) -> Everything:
    return input.model_copy(update={"unique": input.unique | {5}})


@router.query()
async def nothing(ctx: None) -> Missing:
    return MISSING


@router.query()
async def nil(ctx: None) -> None:
    return None


@router.query()
async def optional(ctx: None, *, name: str = "nobody") -> str:
    return name


@router.query()
async def shared(ctx: None) -> dict[str, Any]:
    return {"a": SHARED, "b": SHARED}


@router.query()
async def encoded(ctx: None) -> Encoded[dict[str, int]]:
    return Encoded(b'{"n":7}')


@router.query()
async def refused(ctx: None) -> None:
    raise TrpcError("CONFLICT", "already there")


@router.query()
async def items(ctx: None) -> AsyncIterator[datetime]:
    yield WHEN
    yield WHEN + timedelta(days=1)


@router.subscription()
async def ticks(
    ctx: None, *, since: datetime, last_event_id: str | None = None
) -> AsyncIterator[Tracked[dict[str, Any]]]:
    for number in range(int(last_event_id or 0) + 1, 4):
        yield tracked(str(number), {"n": number, "at": since + timedelta(seconds=number)})


@router.subscription()
async def failing(ctx: None) -> AsyncIterator[datetime]:
    yield WHEN
    raise TrpcError("CONFLICT", "halfway")


async def context(connection: ConnectionInfo) -> None:
    return None


def app() -> TrpcApp[None]:
    return TrpcApp(router, create_context=context, transformer=SUPERJSON)


ECHOED = (
    "{ big: 12345678901234567890n, byNumber: Map(1) { 7 => 'seven' }, gone: 5, ratio: -Infinity, "
    "unique: Set(2) { 1, 3 }, when: 2026-11-21T06:00:00.123Z }"
)
KINDS = (
    "{ big: 1152921504606846976n, gone: undefined, map: Map(1) { 1 => 'one' }, nan: NaN, set: Set(1) { 7 }, "
    "when: 2026-11-21T06:00:00.123Z }"
)


async def test_the_real_client_speaks_superjson_through_every_link(folder: Path) -> None:
    async with serving_app(app()) as address:
        got = await node(folder, "call", f"http://{address}/trpc", f"ws://{address}/trpc")
    for link in ("httpLink", "httpBatchLink", "httpBatchStreamLink", "wsLink"):
        calls = got[link]
        assert calls["kinds"] == KINDS, link
        assert calls["echo"] == ECHOED, link
        assert calls["mutated"] == ECHOED.replace("Set(2) { 1, 3 }", "Set(3) { 1, 3, 5 }"), link
        assert (calls["nothing"], calls["nil"], calls["optional"]) == ("undefined", "null", "'nobody'"), link
        assert calls["encoded"] == "{ n: 7 }", link
        assert calls["wrong"]["code"] == "BAD_REQUEST", link
        assert calls["refused"] == {"message": "already there", "code": "CONFLICT", "path": "refused"}, link
        assert calls["unknown"]["code"] == "NOT_FOUND", link
    assert got["together"] == [KINDS, "undefined", ECHOED]
    assert got["items"] == ["2026-11-21T06:00:00.123Z", "2026-11-22T06:00:00.123Z"]
    for way in ("sse", "ws"):
        seen = [f"{{ data: {{ at: 2026-11-21T06:00:0{n}.000Z, n: {n} }}, id: '{n}' }}" for n in (1, 2, 3)]
        assert got[way]["ticks"] == {"seen": seen, "how": "complete"}, way
        assert got[way]["resumed"] == {"seen": seen[2:], "how": "complete"}, way
        assert got[way]["failing"] == {
            "seen": ["2026-11-21T06:00:00.123Z"],
            "how": {"message": "halfway", "code": "CONFLICT"},
        }, way


@pytest.mark.parametrize(
    ("path", "input", "status", "body"),
    [
        ("nothing", None, 200, {"result": {"data": {"json": None, "meta": {"values": ["undefined"], "v": 1}}}}),
        ("optional", {"json": {"name": "ada"}}, 200, {"result": {"data": {"json": "ada"}}}),
        ("optional", {"json": None, "meta": {"values": ["undefined"]}}, 200, {"result": {"data": {"json": "nobody"}}}),
    ],
)
async def test_results_are_as_captured(path: str, input: Any, status: int, body: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://plant.example") as client:
        answer = await client.get(f"/{path}", params=None if input is None else {"input": json.dumps(input)})
    assert (answer.status_code, answer.json()) == (status, body)


async def test_errors_are_superjson_and_bad_input_is_told() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url="http://plant.example") as client:
        conflict = (await client.get("/refused")).json()
        assert conflict["error"]["json"]["data"] == {"code": "CONFLICT", "httpStatus": 409, "path": "refused"}
        for input in ("{oops", '{"name":"ada"}', '{"json":1,"meta":{"values":["Press"]}}'):
            answer = await client.get("/optional", params={"input": input})
            assert answer.status_code == 400
            assert answer.json()["error"]["json"]["data"]["code"] == "BAD_REQUEST"


async def test_rest_stays_plain() -> None:
    several = Router[None]()

    @several.query(rest="GET /now")
    async def now(ctx: None) -> datetime:
        return WHEN

    rpc = TrpcApp(several, create_context=context, transformer=SUPERJSON)
    (mount,) = rpc.rest_routes("")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(mount), base_url="http://plant.example") as client:
        assert (await client.get("/now")).json() == "2026-11-21T06:00:00.123000Z"
