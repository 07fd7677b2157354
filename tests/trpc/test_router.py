"""Routers, signatures and the in-process caller."""

import asyncio
import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from pdm_app.trpc import (
    MISSING,
    ByteStream,
    Call,
    Encoded,
    Missing,
    Router,
    RouterError,
    SignatureError,
    Tracked,
    TrpcError,
    tracked,
)
from pdm_app.trpc.procedures import Procedure


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    r: float


class Rect(BaseModel):
    kind: Literal["rect"] = "rect"
    w: float
    h: float


Shape = Annotated[Circle | Rect, Field(discriminator="kind")]


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict, total=False):
    deep: bool


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)
    at: dt.datetime
    key: uuid.UUID


class Filter(BaseModel):
    text: str = ""


class Opaque:
    """A class of which pydantic knows nothing."""


def procedure(function: Callable[..., Any], kind: str = "query") -> Procedure:
    """Compile one function."""
    return Procedure.compile("p", kind, function, {})  # type: ignore[arg-type]


def echo(annotation: Any) -> Procedure:
    """Return a query that takes and returns the annotated type."""

    async def same(ctx: None, input: Any) -> Any:
        return input

    same.__annotations__.update(input=annotation, **{"return": annotation})
    return procedure(same)


async def round_trip(annotation: Any, raw: bytes) -> tuple[Any, bytes | None]:
    """Decode, call and encode."""
    compiled = echo(annotation)
    value = await compiled.input.invoke(None, raw)
    return value, compiled.output.encode(value)


AT = dt.datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=dt.UTC)
KEY = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("annotation", "raw", "value"),
    [
        (int, b"5", 5),
        (float, b"2.5", 2.5),
        (str | None, b"null", None),
        (Literal["a", "b"], b'"b"', "b"),
        (Colour, b'"red"', Colour.RED),
        (dt.datetime, b'"2026-01-02T03:04:05.600000Z"', AT),
        (uuid.UUID, b'"12345678-1234-5678-1234-567812345678"', KEY),
        (decimal.Decimal, b'"1.10"', decimal.Decimal("1.10")),
        (bytes, b'"_wD-"', b"\xff\x00\xfe"),
        (Point, b'{"x":1,"y":0}', Point(1)),
        (Options, b'{"deep":true}', {"deep": True}),
        (list[Point], b'[{"x":1,"y":2}]', [Point(1, 2)]),
        (dict[str, int], b'{"a":1}', {"a": 1}),
        (Shape, b'{"kind":"rect","w":1.0,"h":2.0}', Rect(w=1, h=2)),
        (
            Strict,
            b'{"at":"2026-01-02T03:04:05.600000Z","key":"12345678-1234-5678-1234-567812345678"}',
            Strict(at=AT, key=KEY),
        ),
    ],
    ids=str,
)
async def test_every_kind_of_annotation_survives_the_wire(annotation: Any, raw: bytes, value: Any) -> None:
    assert await round_trip(annotation, raw) == (value, raw)


async def test_nan_leaves_as_null_because_json_knows_no_nan() -> None:
    async def nan(ctx: None) -> list[float]:
        return [float("nan"), float("inf")]

    assert procedure(nan).output.encode([float("nan"), float("inf")]) == b"[null,null]"


async def test_a_result_hides_what_its_annotation_does_not_name() -> None:
    class Secretive(Circle):
        secret: str = "s"

    async def circle(ctx: None) -> Circle:
        return Secretive(r=1)

    assert procedure(circle).output.encode(Secretive(r=1)) == b'{"kind":"circle","r":1.0}'


async def test_keyword_parameters_are_the_fields_of_an_object() -> None:
    async def acknowledge(ctx: None, *, alarm_id: str, comment: str = "none") -> str:
        return f"{alarm_id}/{comment}"

    compiled = procedure(acknowledge)
    assert await compiled.input.invoke(None, b'{"alarm_id":"7"}') == "7/none"
    assert await compiled.input.invoke(None, b'{"alarm_id":"7","comment":"seen"}') == "7/seen"
    for raw, kind in ((b"{}", "missing"), (MISSING, "missing"), (b'{"alarm_id":"7","colour":1}', "extra_forbidden")):
        with pytest.raises(TrpcError) as caught:
            compiled.input.invoke(None, raw)
        assert caught.value.data["issues"][0]["type"] == kind
    assert not compiled.input.is_optional
    assert compiled.input.json_schema() == {
        "title": "AcknowledgeInput",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "alarm_id": {"title": "Alarm Id", "type": "string"},
            "comment": {"title": "Comment", "type": "string", "default": "none"},
        },
        "required": ["alarm_id"],
    }


