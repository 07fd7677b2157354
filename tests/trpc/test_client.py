"""The Python client against the running server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from pydantic import TypeAdapter

from pdm_app.trpc import MISSING, Tracked, TrpcError
from pdm_app.trpc.client import TrpcClient, TrpcConnectionError
from tests.trpc.conftest import Served, serving, until
from tests.trpc.reference import Greeting, Health, Post, Tick


@pytest.fixture
async def client(served: Served) -> AsyncIterator[TrpcClient]:
    """A client of the reference server, signed in."""
    async with TrpcClient(served.http_url, headers={"authorization": "Bearer tok_ada"}) as opened:
        yield opened


async def test_queries_and_mutations_return_validated_models(client: TrpcClient) -> None:
    assert await client.query("health", result=Health) == Health(ok=True)
    assert await client.query("greet", {"name": "Ada & +%"}, result=Greeting) == Greeting(text="hello Ada & +%")
    created = await client.mutate("post.create", {"title": "abc"}, result=TypeAdapter(Post))
    assert created == Post(id=1, title="abc", tags=[])
    assert await client.query("me") == {"username": "ada", "role": "user"}


async def test_undefined_and_null_stay_apart(client: TrpcClient) -> None:
    assert await client.query("echoSet") == "missing"
    assert await client.query("echoSet", None) == "None"
    assert await client.query("nothing") is MISSING
    assert await client.query("nil") is None


async def test_an_error_comes_back_with_code_message_and_data(client: TrpcClient) -> None:
    with pytest.raises(TrpcError) as caught:
        await client.query("greet", {"name": 5})
    assert caught.value.code == "BAD_REQUEST"
    assert caught.value.message == "Invalid input: name: Input should be a valid string"
    assert caught.value.data["issues"][0]["loc"] == ["name"]


async def test_a_server_that_is_not_there_is_named_with_what_to_do(free_port: int) -> None:
    async with TrpcClient(f"http://127.0.0.1:{free_port}/trpc") as client:
        with pytest.raises(TrpcConnectionError, match=rf"127.0.0.1:{free_port}/trpc/health did not answer.*Check"):
            await client.query("health")
        with pytest.raises(TrpcConnectionError, match="took no WebSocket"):
            await anext(client.subscribe("count"))


async def test_an_answer_that_is_not_trpc_is_named(served: Served) -> None:
    async with TrpcClient(served.http_url.removesuffix("/trpc")) as client:
        with pytest.raises(TrpcConnectionError, match="answered HTTP 404 but not in tRPC"):
            await client.query("health")


async def test_subscriptions_yield_tracked_and_bare_events_and_end(client: TrpcClient) -> None:
    events = [event async for event in client.subscribe("count", {"upTo": 3}, result=Tick)]
    assert all(isinstance(event, Tracked) for event in events)
    assert [(event.id, event.data) for event in events if isinstance(event, Tracked)] == [
        (str(n), Tick(n=n)) for n in (1, 2, 3)
    ]
    assert [event async for event in client.subscribe("countRaw", {"upTo": 2})] == [1, 2]
    assert [event async for event in client.subscribe("secretFeed")] == ["ada"]


async def test_subscriptions_share_one_connection(client: TrpcClient, served: Served) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(anext(client.subscribe("count", {"upTo": 1})))  # type: ignore[arg-type]
    assert len(served.plant.contexts) == 1


async def test_an_error_in_a_subscription_is_raised_after_its_events(client: TrpcClient) -> None:
    events = client.subscribe("boom")
    assert await anext(events) == 1
    with pytest.raises(TrpcError, match="boom after one"):
        await anext(events)


async def test_closing_the_iterator_stops_the_subscription_at_the_server(client: TrpcClient, served: Served) -> None:
    async with aclosing(client.subscribe("forever")) as events:  # type: ignore[type-var]
        assert await anext(events) == 1
    await until(lambda: served.plant.cleaned_up == ["forever"])


async def test_closing_the_client_ends_its_subscriptions(served: Served) -> None:
    async with TrpcClient(served.http_url) as client:
        events = client.subscribe("forever")
        assert await anext(events) == 1
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_connection_parameters_reach_the_context(served: Served) -> None:
    async with TrpcClient(served.http_url, connection_params={"authorization": "Bearer tok_ada"}) as client:
        assert [event async for event in client.subscribe("secretFeedConn")] == [{"for": "ada"}]


async def test_a_cut_subscription_resumes_without_a_gap_or_a_repeat(client: TrpcClient, served: Served) -> None:
    numbers = []
    async for event in client.subscribe("count", {"upTo": 30, "delayMs": 5}, result=Tick):
        assert isinstance(event, Tracked)
        numbers.append(event.data.n)
        if event.data.n in (5, 15):
            for socket in list(served.app._sockets):
                socket.close(1012)  # type: ignore[arg-type]
        elif event.data.n == 10:
            for socket in list(served.app._sockets):
                socket.ask_to_reconnect()
    assert numbers == list(range(1, 31))
    assert len(served.plant.contexts) == 4


async def test_a_subscription_outlives_the_server(free_port: int) -> None:
    async with TrpcClient(f"http://127.0.0.1:{free_port}/trpc") as client:
        events = client.subscribe("count", {"upTo": 1000, "delayMs": 5}, result=Tick)
        async with serving(port=free_port):
            first = await anext(events)
        async with serving(port=free_port) as second:
            assert isinstance(first, Tracked)
            seen = first.data.n
            while not second.plant.contexts:
                event = await anext(events)
                assert isinstance(event, Tracked)
                assert event.data.n == seen + 1
                seen = event.data.n
