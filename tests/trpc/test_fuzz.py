"""Whatever is thrown at it, the server answers in the protocol's shape, blames itself for nothing and does not hang."""

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from pdm_app.trpc import SUPERJSON, ConnectionInfo, Fault, Limits, TrpcApp
from pdm_app.trpc.errors import CODES
from pdm_app.trpc.transformers import SuperJson
from tests.trpc.conftest import serving
from tests.trpc.reference import Plant, reference_app
from tests.trpc.test_rest import router as rest_router

ANSWER_WITHIN_S = 90.0
PATHS = [
    *("health", "greet", "nothing", "echoSet", "post.byId", "post.create"),
    *("uploadBytes", "uploadForm", "countRaw", "count", "me"),
]
FORM = b"multipart/form-data; boundary=B"
QUIET = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
json_bytes = values.map(lambda value: json.dumps(value).encode())
forms = st.lists(
    st.sampled_from(
        [
            b"--B\r\n",
            b"--B--",
            b"\r\n",
            b'content-disposition: form-data; name="a"\r\n\r\n',
            b'content-disposition: form-data; name="file"; filename="f"\r\n\r\n',
            b"x",
        ]
    ),
    max_size=8,
).map(b"".join)
superjsons = st.fixed_dictionaries(
    {"json": values},
    optional={
        "meta": st.fixed_dictionaries(
            {},
            optional={
                "values": values | st.dictionaries(st.text(max_size=3), st.lists(st.sampled_from(["set", "Date"]))),
                "referentialEqualities": values | st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=3))),
                "v": st.just(1) | scalars,
            },
        )
    },
)
garbage = st.binary(max_size=60) | json_bytes | forms | superjsons.map(lambda value: json.dumps(value).encode())
raw_paths = st.lists(
    st.sampled_from(PATHS) | st.text(max_size=6) | st.sampled_from(["%", "%zz", "%C3"]), max_size=5
).map(",".join)
query_strings = st.lists(
    st.sampled_from([b"batch=1", b"batch=", b"input", b"lastEventId=%00", b"connectionParams={}"])
    | st.builds(
        lambda name, value: name + b"=" + value, st.sampled_from([b"input", b"connectionParams", b"x"]), garbage
    ),
    max_size=4,
).map(b"&".join)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            [b"content-type", b"accept", b"trpc-accept", b"last-event-id", b"content-length", b"origin", b"cookie"]
        ),
        st.sampled_from(
            [b"application/json", b"application/jsonl", b"application/octet-stream", b"text/event-stream", FORM]
        )
        | st.binary(max_size=20),
    ),
    max_size=4,
)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])


class Exchange:
    """One raw ASGI exchange: whatever bytes a server would hand on."""

    def __init__(self, method: str, path: str, query: bytes, sent: list[tuple[bytes, bytes]], body: bytes) -> None:
        raw = path.encode("utf-8", "surrogatepass")
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": b"/" + raw,
            "root_path": "",
            "query_string": query,
            "headers": sent,
            "client": ("127.0.0.1", 1),
        }
        self.body = body
        self.messages: list[dict[str, Any]] = []
        self._has_read = False

    async def receive(self) -> dict[str, Any]:
        """Hand over the body, then nothing."""
        if self._has_read:
            await asyncio.sleep(3600)
        self._has_read = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        """Keep what the application sends."""
        self.messages.append(message)

    def assert_answered(self) -> None:
        """Fail unless exactly one well-formed answer was given."""
        start, *rest = self.messages
        assert start["type"] == "http.response.start"
        assert rest[-1].get("more_body", False) is False
        content = b"".join(message["body"] for message in rest)
        kind = dict(start["headers"])[b"content-type"]
        if kind == b"text/event-stream":
            assert content.startswith(b"event: connected\n")
            return
        for line in content.splitlines():
            answer = json.loads(line)
            for item in answer if isinstance(answer, list) else [answer]:
                if isinstance(item, dict) and "error" in item:
                    error = item["error"]
                    assert_shape(error.get("json", error))


def assert_shape(shape: dict[str, Any]) -> None:
    """Fail unless it is an error that the caller, not the server, is to blame for."""
    assert isinstance(shape["message"], str)
    assert isinstance(shape["code"], int)
    assert shape["data"]["code"] in CODES
    assert shape["data"]["code"] != "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("transformer", [None, SUPERJSON])