async def test_a_missing_input_takes_the_default_or_an_object_of_defaults() -> None:
    async def with_default(ctx: None, input: int = 7) -> int:
        return input

    async def with_model(ctx: None, input: Filter) -> str:
        return input.text

    async def with_fields(ctx: None, *, text: str = "x") -> str:
        return text

    async def distinct(ctx: None, input: int | Missing | None = MISSING) -> str:
        return repr(input)

    for function, raw, expected in (
        (with_default, MISSING, 7),
        (with_model, MISSING, ""),
        (with_fields, MISSING, "x"),
        (distinct, MISSING, "MISSING"),
        (distinct, b"null", "None"),
        (distinct, b"3", "3"),
    ):
        compiled = procedure(function)
        assert compiled.input.is_optional
        assert await compiled.input.invoke(None, raw) == expected


async def test_the_word_missing_is_no_way_to_send_undefined() -> None:
    async def distinct(ctx: None, input: int | Missing = MISSING) -> str:
        return repr(input)

    with pytest.raises(TrpcError):
        procedure(distinct).input.invoke(None, b'"MISSING"')


async def test_a_required_input_that_is_missing_says_so() -> None:
    with pytest.raises(TrpcError, match="needs an input, none was sent"):
        echo(int).input.invoke(None, MISSING)


def test_what_cannot_be_a_procedure_is_refused_with_the_remedy() -> None:
    async def no_ctx() -> int:
        return 1

    async def anything(ctx: None, **fields: int) -> int:
        return 1

    async def both(ctx: None, input: int, *, other: int) -> int:
        return 1

    async def untyped(ctx: None, input) -> int:  # type: ignore[no-untyped-def]
        return 1

    async def unreturned(ctx: None):  # type: ignore[no-untyped-def]
        return 1

    async def no_iterator(ctx: None) -> int:
        return 1

    async def iterator(ctx: None) -> AsyncIterator[int]:
        yield 1

    async def bytes_in(ctx: None, body: ByteStream) -> int:
        return 1

    async def unknown(ctx: None, input: Opaque) -> int:
        return 1

    for function, kind, message in (
        (unknown, "query", "unknown.*: Unable to generate pydantic-core schema"),
        (no_ctx, "query", r"must take \(ctx\), \(ctx, input\)"),
        (anything, "query", "name every parameter"),
        (both, "query", "1 keyword-only"),
        (untyped, "query", "'input' of procedure .* has no annotation"),
        (unreturned, "query", "has no return annotation"),
        (no_iterator, "subscription", "must be annotated as AsyncIterator"),
        (iterator, "mutation", "only queries and subscriptions may stream"),
        (bytes_in, "query", "only mutations have a body"),
    ):
        with pytest.raises(SignatureError, match=message):
            procedure(function, kind)


async def test_outputs_of_subscriptions_unwrap_ids_and_encoded_data() -> None:
    async def events(ctx: None) -> AsyncIterator[Tracked[Encoded[Point]] | Point]:
        yield Point(1)

    output = procedure(events, "subscription").output
    assert output.is_tracked
    assert output.encode_event(tracked("a", Encoded(b'{"x":9,"y":9}'))) == ("a", '{"x":9,"y":9}')
    assert output.encode_event(Point(1)) == (None, '{"x":1,"y":0}')
    assert output.json_schema()["properties"].keys() == {"x", "y"}


@pytest.mark.parametrize("identity", ["", "a\nb", "a\rb", "a\0b"])
def test_a_tracked_id_that_no_event_stream_could_carry_is_refused(identity: str) -> None:
    with pytest.raises(ValueError, match="must be a non-empty string without NUL or line breaks"):
        tracked(identity, 1)


