"""The procedures of the reference server from which the protocol's traffic was captured, in Python."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, Field

from pdm_app.trpc import (
    MISSING,
    ByteStream,
    Call,
    ConnectionInfo,
    Encoded,
    Fault,
    Limits,
    Missing,
    Router,
    Tracked,
    TrpcApp,
    TrpcError,
    UploadedFile,
    tracked,
)

USERS = {"tok_ada": ("ada", "user"), "tok_root": ("root", "admin")}


@dataclass
class Ctx:
    """Who calls, and what the test wants to see afterwards."""

    user: tuple[str, str] | None
    plant: "Plant"


@dataclass
class User:
    """The context behind the ``signed_in`` middleware."""

    name: str
    role: str
    plant: "Plant"


@dataclass
class Plant:
    """State behind the procedures of one app."""

    posts: int = 0
    cleaned_up: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_the_gate: int = 0
    count_to: float = math.inf
    contexts: list[ConnectionInfo] = field(default_factory=list)
    is_starting: bool = False
    finished: list[str] = field(default_factory=list)


class Health(BaseModel):
    ok: bool


class Greeting(BaseModel):
    text: str


class Post(BaseModel):
    id: int
    title: str
    tags: list[str] = []


class PostRef(BaseModel):
    id: str
    title: str


class Me(BaseModel):
    username: str
    role: str


class Tick(BaseModel):
    n: int


class CountInput(BaseModel):
    up_to: int = Field(3, alias="upTo")
    delay_ms: float = Field(1, alias="delayMs")
    last_event_id: str | None = Field(None, alias="lastEventId")


class CountRawInput(BaseModel):
    up_to: int = Field(alias="upTo")
    delay_ms: float = Field(1, alias="delayMs")


async def signed_in(call: Call[Ctx], proceed: Callable[[User], Awaitable[Any]]) -> Any:
    """Refuse strangers; hand the user on as the context."""
    if call.ctx.user is None:
        raise TrpcError("UNAUTHORIZED")
    return await proceed(User(*call.ctx.user, call.ctx.plant))


async def admin_only(call: Call[User], proceed: Callable[[User], Awaitable[Any]]) -> Any:
    """Refuse everyone but admins."""
    if call.ctx.role != "admin":
        raise TrpcError("FORBIDDEN", "admin role required")
    return await proceed(call.ctx)


router = Router[Ctx]()
members = router.use(signed_in)
posts = Router[Ctx]()
auth = Router[Ctx]()
admin = Router[Ctx]()


@router.query()
async def health(ctx: Ctx) -> Health:
    """Say that the server lives."""
    return Health(ok=True)


@router.query()
async def greet(ctx: Ctx, *, name: str) -> Greeting:
    return Greeting(text=f"hello {name}")


@router.query()
async def nothing(ctx: Ctx) -> Missing:
    return MISSING


@router.query()
async def nil(ctx: Ctx) -> None:
    return None


@router.query()
async def slow(ctx: Ctx, *, ms: int) -> dict[str, int]:
    try:
        await asyncio.sleep(ms / 1000)
    finally:
        ctx.plant.cleaned_up.append("slow")
    return {"slept": ms}


@members.query()
async def me(ctx: User) -> Me:
    return Me(username=ctx.name, role=ctx.role)


@router.query()
async def crash(ctx: Ctx) -> None:
    raise RuntimeError("database exploded")


@router.mutation()
async def conflict(ctx: Ctx) -> None:
    raise TrpcError("CONFLICT", "already exists")


@router.mutation("uploadBytes")
async def upload_bytes(ctx: Ctx, body: ByteStream) -> dict[str, int]:
    return {"bytes": sum([len(chunk) async for chunk in body])}


@router.mutation("uploadForm")
async def upload_form(
    ctx: Ctx, *, a: str = "", b: int | None = None, file: UploadedFile | None = None
) -> dict[str, Any]:
    keys = [key for key, value in {"a": a, "b": b, "file": file}.items() if value]
    return {"keys": keys, **({"file": [file.name, file.content_type, len(await file.read())]} if file else {})}


@router.mutation("waitForGate")
async def wait_for_gate(ctx: Ctx, *, name: str) -> str:
    ctx.plant.at_the_gate += 1
    await ctx.plant.gate.wait()
    ctx.plant.finished.append(name)
    return name


@router.query()
async def streamed(ctx: Ctx, *, n: int) -> AsyncIterator[int]:
    for number in range(n):
        yield number


@router.query("streamedFailure")
async def streamed_failure(ctx: Ctx) -> AsyncIterator[int]:
    yield 1
    raise TrpcError("CONFLICT", "halfway")


@router.query("wrongOutput")
async def wrong_output(ctx: Ctx) -> int:
    return "secret-not-an-int"  # type: ignore[return-value] # The fault under test.


@router.query("echoSet")
async def echo_set(ctx: Ctx, input: str | Missing | None = MISSING) -> str:
    return "missing" if input is MISSING else repr(input)


@posts.query("byId")
async def by_id(ctx: Ctx, input: str) -> PostRef:
    if input == "404":
        raise TrpcError("NOT_FOUND", "No post '404'")
    return PostRef(id=input, title=f"post {input}")


@posts.mutation()
async def create(ctx: Ctx, *, title: Annotated[str, Field(min_length=3)], tags: list[str] | None = None) -> Post:
    ctx.plant.posts += 1
    return Post(id=ctx.plant.posts, title=title, tags=tags or [])


@auth.mutation()
async def login(ctx: Ctx, *, username: str, password: str) -> dict[str, str]:
    if (username, password) != ("ada", "lovelace"):
        raise TrpcError("UNAUTHORIZED", "bad credentials")
    return {"token": "tok_ada"}


@admin.use(signed_in).use(admin_only).query()
async def stats(ctx: User) -> dict[str, int]:
    return {"users": 2}


@router.subscription()
async def count(ctx: Ctx, input: CountInput) -> AsyncIterator[Tracked[Tick]]:
    start = int(input.last_event_id or 0)
    for n in range(start + 1, input.up_to + 1):
        await asyncio.sleep(input.delay_ms / 1000)
        while n > ctx.plant.count_to:  # noqa: ASYNC110 - a number that a test sets has no event.
            await asyncio.sleep(0.005)
        yield tracked(str(n), Tick(n=n))


@router.subscription("countRaw")
async def count_raw(ctx: Ctx, input: CountRawInput) -> AsyncIterator[int]:
    try:
        for n in range(1, input.up_to + 1):
            await asyncio.sleep(input.delay_ms / 1000)
            yield n
    finally:
        ctx.plant.cleaned_up.append("countRaw")


@router.subscription()
async def forever(ctx: Ctx) -> AsyncIterator[int]:
    try:
        yield 1
        await ctx.plant.gate.wait()
    finally:
        ctx.plant.cleaned_up.append("forever")


@router.subscription()
async def boom(ctx: Ctx) -> AsyncIterator[int]:
    yield 1
    raise TrpcError("BAD_REQUEST", "boom after one")


@router.subscription("boom500")
async def boom_500(ctx: Ctx) -> AsyncIterator[int]:
    yield 1
    raise RuntimeError("unexpected")


@router.subscription("mixedIds")
async def mixed_ids(ctx: Ctx) -> AsyncIterator[Tracked[int] | int]:
    yield tracked("a", 1)
    yield 2


@router.subscription("sharedFrames")
async def shared_frames(ctx: Ctx) -> AsyncIterator[Encoded[Tick]]:
    yield SHARED_FRAME


SHARED_FRAME: Encoded[Tick] = Encoded(b'{"n":7}')


@router.subscription("flood")
async def flood(ctx: Ctx, *, events: int, size: int) -> AsyncIterator[str]:
    for _ in range(events):
        yield "x" * size


@router.subscription("floodNewest", coalesce=True)
async def flood_newest(ctx: Ctx, *, events: int, size: int) -> AsyncIterator[str]:
    for number in range(events):
        yield f"{number}:" + "x" * size
        await asyncio.sleep(0)


@members.subscription("secretFeed")
async def secret_feed(ctx: User) -> AsyncIterator[str]:
    yield ctx.name


@members.subscription("secretFeedConn")
async def secret_feed_conn(ctx: User) -> AsyncIterator[dict[str, str]]:
    yield {"for": ctx.name}


@members.subscription("memberFeed", guarded=True)
async def member_feed(ctx: User) -> AsyncIterator[str]:
    yield ctx.name
    await ctx.plant.gate.wait()


root = Router[Ctx](post=posts, auth=auth, admin=admin)
root.merge(router)


def reference_app(plant: Plant, limits: Limits | None = None, **options: Any) -> TrpcApp[Ctx]:
    """Return the reference server with state of its own."""

    async def create_context(connection: ConnectionInfo) -> Ctx:
        plant.contexts.append(connection)
        if plant.is_starting:
            raise TrpcError("SERVICE_UNAVAILABLE", "The server starts")
        params = connection.connection_params or {}
        if "reject" in params or connection.header("x-reject"):
            raise TrpcError("UNAUTHORIZED", "rejected by createContext")
        token = connection.bearer_token or params.get("authorization", "").removeprefix("Bearer ")
        return Ctx(USERS.get(token), plant)

    async def authorize(ctx: Ctx, procedure: Any) -> None:
        if procedure.meta.get("guarded") and ctx.user is not None and ctx.user[0] in plant.revoked:
            raise TrpcError("UNAUTHORIZED", "session revoked")

    options.setdefault("on_fault", plant.faults.append)
    return TrpcApp(
        root,
        create_context=create_context,
        authorize=authorize,
        limits=limits or Limits(batch_max=10, body_bytes_max=100_000),
        **options,
    )