@QUIET
@given(method=methods, path=raw_paths, query=query_strings, sent=headers, body=garbage)
async def test_no_http_request_is_a_fault_or_a_hang(
    transformer: SuperJson | None, method: str, path: str, query: bytes, sent: list[tuple[bytes, bytes]], body: bytes
) -> None:
    plant = Plant()
    limits = Limits(call_timeout_s=0.2, sse_max_s=0.2, batch_max=10)
    app = reference_app(plant, limits, transformer=transformer)
    exchange = Exchange(method, path, query, sent, body)
    async with asyncio.timeout(ANSWER_WITHIN_S):
        await app(exchange.scope, exchange.receive, exchange.send)
    exchange.assert_answered()
    assert plant.faults == []


rest_paths = st.lists(
    st.sampled_from(["assets", "spans", "squares", "overview", "notes", "next", "start", "files", "locked", "7", "-1"])
    | st.text(max_size=6)
    | st.sampled_from(["%", "%zz", "%C3", "%2F", "", "."]),
    max_size=4,
).map("/".join)
rest_queries = st.lists(
    st.builds(
        lambda name, value: name + b"=" + value,
        st.sampled_from([b"limit", b"numbers", b"flag", b"colour", b"since", b"span", b"text", b"start", b"number"]),
        st.sampled_from([b"1", b"true", b"null", b"{", b"%7B%7D", b"[1]", b"", b"1e999", b"-0", b"%00"]) | garbage,
    )
    | st.binary(max_size=8),
    max_size=4,
).map(b"&".join)


@QUIET
@given(method=methods, path=rest_paths, query=rest_queries, sent=headers, body=garbage)
async def test_no_rest_request_is_a_fault_or_a_hang(
    method: str, path: str, query: bytes, sent: list[tuple[bytes, bytes]], body: bytes
) -> None:
    async def context(connection: ConnectionInfo) -> None:
        return None

    faults: list[Fault] = []
    rpc = TrpcApp(rest_router, create_context=context, on_fault=faults.append, limits=Limits(call_timeout_s=0.2))
    (mount,) = rpc.rest_routes("/api")
    exchange = Exchange(method, path, query, sent, body)
    async with asyncio.timeout(ANSWER_WITHIN_S):
        await mount.app(exchange.scope, exchange.receive, exchange.send)  # type: ignore[attr-defined] # A Mount.
    start, *rest = exchange.messages
    content = b"".join(message["body"] for message in rest)
    assert rest[-1].get("more_body", False) is False
    if start["status"] >= 400:
        problem = json.loads(content)
        assert problem["status"] == start["status"]
        assert start["status"] != 500 or faults
        assert problem["code"] in CODES
    elif content:
        json.loads(content)
    assert [fault for fault in faults if fault.path != "locked"] == []  # It is made to fail where it runs.


requests = st.fixed_dictionaries(
    {},
    optional={
        "id": scalars | st.integers(0, 3),
        "method": st.sampled_from(["query", "mutation", "subscription", "subscription.stop"]) | scalars,
        "jsonrpc": st.just("2.0") | scalars,
        "params": values
        | st.fixed_dictionaries(
            {"path": st.sampled_from(PATHS)}, optional={"input": values, "lastEventId": st.text(max_size=5) | values}
        ),
    },
)
frames = (
    st.text(max_size=60) | st.binary(max_size=60) | (requests | st.lists(requests, max_size=4) | values).map(json.dumps)
)


@pytest.fixture
def quiet_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Errors that the server logged."""
    caplog.set_level(logging.ERROR)
    return caplog


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(conversation=st.lists(frames, min_size=1, max_size=25))
async def test_no_websocket_frame_is_a_fault_or_a_hang(
    quiet_log: pytest.LogCaptureFixture, conversation: list[str | bytes]
) -> None:
    async with serving(Limits(batch_max=10, subscriptions_max=50)) as server:
        async with asyncio.timeout(ANSWER_WITHIN_S * 2), connect(server.ws_url) as socket:
            for frame in conversation:
                await socket.send(frame)
            await socket.send(json.dumps({"id": "last", "method": "query", "params": {"path": "health"}}))
            while True:
                answer = await socket.recv()
                if answer == "PONG":
                    continue
                message = json.loads(answer)
                if message["id"] == "last":
                    break
                if "error" in message:
                    assert_shape(message["error"])
        assert server.plant.faults == []
    assert quiet_log.records == []
