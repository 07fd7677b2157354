"""A typed RPC server, wire-compatible with tRPC v11: the real ``@trpc/client`` talks to it.

Procedures are annotated async functions; what they take and return is validated by pydantic and described to clients::

    from pdm_app.trpc import ConnectionInfo, Router, TrpcApp, TrpcError, tracked

    @dataclass(frozen=True)
    class Visitor:
        name: str | None

    assets = Router[Visitor]()

    @assets.query(permission="assets.read")          # keywords become procedure.meta
    async def by_id(ctx: Visitor, input: AssetId) -> Asset:      # the whole input is one value
        ...

    @assets.mutation(permission="assets.write")
    async def rename(ctx: Visitor, *, asset_id: AssetId, name: str = "") -> Asset:   # an object with these fields
        ...

    @assets.subscription(coalesce=True)              # a slow client gets the newest event only
    async def state(ctx: Visitor, *, last_event_id: str | None = None) -> AsyncIterator[Tracked[AssetState]]:
        async for number, state in states(after=last_event_id):
            yield tracked(str(number), state)        # the client resumes from this id

    async def create_context(connection: ConnectionInfo) -> Visitor:
        if connection.is_foreign_origin:
            raise TrpcError("FORBIDDEN", "This origin may not call.")
        return Visitor(sessions.get(connection.cookies.get("session")))

    rpc = TrpcApp(Router(assets=assets), create_context=create_context)
    app = Starlette(routes=rpc.routes("/trpc"))      # await rpc.drain() before the server stops

From the browser: ``createTRPCClient({links: [httpBatchLink({url: '/trpc'})]}).assets.by_id.query('P-101A')``; over
``wsLink`` and ``httpSubscriptionLink`` the same URL serves subscriptions. In the same process:
``await Router(assets=assets).caller(ctx)("assets.by_id", "P-101A")``.

``app_router_types(root)`` gives that client its ``AppRouter``; ``openapi(root, ...)`` describes the calls to others,
``router_document(root)`` to pages and tools that look at run time. A procedure with ``rest="GET /assets/{asset_id}"``
is also found as plain REST, below the prefix of ``rpc.rest_routes("/api/v1")``; see ``rest``.

A keyword-only parameter annotated ``UploadedFile`` makes a mutation take a form (see ``uploads``), a single parameter
annotated ``ByteStream`` makes it take bytes.

Data for many viewers is encoded once: yield ``Encoded.of(frame)`` (or ``Encoded(json_bytes)``) and annotate
``AsyncIterator[Encoded[Frame]]``; only each client's id is added. ``MISSING`` is JavaScript's ``undefined``.
Start-up of a mounted app needs nothing; see ``Limits`` for every bound and what happens there.
"""

from pdm_app.trpc.app import TrpcApp
from pdm_app.trpc.caller import Caller
from pdm_app.trpc.connection import ConnectionInfo
from pdm_app.trpc.dispatch import CallRecord, Fault
from pdm_app.trpc.errors import ErrorCode, Issue, TrpcError
from pdm_app.trpc.introspection import ErrorData, describe_router
from pdm_app.trpc.introspection_document import RouterDocument, router_document
from pdm_app.trpc.limits import Limits, Stats
from pdm_app.trpc.openapi import openapi
from pdm_app.trpc.procedures import Call, Middleware, Procedure, ProcedureType
from pdm_app.trpc.router import Router, RouterError
from pdm_app.trpc.signatures import SignatureError
from pdm_app.trpc.transformers import SUPERJSON
from pdm_app.trpc.typescript import app_router_types
from pdm_app.trpc.uploads import UploadedFile
from pdm_app.trpc.values import MISSING, ByteStream, Encoded, Missing, Tracked, tracked

__all__ = [
    "MISSING",
    "SUPERJSON",
    "ByteStream",
    "Call",
    "CallRecord",
    "Caller",
    "ConnectionInfo",
    "Encoded",
    "ErrorCode",
    "ErrorData",
    "Fault",
    "Issue",
    "Limits",
    "Middleware",
    "Missing",
    "Procedure",
    "ProcedureType",
    "Router",
    "RouterDocument",
    "RouterError",
    "SignatureError",
    "Stats",
    "Tracked",
    "TrpcApp",
    "TrpcError",
    "UploadedFile",
    "app_router_types",
    "describe_router",
    "openapi",
    "router_document",
    "tracked",
]
