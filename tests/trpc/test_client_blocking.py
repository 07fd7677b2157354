"""The blocking form of the Python client: threads, time limits, interrupts and the end of its own thread."""

import asyncio
import signal
import sys
import threading
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from pdm_app.trpc.client.bases import AsyncClientBase, ClientBase
from pdm_app.trpc.client.blocking import BlockingLink
from pdm_app.trpc.client.errors import ClosedError, ConflictError, NotFoundError, RpcConnectionError, RpcTimeoutError
from tests.counterparts.cutting_proxy import cutting_proxy
from tests.trpc.conftest import Served, until

T = TypeVar("T")
WAIT_S = 90.0
WORK_S_MAX = 60.0


class Opened(ClientBase):
    """A client whose connections a test may use by path."""

    @property
    def link(self) -> BlockingLink:
        return self._link


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Opened]:
    opened = Opened(served.http_url, token="tok_ada")
    yield opened
    await asyncio.to_thread(opened.close)


async def aside(work: Callable[..., T], *arguments: Any) -> T:
    """Run blocking work in a thread, while this one serves."""
    async with asyncio.timeout(WORK_S_MAX):
        return await asyncio.to_thread(work, *arguments)


def rpc_threads() -> int:
    return sum(thread.name == "rpc-client" for thread in threading.enumerate())


async def test_calls_come_back_with_their_result_or_error(client: Opened) -> None:
    def work() -> None:
        assert client.link.query("greet", {"name": "Ada"}) == {"text": "hello Ada"}
        assert client.link.mutate("post.create", {"title": "abc"})["id"] == 1
        with pytest.raises(NotFoundError, match="No post '404'"):
            client.link.query("post.byId", "404")

    await aside(work)


async def test_threads_share_a_client_and_its_connections(client: Opened) -> None:
    def work() -> list[Any]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda n: client.link.query("post.byId", str(n)), range(200)))

    assert [one["id"] for one in await aside(work)] == [str(n) for n in range(200)]
    assert rpc_threads() == 1


async def test_a_subscription_is_an_iterator(client: Opened) -> None:
    def work() -> list[int]:
        with client.link.subscribe("count", {"upTo": 3}) as events:
            return [event.data["n"] for event in events]

    assert await aside(work) == [1, 2, 3]


async def test_waiting_for_an_event_can_be_limited_and_loses_none(client: Opened, served: Served) -> None:
    def work() -> list[int]:
        got: list[int] = []
        misses = 0
        with client.link.subscribe("count", {"upTo": 30, "delayMs": 10}) as events:
            while len(got) < 30:
                try:
                    got.append(events.take(timeout_s=0.002).data["n"])
                except TimeoutError:
                    misses += 1
        assert misses > 0
        return got

    assert await aside(work) == list(range(1, 31))


async def test_an_error_of_a_subscription_is_raised_where_it_is_iterated(client: Opened) -> None:
    def work() -> None:
        events = client.link.subscribe("boom")
        assert next(events) == 1
        with pytest.raises(Exception, match="boom after one"):
            next(events)

    await aside(work)


async def test_leaving_the_block_ends_the_subscription_at_the_server(client: Opened, served: Served) -> None:
    def work() -> None:
        with client.link.subscribe("forever") as events:
            assert next(events) == 1

    await aside(work)
    await until(lambda: served.plant.cleaned_up == ["forever"], WAIT_S)


async def test_another_thread_may_end_a_subscription_that_waits(client: Opened, served: Served) -> None:
    events = client.link.subscribe("forever")
    got: list[int] = []
    waiting = asyncio.create_task(aside(lambda: got.extend(events)))
    await until(lambda: got, WAIT_S)
    await aside(events.close)
    await waiting
    assert got == [1]


async def test_a_stream_can_be_left_before_its_end(client: Opened) -> None:
    def work() -> list[int]:
        got: list[int] = []
        for item in client.link.stream("streamed", {"n": 1_000_000}):
            got.append(item)
            if item == 3:
                break
        with pytest.raises(ConflictError, match="halfway"):
            list(client.link.stream("streamedFailure"))
        return got

    assert await aside(work) == [0, 1, 2, 3]


