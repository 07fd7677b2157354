"""WebSocket on the wire, frame by frame as captured from the Node reference server, and what holds beyond it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from pdm_app.trpc import Limits
from tests.trpc.conftest import Served, serving, until
from tests.trpc.dialogues import (
    DIALOGUES,
    OK,
    UNAUTHORIZED,
    Wire,
    call,
    error,
    parse_error,
    result,
    started,
    stopped,
    wire,
)
from tests.trpc.reference import SHARED_FRAME


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Wire]:
    """A socket to the reference server."""
    async with wire(served) as opened:
        yield opened


@pytest.mark.parametrize("name", DIALOGUES)
async def test_a_dialogue_goes_as_captured(served: Served, client: Wire, name: str) -> None:
    for sent, answers in DIALOGUES[name]:
        await client.send(sent)
        await client.expect(*answers)
    assert served.plant.faults == []


@pytest.mark.parametrize("text", ["{oops", "", '{"id":1,"a":NaN}', "[" * 3000, b"\xff\xfe"])
async def test_bad_json_is_a_parse_error_and_the_connection_stays(client: Wire, text: str | bytes) -> None:
    await client.send(text)
    answer = await client.next()
    assert (answer["id"], answer["error"]["code"], answer["error"]["data"]["code"]) == (None, -32700, "PARSE_ERROR")
    await client.is_idle()


async def test_stop_runs_the_generators_clean_up_then_says_stopped_then_is_silent(served: Served, client: Wire) -> None:
    await client.send(call(1, "subscription", "countRaw", input={"upTo": 1000, "delayMs": 10}))
    await client.expect(started(1), result(1, data=1))
    await client.send({"id": 1, "method": "subscription.stop"})
    while (frame := await client.next()) != stopped(1):
        assert frame["result"]["type"] == "data"
    assert served.plant.cleaned_up == ["countRaw"]
    await client.is_idle()


async def test_a_subscription_stopped_before_its_first_step_says_so_and_its_id_is_free(
    served: Served, client: Wire
) -> None:
    begin = call(1, "subscription", "countRaw", input={"upTo": 9})
    await client.send([begin, {"id": 1, "method": "subscription.stop"}])
    await client.expect(stopped(1))
    assert served.app.stats.subscriptions_open == 0
    await client.send(call(1, "subscription", "countRaw", input={"upTo": 1}))
    await client.expect(started(1), result(1, data=1), stopped(1))


async def test_an_id_can_be_used_again_after_its_subscription_ended(client: Wire) -> None:
    for _ in range(2):
        await client.send(call(1, "subscription", "forever"))
        await client.expect(started(1), result(1, data=1))
        await client.send({"id": 1, "method": "subscription.stop"})
        await client.expect(stopped(1))


async def test_a_second_subscription_with_a_live_id_is_refused_and_the_first_goes_on(
    served: Served, client: Wire
) -> None:
    await client.send(call(1, "subscription", "forever"))
    await client.expect(started(1), result(1, data=1))
    await client.send(call(1, "subscription", "forever"))
    await client.expect(error(1, "Duplicate id 1", -32600, "BAD_REQUEST", 400, "forever"))
    served.plant.gate.set()
    await client.expect(stopped(1))


async def test_the_id_1_and_the_id_one_as_text_are_two_ids(client: Wire) -> None:
    await client.send(call(1, "subscription", "forever"))
    await client.expect(started(1), result(1, data=1))
    await client.send(call("1", "subscription", "forever"))
    await client.expect(started("1"), result("1", data=1))


async def test_a_foreign_exception_in_a_subscription_is_hidden_and_reported_once(served: Served, client: Wire) -> None:
    await client.send(call(1, "subscription", "boom500"))
    await client.expect(started(1), result(1, data=1))
    shape = (await client.next())["error"]
    await client.expect(stopped(1))
    [fault] = served.plant.faults
    assert shape["data"]["correlationId"] == fault.correlation_id
    assert "unexpected" not in json.dumps(shape)
    assert (str(fault.exception), fault.path) == ("unexpected", "boom500")


async def test_closing_the_socket_cancels_its_subscriptions_at_once(served: Served) -> None:
    async with wire(served) as client:
        for identity in range(3):
            await client.send(call(identity, "subscription", "forever"))
            await client.expect(started(identity), result(identity, data=1))
        assert served.app.stats.subscriptions_open == 3
    await until(lambda: served.plant.cleaned_up == ["forever"] * 3)
    await until(lambda: served.app.stats.websockets_open == 0)


async def test_a_mutation_under_way_ends_even_when_its_client_has_gone(served: Served) -> None:
    async with wire(served) as client:
        await client.send([call(1, "mutation", "waitForGate", input={"name": "kept"}), call(2, "query", "health")])
        await client.expect(result(2, data=OK))
    assert served.plant.finished == []
    served.plant.gate.set()
    await until(lambda: served.plant.finished == ["kept"])


async def test_context_is_created_once_per_connection_with_its_parameters(served: Served) -> None:
    async with wire(served, "?connectionParams=1") as client:
        await client.send({"method": "connectionParams", "data": {"authorization": "Bearer tok_ada"}})
        await client.send([call(1, "query", "me"), call(2, "query", "me")])
        ada = {"username": "ada", "role": "user"}
        await client.expect(result(1, data=ada), result(2, data=ada))
    assert len(served.plant.contexts) == 1


async def test_null_connection_parameters_are_none(served: Served) -> None:
    async with wire(served, "?connectionParams=1") as client:
        await client.send("PING")
        await client.expect("PONG")
        await client.send({"method": "connectionParams", "data": None})
        await client.send(call(1, "query", "me"))
        await client.expect(error(1, *UNAUTHORIZED, "me"))


@pytest.mark.parametrize(
    ("first", "message", "code", "number", "status"),
    [
        (
            {"method": "connectionParams", "data": {"a": 1}},
            "Invalid connection params shape",
            "PARSE_ERROR",
            -32700,
            400,
        ),
        ({"method": "connectionParams"}, "Invalid connection params shape", "PARSE_ERROR", -32700, 400),
        ("{oops", "Malformed TRPCConnectionParamsMessage", "PARSE_ERROR", -32700, 400),
        ("[]", "Malformed TRPCConnectionParamsMessage", "PARSE_ERROR", -32700, 400),
        (
            {"method": "connectionParams", "data": {"reject": "1"}},
            "rejected by createContext",
            "UNAUTHORIZED",
            -32001,
            401,
        ),
    ],
)
async def test_a_connection_that_cannot_be_set_up_is_told_why_and_closed(
    served: Served, first: Any, message: str, code: str, number: int, status: int
) -> None:
    async with wire(served, "?connectionParams=1") as client:
        await client.send(first)
        await client.expect(error(None, message, number, code, status))
        assert await client.closed() == 1000


async def test_connection_parameters_that_never_come_end_the_connection() -> None:
    async with serving(Limits(params_wait_s=0.05)) as server, wire(server, "?connectionParams=1") as client:
        await client.expect(parse_error("The connectionParams message did not come in time"))
        assert await client.closed() == 1000


async def test_the_handshake_is_visible_to_the_context(served: Served) -> None:
    headers = {"Cookie": 'session=abc; theme="dark"', "Origin": "https://evil.example"}
    async with wire(served, additional_headers=headers) as client:
        await client.is_idle()
        await until(lambda: served.plant.contexts)
    [connection] = served.plant.contexts
    assert connection.cookies == {"session": "abc", "theme": "dark"}
    assert connection.is_foreign_origin
    assert (connection.transport, connection.client_host) == ("websocket", "127.0.0.1")


async def test_a_silent_client_is_pinged_and_then_given_up() -> None:
    async with serving(Limits(ping_s=0.1, pong_wait_s=0.1)) as server, wire(server) as client:
        await client.expect("PING")
        assert await client.closed() == 4009
        assert server.app.stats.clients_silent == 1


async def test_a_client_that_answers_pings_stays() -> None:
    async with serving(Limits(ping_s=0.2, pong_wait_s=1.0)) as server, wire(server) as client:
        for _ in range(8):  # Which takes longer than the first pong is waited for.
            await client.expect("PING")
            await client.send("PONG")
        await client.send(call(1, "query", "health"))
        while (frame := await client.next()) == "PING":
            await client.send("PONG")
        assert frame == result(1, data=OK)


async def test_subscriptions_and_calls_per_connection_are_limited() -> None:
    async with serving(Limits(subscriptions_max=2, calls_in_flight_max=2)) as server, wire(server) as client:
        for identity in (1, 2):
            await client.send(call(identity, "subscription", "forever"))
            await client.expect(started(identity), result(identity, data=1))
            await client.send(call(f"m{identity}", "mutation", "waitForGate", input={"name": "x"}))
        await client.send(call(3, "subscription", "forever"))
        refused = ("TOO_MANY_REQUESTS", 429)
        await client.expect(error(3, "2 subscriptions are live already", -32029, *refused, "forever"))
        await client.send(call(4, "query", "health"))
        await client.expect(error(4, "2 calls are unanswered already", -32029, *refused, "health"))
        server.plant.gate.set()
        answers = [await client.next() for _ in range(4)]
        assert sorted(str(answer["id"]) for answer in answers) == ["1", "2", "m1", "m2"]
        await client.send(call(5, "query", "health"))
        await client.expect(result(5, data=OK))


async def test_a_message_beyond_its_limit_ends_the_connection() -> None:
    async with serving(Limits(message_bytes_max=1000)) as server, wire(server) as client:
        await client.send(call(1, "query", "greet", input={"name": "x" * 1000}))
        await client.expect(error(None, "A message is longer than 1000 bytes", -32013, "PAYLOAD_TOO_LARGE", 413))
        assert await client.closed() == 1009


async def test_connections_beyond_their_limit_are_refused_at_the_handshake() -> None:
    async with serving(Limits(connections_max=1)) as server, wire(server) as client:
        await client.is_idle()
        with pytest.raises(InvalidStatus) as refused:
            async with wire(server):
                pass
        assert refused.value.response.status_code == 503  # Not 403, which would be for ever.
        assert refused.value.response.headers["retry-after"] == "5"
        assert server.app.stats.connections_refused == 1


async def test_a_permission_withdrawn_ends_a_live_subscription_with_the_reason() -> None:
    headers = {"authorization": "Bearer tok_ada"}
    async with (
        serving(Limits(authorize_every_s=0.05)) as server,
        wire(server, additional_headers=headers) as client,
    ):
        await client.send([call(1, "subscription", "memberFeed"), call(2, "subscription", "forever")])
        await client.expect(started(1), result(1, data="ada"), started(2), result(2, data=1))
        server.plant.revoked.add("ada")
        await client.expect(error(1, "session revoked", -32001, "UNAUTHORIZED", 401, "memberFeed"), stopped(1))
        await client.send(call(3, "subscription", "memberFeed"))
        await client.expect(error(3, "session revoked", -32001, "UNAUTHORIZED", 401, "memberFeed"))
        await client.is_idle()


async def test_drain_asks_to_reconnect_refuses_newcomers_and_then_closes(served: Served) -> None:
    async with wire(served) as staying, wire(served) as leaving:
        await staying.send(call(1, "subscription", "forever"))
        await staying.expect(started(1), result(1, data=1))
        await leaving.is_idle()
        draining = asyncio.create_task(served.app.drain(0.3))
        for client in (staying, leaving):
            await client.expect({"id": None, "method": "reconnect"})
        await leaving.socket.close()
        with pytest.raises(InvalidStatus):
            async with wire(served):
                pass
        assert await staying.closed() == 1012
        await draining
    assert served.plant.cleaned_up == ["forever"]


async def test_data_shared_by_viewers_is_decoded_once_and_only_ids_differ(served: Served) -> None:
    SHARED_FRAME._text = None
    async with wire(served) as one, wire(served) as other:
        await one.send(call(1, "subscription", "sharedFrames"))
        await one.expect(started(1), result(1, data={"n": 7}), stopped(1))
        text = SHARED_FRAME.text
        await other.send(call("x", "subscription", "sharedFrames"))
        await other.expect(started("x"), result("x", data={"n": 7}), stopped("x"))
        assert SHARED_FRAME.text is text


async def test_a_burst_larger_than_the_queue_reaches_a_reading_client_whole() -> None:
    async with serving(Limits(outbox_frames_max=4, stalled_s=30)) as server, wire(server) as client:
        await client.send(call(1, "subscription", "flood", input={"events": 500, "size": 2000}))
        await client.expect(started(1), *[result(1, data="x" * 2000)] * 500, stopped(1))


async def test_a_client_that_stops_reading_is_disconnected_and_its_generator_cleaned_up() -> None:
    limits = Limits(outbox_frames_max=8, stalled_s=0.2)
    async with serving(limits) as server:
        socket = await connect(server.ws_url, max_queue=1, compression=None)
        try:
            client = Wire(socket)
            await client.send(call(1, "subscription", "flood", input={"events": 1_000_000, "size": 50_000}))
            await client.expect(started(1))
            await until(lambda: server.app.stats.clients_stalled == 1)
            await until(lambda: server.app.stats.websockets_open == 0)
            assert server.app.stats.events_sent < 1_000
        finally:
            socket.transport.abort()


async def test_a_slow_client_of_a_coalescing_subscription_gets_the_newest_event() -> None:
    limits = Limits(outbox_frames_max=8, stalled_s=30)
    async with serving(limits) as server, wire(server, max_queue=1, compression=None) as client:
        await client.send(call(1, "subscription", "floodNewest", input={"events": 2_000, "size": 50_000}))
        await until(lambda: server.app.stats.events_sent == 2_000)
        assert server.app.stats.events_coalesced > 1_000
        numbers = []
        while (frame := await client.next()) != stopped(1):
            if "data" in frame["result"]:
                numbers.append(int(frame["result"]["data"].partition(":")[0]))
        assert numbers == sorted(numbers)
        assert numbers[-1] == 1_999
