"""The real ``@trpc/client`` as integrations put it together, also through a network that cuts and freezes."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.counterparts.cutting_proxy import CuttingProxy, cutting_proxy
from tests.trpc.conftest import Served, serving, until
from tests.trpc.node_client import SCENARIO_TIMEOUT_S, Node, installed_client
from tests.trpc.reference import Plant

ADA = {"username": "ada", "role": "user"}
PROGRAM = "hardship.mjs"


@pytest.fixture(scope="module")
def installed() -> Path | str:
    """The packages' folder, or why they are not there."""
    return installed_client()


@pytest.fixture
def packages(installed: Path | str, need: Callable[[str, object], None]) -> Path:
    need(installed if isinstance(installed, str) else "npm packages", isinstance(installed, Path))
    assert isinstance(installed, Path)
    return installed


@pytest.fixture
def node(packages: Path, served: Served) -> Node:
    return Node(packages, PROGRAM, served.http_url, served.ws_url)


@asynccontextmanager
async def behind_a_proxy(packages: Path, served: Served) -> AsyncIterator[tuple[Node, CuttingProxy]]:
    """The real client, whose connections a test cuts."""
    async with cutting_proxy(int(served.http_url.rsplit(":", 1)[1].split("/")[0])) as proxy:
        base = f"127.0.0.1:{proxy.port}/trpc"
        yield Node(packages, PROGRAM, f"http://{base}", f"ws://{base}"), proxy


async def run_while(node: Node, scenario: str, disturb: Awaitable[None]) -> dict[str, Any]:
    """Run a scenario and disturb it."""
    got: dict[str, Any] = (await asyncio.gather(node.run(scenario), disturb))[0]
    return got


def numbers(got: dict[str, Any]) -> list[int]:
    return [event["data"]["n"] for event in got["events"]]


async def test_links_are_split_by_what_is_called(node: Node, served: Served) -> None:
    got = await node.run("splitLink")
    assert (got["health"], got["me"], got["upload"]) == ({"ok": True}, ADA, {"bytes": 3})
    assert (numbers(got["ticks"]), got["ticks"]["how"]) == ([1, 2, 3], "complete")
    assert got["requests"] == 1
    assert "up subscription count" in got["operations"]
    assert "down query me" in got["operations"]
    assert len(served.plant.contexts) == 3


async def test_a_lazy_socket_is_opened_when_it_is_used(node: Node, served: Served) -> None:
    got = await node.run("lazySocket")
    assert got["before"] == []
    assert (got["first"], got["second"]) == (ADA, ADA)
    assert got["secret"]["events"] == [{"for": "ada"}]
    assert got["opened"][:3] == ["open", "close", "open"]
    assert len(served.plant.contexts) == 2


async def test_a_connection_that_is_dead_is_noticed_by_the_clients_keep_alive(packages: Path, served: Served) -> None:
    async with behind_a_proxy(packages, served) as (node, proxy):

        async def freeze() -> None:
            served.plant.count_to = 30
            await until(lambda: node.events >= 5, SCENARIO_TIMEOUT_S)
            proxy.freeze()
            await until(lambda: proxy.accepted >= 2, SCENARIO_TIMEOUT_S)
            proxy.thaw()
            served.plant.count_to = math.inf

        got = await run_while(node, "keepAlive", freeze())
    assert numbers(got) == list(range(1, 61))
    assert got["how"] == "complete"


async def test_a_connection_that_is_refused_is_told(node: Node) -> None:
    got = await node.run("refusedParams")
    assert "unexpected" not in got["seen"]
    assert got["stream"]["how"] in ("connecting", {"message": "rejected by createContext", "code": "UNAUTHORIZED"})


async def test_abort_signals_reach_every_link(node: Node, served: Served) -> None:
    got = await node.run("abortSignals")
    for link in ("httpLink", "httpBatchLink", "httpBatchStreamLink"):
        assert "unexpected" not in got[link]["aborted"]
        assert "abort" in got[link]["aborted"]["message"].lower()
        assert got[link]["after"] == {"ok": True}
    assert got["wsLink"] == got["httpSubscriptionLink"] == [1]
    await until(lambda: served.plant.cleaned_up.count("forever") == 2, SCENARIO_TIMEOUT_S)


async def test_batches_are_split_by_the_length_of_their_url(node: Node) -> None:
    got = await node.run("maxURLLength")
    assert [one["text"] for one in got["greetings"]] == [f"hello {'é' * 50}{n}" for n in (1, 2, 3, 4)]
    assert len(got["lengths"]) > 1
    assert max(got["lengths"]) <= 600
    assert got["tooLong"]["message"] == "Input is too big for a single dispatch"


async def test_batches_are_split_by_their_number_of_calls(node: Node) -> None:
    assert await node.run("maxItems") == {"ids": [str(n) for n in range(10)], "requests": 3}


async def test_a_retry_link_waits_for_a_server_that_starts(packages: Path, free_port: int) -> None:
    base = f"127.0.0.1:{free_port}/trpc"
    node = Node(packages, PROGRAM, f"http://{base}", f"ws://{base}")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(node.run("retryLink"))
        await until(lambda: node.said == ["waiting"], SCENARIO_TIMEOUT_S)
        async with serving(port=free_port, plant=Plant(is_starting=True)) as served:
            await until(lambda: len(served.plant.contexts) >= 3, SCENARIO_TIMEOUT_S)
            served.plant.is_starting = False
            got = await running
    assert got["health"] == {"ok": True}
    assert "unexpected" not in got["mutation"]
    assert got["attempts"].count(["mutation", "none"]) == 1
    assert ["query", "SERVICE_UNAVAILABLE"] in got["attempts"]


@pytest.mark.parametrize("scenario", ["cutSocket", "retriedSubscription"])
async def test_reset_connections_cost_no_event_and_double_none(packages: Path, served: Served, scenario: str) -> None:
    async with behind_a_proxy(packages, served) as (node, proxy):

        async def cut() -> None:
            for events in (5, 15, 25):
                served.plant.count_to = events  # However late the client looks, it cannot be at the end already.
                await until(lambda wanted=events: node.events >= wanted, SCENARIO_TIMEOUT_S)  # type: ignore[misc]
                assert proxy.cut() >= 1
            served.plant.count_to = math.inf
            served.plant.gate.set()

        got = await run_while(node, scenario, cut())
    assert numbers(got) == list(range(1, 41))
    assert got["how"] == "complete"
    if scenario == "cutSocket":
        assert "unexpected" not in got["mutation"]  # Its answer was lost, and nobody sends it again.
        assert served.plant.finished == ["weld"]


async def test_a_streamed_query_that_is_cut_fails_and_the_next_call_works(packages: Path, served: Served) -> None:
    async with behind_a_proxy(packages, served) as (node, proxy):

        async def cut() -> None:
            await until(lambda: node.said == ["streaming"], SCENARIO_TIMEOUT_S)
            proxy.cut()

        got = await run_while(node, "cutStream", cut())
    assert got["first"] == 0
    assert "unexpected" not in got["error"]
    assert got["after"] == {"ok": True}
