"""Streamed batches on the wire: what the real client decodes, line by line."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from pdm_app.trpc import Limits
from tests.trpc.captured_http import CONFLICT, JSON, NOT_A_STRING, OK, UNAUTHORIZED, data, error, unknown
from tests.trpc.conftest import Served, serving, until

JSONL = {"trpc-accept": "application/jsonl"}


def head(calls: int) -> dict[str, Any]:
    """Return the first line, which announces one value per call."""
    return {str(index): [[0], [None, 0, index]] for index in range(calls)}


def line(index: int, content: Any) -> list[Any]:
    """Return a call's answer."""
    return [index, 0, [[content]]]


async def lines(
    server: Served, url: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[httpx.Response, list[Any]]:
    """Send a streamed batch and return its lines."""
    async with httpx.AsyncClient(timeout=90) as client:
        method = "POST" if body else "GET"
        answer = await client.request(method, f"{server.http_url}/{url}", content=body, headers=headers or JSONL)
    return answer, [json.loads(text) for text in answer.text.splitlines()]


async def test_answers_come_fastest_first(served: Served) -> None:
    answer, got = await lines(served, 'slow,health?batch=1&input={"0":{"ms":80}}')
    assert got == [head(2), line(1, OK), line(0, data({"slept": 80}))]
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "content-length" not in answer.headers


async def test_failures_stay_in_their_calls_and_the_status_is_200(served: Served) -> None:
    answer, got = await lines(served, 'greet,me,nope,nothing?batch=1&input={"0":{"name":5}}')
    assert answer.status_code == 200
    assert got[0] == head(4)
    assert sorted(got[1:], key=lambda entry: int(entry[0])) == [
        line(0, NOT_A_STRING),
        line(1, UNAUTHORIZED),
        line(2, unknown("nope")),
        line(3, {"result": {}}),
    ]


async def test_mutations_stream_too(served: Served) -> None:
    _, got = await lines(served, "post.create,conflict?batch=1", b'{"0":{"title":"abc"}}', {**JSONL, **JSON})
    assert sorted(got[1:], key=lambda entry: int(entry[0])) == [
        line(0, data({"id": 1, "title": "abc", "tags": []})),
        line(1, CONFLICT),
    ]


async def test_the_accept_header_asks_for_it_as_well(served: Served) -> None:
    _, got = await lines(served, "health?batch=1", headers={"accept": "text/html, application/jsonl"})
    assert got == [head(1), line(0, OK)]


async def test_an_iterating_query_streams_its_items(served: Served) -> None:
    _, got = await lines(served, 'streamed?batch=1&input={"0":{"n":2}}')
    assert got == [
        head(1),
        [0, 0, [[{"result": 0}], ["result", 0, 1]]],
        [1, 0, [[{"data": 0}], ["data", 1, 2]]],
        [2, 1, [[0]]],
        [2, 1, [[1]]],
        [2, 0, [[]]],
    ]


async def test_an_iterating_query_that_fails_says_so_after_its_items(served: Served) -> None:
    _, got = await lines(served, "streamedFailure?batch=1")
    assert got[3:] == [
        [2, 1, [[1]]],
        [2, 2, error("halfway", -32009, "CONFLICT", 409, "streamedFailure")["error"]],
    ]


async def test_errors_before_the_calls_are_one_plain_answer(served: Served) -> None:
    answer, _ = await lines(served, ",".join(["health"] * 11) + "?batch=1")
    assert answer.status_code == 400
    assert answer.json() == error("Batch call exceeds maximum size", -32600, "BAD_REQUEST", 400)


async def test_spaces_keep_a_silent_answer_alive() -> None:
    loop = asyncio.get_running_loop()
    async with serving(Limits(jsonl_ping_s=0.05)) as server:
        began_s = loop.time()
        answer, got = await lines(server, 'slow?batch=1&input={"0":{"ms":200}}')
        took_s = loop.time() - began_s
    assert got == [head(1), line(0, data({"slept": 200}))]
    assert 1 <= answer.text.count("\n ") + answer.text.count("  ") <= took_s / 0.05 + 1


@pytest.mark.parametrize(("kind", "path"), [("query", "slow"), ("mutation", "waitForGate")])
async def test_when_the_client_goes_queries_are_cancelled_and_mutations_end(kind: str, path: str) -> None:
    calls: list[tuple[str, str]] = []
    async with serving(on_call=lambda record: calls.append((record.procedure.path, record.code))) as server:
        body = b'{"0":{"name":"kept"}}' if kind == "mutation" else b""
        url = f"{server.http_url}/{path}?batch=1" + ("" if body else '&input={"0":{"ms":60000}}')
        async with (
            httpx.AsyncClient(timeout=90) as client,
            client.stream("POST" if body else "GET", url, content=body, headers={**JSONL, **JSON}) as answer,
        ):
            assert await anext(answer.aiter_lines())
        await asyncio.sleep(0.05)
        server.plant.gate.set()
        if kind == "mutation":
            await until(lambda: server.plant.finished == ["kept"])
            await until(lambda: calls == [("waitForGate", "OK")])
        else:
            assert calls == []
