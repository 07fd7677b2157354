"""The real ``@trpc/client`` from npm, through all its links, against a running server."""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trpc.conftest import Served, until
from tests.trpc.node_client import SCENARIO_TIMEOUT_S, Node, installed_client
from tests.trpc.reference import Plant

ADA = {"username": "ada", "role": "user"}


@pytest.fixture(scope="module")
def installed() -> Path | str:
    """The packages' folder, or why they are not there."""
    return installed_client()


@pytest.fixture
def node(installed: Path | str, served: Served, need: Callable[[str, object], None]) -> Node:
    """The real client, pointed at the reference server."""
    need(installed if isinstance(installed, str) else "npm packages", isinstance(installed, Path))
    assert isinstance(installed, Path)
    return Node(installed, "drive.mjs", served.http_url, served.ws_url)


def assert_calls(got: dict[str, Any], served: Served) -> None:
    """Fail unless the calls that every link makes came back right."""
    correlation_id = served.plant.faults[0].correlation_id
    expected = {
        "health": {"ok": True},
        "greet": {"text": "hello Ada Łovelace & +%"},
        "nothing": {"isUndefined": True},
        "nil": None,
        "undefinedInput": "missing",
        "nullInput": "None",
        "nested": {"id": "7", "title": "post 7"},
        "created": {"id": 1, "title": "abc", "tags": ["x"]},
        "me": ADA,
        "badInput": {
            "message": "Invalid input: name: Input should be a valid string",
            "code": "BAD_REQUEST",
            "path": "greet",
            "status": 400,
        },
        "notFound": {"message": "No post '404'", "code": "NOT_FOUND", "path": "post.byId", "status": 404},
        "conflict": {"message": "already exists", "code": "CONFLICT", "path": "conflict", "status": 409},
        "crash": {
            "message": f"Internal server error. Quote {correlation_id} when reporting it.",
            "code": "INTERNAL_SERVER_ERROR",
            "path": "crash",
            "status": 500,
        },
    }
    assert {key: got[key] for key in expected} == expected
    assert (got["noProcedure"]["code"], got["noProcedure"]["path"]) == ("NOT_FOUND", "nope")


async def test_http_link(node: Node, served: Served) -> None:
    got = await node.run("httpLink")
    assert_calls(got, served)
    assert got["upload"] == {"bytes": 5}
    assert got["uploadFile"] == {"bytes": 3}
    assert got["uploadBytes"] == {"bytes": 4}
    assert got["uploadForm"] == {"keys": ["a", "b", "file"], "file": ["fw.bin", "application/x-firmware", 600_000]}
    assert got["emptyForm"] == {"keys": []}
    assert (got["noForm"]["code"], got["noForm"]["status"]) == ("UNSUPPORTED_MEDIA_TYPE", 415)
    assert (got["badForm"]["code"], got["badForm"]["status"]) == ("NOT_FOUND", 404)


async def test_http_batch_link(node: Node, served: Served) -> None:
    got = await node.run("httpBatchLink")
    assert_calls(got, served)
    assert got["requests"] == 1
    ok, greeting, bad, nothing, nope = got["together"]
    assert (ok, greeting, nothing) == ({"ok": True}, {"text": "hello a"}, None)
    assert (bad["code"], nope["code"]) == ("BAD_REQUEST", "NOT_FOUND")


async def test_http_batch_stream_link(node: Node, served: Served) -> None:
    got = await node.run("httpBatchStreamLink")
    assert_calls(got, served)
    assert got["requests"] == 1
    assert got["order"][-1] == "slow"
    assert got["items"] == [0, 1, 2]
    assert (got["broken"], got["error"]["code"]) == ([1], "CONFLICT")


def assert_subscriptions(got: dict[str, Any]) -> None:
    """Fail unless the subscriptions that both links make went right."""
    ticks = [{"id": str(n), "data": {"n": n}} for n in (1, 2, 3)]
    tracked = got["tracked"]
    assert (tracked["started"], tracked["events"], tracked["how"]) == (1, ticks, "complete")
    assert (got["untracked"]["events"], got["untracked"]["how"]) == ([1, 2], "complete")
    assert got["mixed"]["events"] == [{"id": "a", "data": 1}, 2]
    assert (got["boom"]["events"], got["boom"]["how"]) == ([1], {"message": "boom after one", "code": "BAD_REQUEST"})
    assert (got["stopped"]["events"], got["stopped"]["how"]) == ([1], "enough")


async def test_ws_link(node: Node, served: Served) -> None:
    got = await node.run("wsLink")
    assert_calls(got, served)
    assert_subscriptions(got)
    assert got["secret"]["events"] == ["ada"]
    assert (got["badInput2"]["started"], got["badInput2"]["how"]["code"]) == (0, "BAD_REQUEST")
    assert got["alive"] == {"ok": True}
    assert len(served.plant.contexts) == 1
    await until(lambda: "forever" in served.plant.cleaned_up)


async def test_http_subscription_link(node: Node, served: Served) -> None:
    got = await node.run("httpSubscriptionLink")
    assert_subscriptions(got)
    assert (got["stranger"]["events"], got["stranger"]["how"]["code"]) == ([], "UNAUTHORIZED")
    assert got["badInput"]["how"]["code"] == "BAD_REQUEST"
    assert got["ada"]["events"] == ["ada"]
    await until(lambda: "forever" in served.plant.cleaned_up)


async def cut_three_times(node: Node, plant: Plant, cut: Callable[[], None]) -> None:
    """Cut the client's connection after its 5th, 10th and 15th event, and not when it is at the end already."""
    for events in (5, 10, 15):
        plant.count_to = events
        await until(lambda wanted=events: node.events >= wanted, SCENARIO_TIMEOUT_S)  # type: ignore[misc]
        cut()
    plant.count_to = math.inf


@pytest.mark.parametrize(
    ("scenario", "how"), [("wsResume", "closed"), ("wsResume", "asked to reconnect"), ("sseResume", "ended")]
)
async def test_a_cut_subscription_resumes_without_a_gap_or_a_repeat(
    node: Node, served: Served, scenario: str, how: str
) -> None:
    def cut() -> None:
        for socket in list(served.app._sockets):
            if how == "closed":
                socket.close(1012)  # type: ignore[arg-type]
            else:
                socket.ask_to_reconnect()
        for stream in list(served.app._streams):
            stream.end()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(node.run(scenario))
        group.create_task(cut_three_times(node, served.plant, cut))
    got = running.result()
    assert [event["data"]["n"] for event in got["events"]] == list(range(1, 31))
    assert got["how"] == "complete"
    assert len(served.plant.contexts) == 4