async def test_a_cut_subscription_goes_on(served: Served) -> None:
    port = int(served.http_url.rsplit(":", 1)[1].split("/")[0])
    async with cutting_proxy(port) as proxy:
        loop = asyncio.get_running_loop()

        def work() -> list[int]:
            got = []
            with (
                Opened(f"http://127.0.0.1:{proxy.port}/trpc") as client,
                client.link.subscribe("count", {"upTo": 30, "delayMs": 5}) as events,
            ):
                for event in events:
                    got.append(event.data["n"])
                    if event.data["n"] in (5, 15):
                        loop.call_soon_threadsafe(proxy.cut)
                assert events.restarts >= 2
            return got

        assert await aside(work) == list(range(1, 31))


async def test_options_change_limits_over_the_same_connections(client: Opened) -> None:
    def work() -> None:
        hasty = client.options(timeout_s=0.1)
        began = time.monotonic()
        with pytest.raises(RpcTimeoutError):
            hasty.link.query("slow", {"ms": 20_000})
        assert time.monotonic() - began < 15
        assert client.link.query("health") == {"ok": True}

    await aside(work)
    with pytest.raises(ValueError, match="timeout_s must be above 0, not -1"):
        client.options(timeout_s=-1)


async def test_a_closed_client_says_so_and_leaves_no_thread(served: Served) -> None:
    def work() -> None:
        client = Opened(served.http_url)
        events = client.link.subscribe("forever")
        assert next(events) == 1
        client.close()
        client.close()
        with pytest.raises(ClosedError, match="This client is closed"):
            client.link.query("health")
        with pytest.raises(ClosedError, match="This client is closed"):
            next(client.link.subscribe("count"))
        events.close()

    before = rpc_threads()
    await aside(work)
    assert rpc_threads() == before


async def test_threads_that_call_while_the_client_is_closed_all_come_back(served: Served) -> None:
    def work() -> None:
        client = Opened(served.http_url)

        def call_for_ever() -> None:
            while True:
                client.link.query("health")

        with ThreadPoolExecutor(8) as pool:
            calling = [pool.submit(call_for_ever) for _ in range(8)]
            time.sleep(0.1)
            client.close()
            for call in calling:
                with pytest.raises(ClosedError):
                    call.result(WAIT_S)

    await aside(work)


INTERRUPTED = """
import sys
from pdm_app.trpc.client.bases import ClientBase

with ClientBase(sys.argv[1]) as client, client._link.subscribe("forever") as events:
    for event in events:
        print(event, flush=True)
"""


async def test_an_interrupt_ends_a_program_that_waits_for_events(served: Served) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", INTERRUPTED, served.http_url, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        assert await process.stdout.readline() == b"1\n"
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert err.rstrip().endswith(b"KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
    await until(lambda: served.plant.cleaned_up == ["forever"], WAIT_S)


async def test_waiting_inside_the_clients_own_thread_is_refused(client: Opened) -> None:
    async def inside() -> Any:
        return client.link.query("health")  # It would wait for itself.

    with pytest.raises(RuntimeError, match="would wait for itself"):
        await aside(lambda: client.link.thread.run(inside()))


async def test_a_server_that_is_not_there_is_told(free_port: int) -> None:
    def work() -> None:
        with Opened(f"http://127.0.0.1:{free_port}/trpc", retries_max=0) as client:
            with pytest.raises(RpcConnectionError, match="did not answer"):
                client.link.query("health")
            with pytest.raises(RpcConnectionError, match="took no WebSocket"):
                next(client.link.subscribe("count"))

    await aside(work)


async def test_the_asynchronous_base_closes_with_its_block(served: Served) -> None:
    async with AsyncClientBase(served.http_url + "/") as client:
        assert await client._link.query("health") == {"ok": True}
    with pytest.raises(ClosedError):
        await client._link.query("health")
