"""Calls of the Python client: batches, repetitions, time limits and the exceptions that errors become."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from pdm_app.trpc import MISSING, Limits
from pdm_app.trpc.client.errors import (
    CallError,
    ClosedError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RpcConnectionError,
    RpcTimeoutError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
    call_error,
)
from pdm_app.trpc.client.link import Link
from pdm_app.trpc.client.settings import Backoff, retry_pause_s
from tests.counterparts.cutting_proxy import cutting_proxy
from tests.trpc.conftest import Served, serving, until
from tests.trpc.links import linked


@pytest.fixture
async def link(served: Served) -> AsyncIterator[Link]:
    async with linked(served.http_url) as opened:
        yield opened


def port_of(served: Served) -> int:
    return int(served.http_url.rsplit(":", 1)[1].split("/")[0])


async def test_calls_made_at_the_same_moment_share_a_request(link: Link, served: Served) -> None:
    got = await asyncio.gather(
        link.query("health"), link.query("greet", {"name": "a,b & ü"}), link.query("nothing"), link.query("nil")
    )
    assert list(got) == [{"ok": True}, {"text": "hello a,b & ü"}, MISSING, None]
    assert len(served.plant.contexts) == 1


async def test_queries_and_mutations_go_apart(link: Link, served: Served) -> None:
    await asyncio.gather(*(link.mutate("post.create", {"title": f"post {n}"}) for n in range(3)), link.query("health"))
    assert served.plant.posts == 3
    assert len(served.plant.contexts) == 2


async def test_more_calls_than_a_request_takes_are_several_requests(link: Link, served: Served) -> None:
    got = await asyncio.gather(*(link.query("post.byId", str(n)) for n in range(25)))
    assert [one["id"] for one in got] == [str(n) for n in range(25)]
    assert len(served.plant.contexts) == 3


async def test_a_batch_of_queries_is_split_before_its_url_gets_too_long(served: Served) -> None:
    async with linked(served.http_url, url_length_max=600) as link:
        got = await asyncio.gather(*(link.query("greet", {"name": "é" * 50}) for _ in range(4)))
    assert len(got) == 4
    assert len(served.plant.contexts) == 4  # Each name alone is 300 characters in a URL.
    assert all(len(contexts.scope["query_string"]) < 600 for contexts in served.plant.contexts)


async def test_one_failure_of_a_batch_is_nobody_elses(link: Link) -> None:
    got = await asyncio.gather(
        link.query("health"), link.query("post.byId", "404"), link.query("greet", {}), return_exceptions=True
    )
    assert got[0] == {"ok": True}
    assert isinstance(got[1], NotFoundError)
    assert isinstance(got[2], InvalidInputError)


async def test_an_error_has_code_path_issues_and_facts(link: Link) -> None:
    with pytest.raises(InvalidInputError, match="BAD_REQUEST: Invalid input: name: Input should be") as caught:
        await link.query("greet", {"name": 5})
    error = caught.value
    assert (error.code, error.path, error.http_status) == ("BAD_REQUEST", "greet", 400)
    assert error.issues == [{"loc": ["name"], "msg": "Input should be a valid string", "type": "string_type"}]


async def test_a_failure_of_the_server_has_an_id_to_quote(link: Link, served: Served) -> None:
    with pytest.raises(CallError) as caught:
        await link.query("crash")
    assert caught.value.code == "INTERNAL_SERVER_ERROR"
    assert caught.value.correlation_id == served.plant.faults[0].correlation_id
    assert len(served.plant.faults) == 1  # A query that broke is not sent again.


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNAUTHORIZED", UnauthorizedError),
        ("FORBIDDEN", ForbiddenError),
        ("CONFLICT", ConflictError),
        ("TOO_MANY_REQUESTS", TooManyRequestsError),
        ("SERVICE_UNAVAILABLE", UnavailableError),
        ("INTERNAL_SERVER_ERROR", CallError),
        ("SOMETHING_NEW", CallError),
    ],
)
def test_each_code_is_an_exception_of_its_kind(code: str, kind: type[CallError]) -> None:
    assert type(call_error({"message": "", "data": {"code": code}})) is kind


@pytest.mark.parametrize(
    ("data", "wait_s"),
    [
        ({"facts": {"retry_after_s": 7}}, 7.0),
        ({"retryAfterS": 2.5}, 2.5),
        ({"retry_after_s": "soon"}, None),
        ({"facts": []}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_server_asks_for_is_found(data: dict[str, object], wait_s: float | None) -> None:
    assert call_error({"message": "", "data": {"code": "TOO_MANY_REQUESTS", **data}}).retry_after_s == wait_s


def test_a_query_is_repeated_only_where_that_may_help() -> None:
    def pause_s(code: str, **data: object) -> float | None:
        return retry_pause_s(call_error({"message": "", "data": {"code": code, **data}}), Backoff())

    assert pause_s("SERVICE_UNAVAILABLE") is not None
    assert pause_s("TOO_MANY_REQUESTS", retry_after_s=3) == 3
    assert pause_s("TOO_MANY_REQUESTS") is None
    assert pause_s("TOO_MANY_REQUESTS", retry_after_s=3600) is None
    assert pause_s("BAD_REQUEST") is None
    assert pause_s("INTERNAL_SERVER_ERROR") is None
    lost = RpcConnectionError("http://x", "did not answer", "reset", "Look.")
    assert retry_pause_s(lost, Backoff()) is not None


async def test_a_query_survives_a_server_that_comes_back(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}/trpc"
    async with linked(url, retries_max=60) as link, asyncio.TaskGroup() as group:
        asked = group.create_task(link.query("health"))
        async with serving(port=free_port):
            assert await asked == {"ok": True}


async def test_a_mutation_is_never_sent_twice(served: Served) -> None:
    async with cutting_proxy(port_of(served)) as proxy, linked(f"http://127.0.0.1:{proxy.port}/trpc") as link:
        waiting = asyncio.create_task(link.mutate("waitForGate", {"name": "weld"}))
        await until(lambda: served.plant.contexts)
        proxy.cut()
        with pytest.raises(RpcConnectionError, match="did not answer") as caught:
            await waiting
        assert caught.value.may_be_done
    served.plant.gate.set()
    await until(lambda: served.plant.finished == ["weld"])
    assert len(served.plant.contexts) == 1


async def test_a_query_over_a_connection_that_broke_is_sent_again(served: Served) -> None:
    async with cutting_proxy(port_of(served)) as proxy, linked(f"http://127.0.0.1:{proxy.port}/trpc") as link:
        waiting = asyncio.create_task(link.query("slow", {"ms": 200}))
        await until(lambda: served.plant.contexts)
        proxy.cut()
        assert await waiting == {"slept": 200}
    assert len(served.plant.contexts) == 2


async def test_a_server_that_is_not_there_cannot_have_done_anything(free_port: int) -> None:
    async with linked(f"http://127.0.0.1:{free_port}/trpc", retries_max=0) as link:
        with pytest.raises(RpcConnectionError) as caught:
            await link.mutate("conflict")
    assert not caught.value.may_be_done


async def test_an_answer_that_takes_too_long_is_given_up(link: Link) -> None:
    began = time.monotonic()
    with pytest.raises(RpcTimeoutError, match=r"slow was not answered within 0\.2 s"):
        await link.with_patience(0.2, None).query("slow", {"ms": 20_000})
    assert time.monotonic() - began < 15
    assert await link.query("health") == {"ok": True}


async def test_cancelling_the_only_call_cancels_its_request(link: Link, served: Served) -> None:
    waiting = asyncio.create_task(link.query("slow", {"ms": 20_000}))
    await until(lambda: served.plant.contexts)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not link._shared.batcher._sending)


async def test_the_server_stops_working_on_a_query_for_which_nobody_waits(link: Link, served: Served) -> None:
    waiting = asyncio.create_task(link.query("slow", {"ms": 20_000}))
    await until(lambda: served.plant.contexts)
    waiting.cancel()
    await until(lambda: served.plant.cleaned_up == ["slow"])


async def test_cancelling_one_call_of_a_batch_leaves_the_others(link: Link) -> None:
    dropped = asyncio.create_task(link.query("slow", {"ms": 300}))
    kept = asyncio.create_task(link.query("slow", {"ms": 300}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    dropped.cancel()
    assert await kept == {"slept": 300}
    assert dropped.cancelled()


async def test_whoever_waits_when_the_client_is_closed_is_told_so(served: Served) -> None:
    async with linked(served.http_url) as link:
        sent = asyncio.create_task(link.query("slow", {"ms": 20_000}))
        await until(lambda: served.plant.contexts)
        unsent = asyncio.create_task(link.query("health"))
        await asyncio.sleep(0)
    for waiting in (sent, unsent):
        with pytest.raises(ClosedError):
            await waiting
    with pytest.raises(ClosedError):
        await link.query("health")


async def test_the_token_is_asked_for_before_each_request(served: Served) -> None:
    tokens = iter(["tok_nobody", "tok_ada"])

    async def token() -> str:
        return next(tokens)

    async with linked(served.http_url, token=token) as link:
        with pytest.raises(UnauthorizedError):
            await link.query("me")
        assert await link.query("me") == {"username": "ada", "role": "user"}


async def test_bytes_are_uploaded_whole_or_as_a_stream(link: Link) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    assert await link.upload("uploadBytes", b"abc") == {"bytes": 3}
    assert await link.upload("uploadBytes", chunks()) == {"bytes": 1_000_000}


async def test_a_streamed_query_brings_its_items_and_its_error(link: Link) -> None:
    assert [item async for item in link.stream("streamed", {"n": 3})] == [0, 1, 2]
    items = link.stream("streamedFailure")
    assert await anext(items) == 1
    with pytest.raises(ConflictError, match="halfway"):
        await anext(items)
    with pytest.raises(NotFoundError):
        await anext(link.stream("nope"))
    with pytest.raises(RpcConnectionError, match="did not stream in tRPC: The result is no stream"):
        await anext(link.stream("health"))


async def test_a_stream_that_is_cut_says_so(served: Served) -> None:
    async with cutting_proxy(port_of(served)) as proxy, linked(f"http://127.0.0.1:{proxy.port}/trpc") as link:
        items = link.stream("streamed", {"n": 10_000_000})
        assert await anext(items) == 0
        proxy.cut()
        with pytest.raises(RpcConnectionError):
            [item async for item in items]


async def test_a_batch_that_is_refused_as_a_whole_fails_every_call() -> None:
    async with serving(Limits(batch_max=2)) as served, linked(served.http_url) as link:
        got = await asyncio.gather(*(link.query("health") for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in got] == ["BAD_REQUEST: Batch call exceeds maximum size"] * 3


async def test_an_input_that_is_no_json_is_refused_before_anything_is_sent(link: Link, served: Served) -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        await link.query("slow", {"ms": float("nan")})
    with pytest.raises(TypeError, match="A object cannot be sent as JSON"):
        await link.query("slow", {"ms": object()})
    assert served.plant.contexts == []
