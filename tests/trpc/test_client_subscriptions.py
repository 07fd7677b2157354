"""Subscriptions of the Python client over both transports: events, ends, lost connections, slow programs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pdm_app.trpc import Limits, Tracked
from pdm_app.trpc.client import feeds, sockets
from pdm_app.trpc.client.errors import (
    CallError,
    ClosedError,
    InvalidInputError,
    NotFoundError,
    RpcConnectionError,
    UnauthorizedError,
)
from pdm_app.trpc.client.link import Link
from tests.counterparts.cutting_proxy import CuttingProxy, cutting_proxy
from tests.trpc.conftest import Served, serving, until
from tests.trpc.links import linked
from tests.trpc.reference import Plant

WAIT_S = 90.0
TRANSPORTS = ("websocket", "sse")


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def link(served: Served, transport: str) -> AsyncIterator[Link]:
    async with linked(served.http_url, subscriptions=transport) as opened:
        yield opened


@asynccontextmanager
async def through_a_proxy(served: Served, transport: str) -> AsyncIterator[tuple[Link, CuttingProxy]]:
    """A client whose connections a test cuts."""
    port = int(served.http_url.rsplit(":", 1)[1].split("/")[0])
    async with (
        cutting_proxy(port) as proxy,
        linked(f"http://127.0.0.1:{proxy.port}/trpc", subscriptions=transport) as link,
    ):
        yield link, proxy


async def numbers(link: Link, **input: Any) -> list[int]:
    return [event.data["n"] async for event in link.subscribe("count", input)]


async def test_events_arrive_in_order_and_end(link: Link) -> None:
    events = [event async for event in link.subscribe("count", {"upTo": 3})]
    assert [(event.id, event.data) for event in events] == [(str(n), {"n": n}) for n in (1, 2, 3)]
    assert [event async for event in link.subscribe("countRaw", {"upTo": 2})] == [1, 2]
    mixed = [event async for event in link.subscribe("mixedIds")]
    assert isinstance(mixed[0], Tracked)
    assert (mixed[0].id, mixed[0].data, mixed[1]) == ("a", 1, 2)


async def test_a_subscription_begins_after_the_id_that_is_given(link: Link) -> None:
    events = link.subscribe("count", {"upTo": 9}, last_event_id="6")
    assert [event.data["n"] async for event in events] == [7, 8, 9]


async def test_a_subscription_that_is_over_stays_over(link: Link) -> None:
    events = link.subscribe("countRaw", {"upTo": 1})
    assert [event async for event in events] == [1]
    assert [event async for event in events] == []


async def test_an_error_is_raised_after_the_events_before_it(link: Link) -> None:
    events = link.subscribe("boom")
    assert await anext(events) == 1
    with pytest.raises(InvalidInputError, match="boom after one"):
        await anext(events)


async def test_a_fault_of_the_server_ends_the_subscription(link: Link, served: Served) -> None:
    events = link.subscribe("boom500")
    assert await anext(events) == 1
    with pytest.raises(CallError, match="Internal server error") as caught:
        await anext(events)
    assert caught.value.correlation_id == served.plant.faults[0].correlation_id


async def test_what_is_refused_is_raised_at_the_first_event(served: Served, link: Link, transport: str) -> None:
    for path, input, kind in (
        ("countRaw", {"upTo": "x"}, InvalidInputError),
        ("nope", {}, NotFoundError),
    ):
        with pytest.raises(kind):
            await anext(link.subscribe(path, input))
    async with linked(served.http_url, subscriptions=transport, token="tok_nobody") as stranger:
        with pytest.raises(UnauthorizedError):
            await anext(stranger.subscribe("secretFeed"))


async def test_connection_parameters_carry_credentials(served: Served, transport: str) -> None:
    params = {"authorization": "Bearer tok_ada"}
    async with linked(served.http_url, subscriptions=transport, token=None, connection_params=params) as link:
        assert [event async for event in link.subscribe("secretFeedConn")] == [{"for": "ada"}]


async def test_a_server_that_is_not_there_is_told_at_once(free_port: int, transport: str) -> None:
    async with linked(f"http://127.0.0.1:{free_port}/trpc", subscriptions=transport) as link:
        with pytest.raises(RpcConnectionError, match=f"127.0.0.1:{free_port}/trpc"):
            await anext(link.subscribe("count"))


async def test_an_address_without_trpc_is_told_at_once(served: Served, transport: str) -> None:
    async with linked(served.http_url.removesuffix("/trpc"), subscriptions=transport) as link:
        with pytest.raises((RpcConnectionError, CallError)):
            await anext(link.subscribe("count"))


async def test_leaving_the_block_ends_the_subscription_at_the_server(link: Link, served: Served) -> None:
    async with link.subscribe("forever") as events:
        assert await anext(events) == 1
    await until(lambda: served.plant.cleaned_up == ["forever"], WAIT_S)


async def test_dropping_a_subscription_ends_it_at_the_server_too(link: Link, served: Served) -> None:
    async for event in link.subscribe("forever"):
        assert event == 1
        break
    await until(lambda: served.plant.cleaned_up == ["forever"], WAIT_S)


async def test_closing_the_client_ends_its_subscriptions(served: Served, transport: str) -> None:
    async with linked(served.http_url, subscriptions=transport) as link:
        events = link.subscribe("forever")
        assert await anext(events) == 1
        waiting = asyncio.create_task(anext(events, "the end"))
        await asyncio.sleep(0)
    assert await waiting == "the end"
    with pytest.raises(ClosedError):
        await anext(link.subscribe("count"))


async def test_giving_up_the_wait_for_an_event_loses_none(link: Link) -> None:
    got: list[int] = []
    async with link.subscribe("count", {"upTo": 20, "delayMs": 10}) as events:
        while len(got) < 20:
            try:
                async with asyncio.timeout(0.003):
                    got.append((await anext(events)).data["n"])
            except TimeoutError:
                continue
    assert got == list(range(1, 21))


async def test_cut_connections_cost_no_event_and_double_none(served: Served, transport: str) -> None:
    async with through_a_proxy(served, transport) as (link, proxy):
        got = []
        async with link.subscribe("count", {"upTo": 60, "delayMs": 5}) as events:
            async for event in events:
                got.append(event.data["n"])
                if event.data["n"] in (10, 20, 30, 40):
                    assert proxy.cut() == 1
            assert events.restarts >= 4
    assert got == list(range(1, 61))


async def test_many_subscriptions_survive_a_cut_together(served: Served, transport: str) -> None:
    async with through_a_proxy(served, transport) as (link, proxy), asyncio.TaskGroup() as group:
        running = [group.create_task(numbers(link, upTo=40, delayMs=5)) for _ in range(20)]
        await until(lambda: len(served.plant.contexts) >= (1 if transport == "websocket" else 20), WAIT_S)
        for _ in range(3):
            await asyncio.sleep(0.05)
            proxy.cut()
    assert [task.result() for task in running] == [list(range(1, 41))] * 20


async def test_a_server_that_drains_and_restarts_is_followed(free_port: int, transport: str) -> None:
    url = f"http://127.0.0.1:{free_port}/trpc"
    async with linked(url, subscriptions=transport) as link:
        async with serving(port=free_port):
            events = link.subscribe("count", {"upTo": 10_000, "delayMs": 2})
            got = [(await anext(events)).data["n"] for _ in range(5)]
        async with serving(port=free_port) as second:
            while not second.plant.contexts or len(got) < 20:
                got.append((await anext(events)).data["n"])
            await events.aclose()
    assert got == list(range(1, len(got) + 1))


async def test_a_dead_connection_is_noticed(served: Served, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SOCKET_KEEP_ALIVE_S", 0.3)
    limits = Limits(sse_ping_s=0.2, sse_reconnect_after_s=0.6)
    async with serving(limits) as server, through_a_proxy(server, transport) as (link, proxy):
        events = link.subscribe("count", {"upTo": 100_000, "delayMs": 20})
        got = [(await anext(events)).data["n"] for _ in range(3)]
        proxy.freeze()  # Nobody is told: bytes just stop.
        await until(lambda: proxy.accepted >= 2, WAIT_S)
        proxy.thaw()
        while len(got) < 50:
            got.append((await anext(events)).data["n"])
        await events.aclose()
    assert got == list(range(1, 51))


async def test_a_program_that_takes_no_events_holds_nobody_up_and_loses_none(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "EVENTS_MAX", 10)
    async with link.subscribe("count", {"upTo": 200, "delayMs": 0.1}) as slow:
        got = [(await anext(slow)).data["n"]]
        await until(lambda: slow._feed.is_full, WAIT_S)
        assert await numbers(link, upTo=200, delayMs=0.1) == list(range(1, 201))
        assert len(slow._feed._events) <= 10
        async for event in slow:
            got.append(event.data["n"])
            await asyncio.sleep(0)
    assert got == list(range(1, 201))


async def test_a_burst_longer_than_the_feed_arrives_whole_where_it_is_taken(link: Link) -> None:
    sizes = [len(event) async for event in link.subscribe("flood", {"events": 5_000, "size": 10})]
    assert sizes == [10] * 5_000  # None of them has an id: a subscription begun anew would bring some twice.


async def test_events_are_bounded_by_their_size_as_well(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "SIZE_MAX", 50_000)
    async with link.subscribe("flood", {"events": 100, "size": 10_000}) as events:
        await until(lambda: events._feed.is_full, WAIT_S)
        await asyncio.sleep(0.05)
        assert len(events._feed._events) <= 6


async def test_a_server_that_drains_is_not_taken_for_a_refusal(served: Served, link: Link) -> None:
    events = link.subscribe("count", {"upTo": 10_000, "delayMs": 2})
    got = [(await anext(events)).data["n"] for _ in range(3)]
    served.app._is_draining = True  # It still listens, and refuses everybody.
    for socket in list(served.app._sockets):
        socket.close(1012)  # type: ignore[arg-type]
    for stream in list(served.app._streams):
        stream.end()
    await until(lambda: served.app.stats.connections_refused >= 2, WAIT_S)
    served.app._is_draining = False
    while len(got) < 20 or not served.plant.contexts[1:]:
        got.append((await anext(events)).data["n"])
    await events.aclose()
    assert got == list(range(1, len(got) + 1))


async def test_a_token_function_that_fails_ends_the_subscription_with_its_error(served: Served, transport: str) -> None:
    def token() -> str:
        if served.plant.contexts:
            raise LookupError("the key is gone")
        return "tok_ada"

    async with linked(served.http_url, subscriptions=transport, token=token) as link:
        events = link.subscribe("count", {"upTo": 10_000, "delayMs": 2})
        await anext(events)
        for socket in list(served.app._sockets):
            socket.close(1012)  # type: ignore[arg-type]
        for stream in list(served.app._streams):
            stream.end()
        with pytest.raises(LookupError, match="the key is gone"):
            async for _ in events:
                pass


async def test_subscriptions_share_one_websocket(served: Served) -> None:
    async with linked(served.http_url) as link:
        assert await asyncio.gather(*(numbers(link, upTo=2) for _ in range(20))) == [[1, 2]] * 20
    assert len(served.plant.contexts) == 1


async def test_a_session_that_ends_ends_its_subscriptions(served: Served, transport: str) -> None:
    async with (
        serving(Limits(authorize_every_s=0.1)) as server,
        linked(server.http_url, subscriptions=transport) as link,
    ):
        events = link.subscribe("memberFeed")
        assert await anext(events) == "ada"
        server.plant.revoked.add("ada")
        with pytest.raises(UnauthorizedError, match="session revoked"):
            await anext(events)


async def test_a_server_that_starts_is_not_taken_for_a_refusal(free_port: int, transport: str) -> None:
    url = f"http://127.0.0.1:{free_port}/trpc"
    async with linked(url, subscriptions=transport) as link:
        async with serving(port=free_port):
            events = link.subscribe("count", {"upTo": 10_000, "delayMs": 2})
            seen = (await anext(events)).data["n"]
        async with serving(port=free_port, plant=Plant(is_starting=True)) as second:
            await until(lambda: len(second.plant.contexts) >= 2, WAIT_S)
            second.plant.is_starting = False
            for _ in range(5):
                event = await anext(events)
                assert event.data["n"] == seen + 1
                seen += 1
            await events.aclose()