def test_encoded_takes_numpy_and_turns_nan_to_null() -> None:
    import numpy as np

    assert Encoded.of({"v": np.array([1.5, np.nan])}).json == b'{"v":[1.5,null]}'


def leaf(value: int) -> Router[None]:
    """Return a router with one query."""
    router = Router[None]()

    @router.query(permission=f"p{value}")
    async def get(ctx: None) -> int:
        """Return the value."""
        return value

    return router


async def test_routers_nest_and_merge() -> None:
    inner = Router[None](b=leaf(1))
    root = Router[None](a=inner)
    root.merge(leaf(2))
    assert [p.path for p in root.procedures()] == ["a.b.get", "get"]
    call = root.caller(None)
    assert (await call("a.b.get"), await call("get")) == (1, 2)
    described = next(root.procedures()).describe()
    assert described["meta"] == {"permission": "p1"}
    assert described["doc"] == "Return the value."
    assert described["output"] == {"type": "integer"}
    assert described["input"] is None


def test_a_path_is_taken_once_and_has_no_dots_or_commas() -> None:
    root = leaf(1)
    with pytest.raises(RouterError, match="is taken by"):
        root.merge(leaf(2))
    for name in ("a.b", "a,b", "", "ä", "1a", "a/b"):
        with pytest.raises(RouterError, match="cannot be part of a path"):
            root.nest(name, leaf(3))


async def test_middleware_runs_from_the_outside_in_and_hands_its_context_on() -> None:
    log: list[str] = []

    def named(name: str) -> Callable[[Call[str], Callable[[str], Awaitable[Any]]], Awaitable[Any]]:
        async def middleware(call: Call[str], proceed: Callable[[str], Awaitable[Any]]) -> Any:
            log.append(f"{name}({call.ctx}) {call.path} {call.meta['k']}")
            outcome = await proceed(call.ctx + name)
            log.append(f"/{name}")
            return f"{outcome}{name}"

        return middleware

    child = Router[str]()

    @child.use(named("c")).query(k=1)
    async def get(ctx: str) -> str:
        return ctx

    root = Router[str]()
    root.use(named("a")).use(named("b")).nest("child", child)
    assert await root.caller("-")("child.get") == "-abccba"
    assert log == ["a(-) child.get 1", "b(-a) child.get 1", "c(-ab) child.get 1", "/c", "/b", "/a"]


async def test_middleware_refuses_before_the_input_is_looked_at() -> None:
    async def refuse(call: Call[None], proceed: Callable[[None], Awaitable[Any]]) -> Any:
        raise TrpcError("FORBIDDEN")

    root = Router[None]()

    @root.use(refuse).query()
    async def get(ctx: None, input: int) -> int:
        return input

    with pytest.raises(TrpcError, match="FORBIDDEN"):
        await root.caller(None)("get", "no int")


async def test_the_caller_validates_input_and_returns_python_values() -> None:
    root = Router[str]()

    @root.query()
    async def shift(ctx: str, *, by: int) -> Point:
        return Point(by)

    @root.query()
    async def plain(ctx: str) -> str:
        return ctx

    @root.subscription()
    async def ticks(ctx: str, *, upto: int = 2) -> AsyncIterator[Tracked[int]]:
        for n in range(upto):
            yield tracked(str(n), n)

    call = root.caller("ctx")
    assert await call("shift", {"by": 3}) == Point(3)
    assert await call("plain") == "ctx"
    assert [event.data async for event in call.subscribe("ticks")] == [0, 1]
    for wrong in (call("shift", {"by": "x"}), call("shift"), call("plain", 1)):
        with pytest.raises(TrpcError, match="BAD_REQUEST"):
            await wrong
    for path, message in (("nope", 'No procedure found on path "nope"'), ("ticks", "is a subscription")):
        with pytest.raises(TrpcError, match=message):
            await call(path)
    with pytest.raises(TrpcError, match="is a query"):
        await anext(call.subscribe("plain"))


async def test_the_callers_subscription_cleans_up_when_closed() -> None:
    root = Router[None]()
    log: list[str] = []

    @root.subscription()
    async def forever(ctx: None) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            log.append("closed")

    events = root.caller(None).subscribe("forever")
    assert await anext(events) == 1
    await events.aclose()  # type: ignore[attr-defined]
    assert log == ["closed"]
