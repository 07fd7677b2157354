"""Routers: procedures under dotted paths, nested and merged, with a typed context."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from pdm_app.trpc.caller import Caller
from pdm_app.trpc.procedures import Call, Middleware, Procedure, ProcedureType

Ctx = TypeVar("Ctx")
NarrowedCtx = TypeVar("NarrowedCtx")
P = ParamSpec("P")
R = TypeVar("R")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class RouterError(ValueError):
    """A router that contradicts itself: a path taken twice, or a name that cannot be part of a path."""


class Router(Generic[Ctx]):
    """A set of procedures that share a context type.

    Args:
        children: Routers nested under the keyword's name: ``Router(assets=assets)`` serves ``assets.by_id``.

    Middleware given to ``use`` runs around the procedures declared on the router it returns, and around everything
    nested in it; the outer router's runs first.
    """

    def __init__(self, **children: "Router[Any]") -> None:
        self._procedures: dict[str, Procedure] = {}
        self._middleware: tuple[Middleware, ...] = ()
        for name, child in children.items():
            self.nest(name, child)

    def query(
        self, name: str = "", /, *, timeout_s: float | None = None, rest: str = "", rate: str = "", **meta: Any
    ) -> Callable[[Callable[Concatenate[Ctx, P], R]], Callable[Concatenate[Ctx, P], R]]:
        """Declare a query: reads, changes nothing.

        Args:
            name: Replaces the function's name on the wire.
            timeout_s: Replaces ``Limits.call_timeout_s``.
            rest: Its address below the prefix of ``TrpcApp.rest_routes``, such as ``GET /assets/{asset_id}``. What
                stands in braces is a field of the input; the other fields are query parameters.
            rate: How often one caller may call it, such as ``60/minute``; more is TOO_MANY_REQUESTS.
            meta: The application's own metadata.
        """
        return self._declare("query", name, meta, timeout_s=timeout_s, rest=rest, rate=rate)

    def mutation(
        self, name: str = "", /, *, timeout_s: float | None = None, rest: str = "", rate: str = "", **meta: Any
    ) -> Callable[[Callable[Concatenate[Ctx, P], R]], Callable[Concatenate[Ctx, P], R]]:
        """Declare a mutation. It is cancelled only by its own time limit, never because the caller went away.

        Args:
            name: Replaces the function's name on the wire.
            timeout_s: Replaces ``Limits.call_timeout_s``.
            rest: Its address, such as ``PATCH /assets/{asset_id}``; the other fields are the JSON body, or for DELETE
                query parameters. A POST to a path without parameters creates and answers 201, any other answers 200:
                ``POST /assets/{asset_id}/notes 201`` says otherwise.
            rate: How often one caller may call it, such as ``60/minute``; more is TOO_MANY_REQUESTS.
            meta: The application's own metadata.
        """
        return self._declare("mutation", name, meta, timeout_s=timeout_s, rest=rest, rate=rate)

    def subscription(
        self, name: str = "", /, *, coalesce: bool = False, rate: str = "", **meta: Any
    ) -> Callable[[Callable[Concatenate[Ctx, P], R]], Callable[Concatenate[Ctx, P], R]]:
        """Declare a subscription: an async generator of events, ``tracked(id, event)`` where clients may resume.

        Args:
            name: Replaces the function's name on the wire.
            coalesce: Each event replaces the last: a client that cannot keep up gets the newest, the generator is
                never held up. Without it the generator waits for the client, and a client that takes nothing for
                ``Limits.stalled_s`` is disconnected.
            rate: How often one caller may call it, such as ``60/minute``; more is TOO_MANY_REQUESTS.
            meta: The application's own metadata.
        """
        return self._declare("subscription", name, meta, is_coalescing=coalesce, rate=rate)

    def use(
        self, middleware: Callable[[Call[Ctx], Callable[[NarrowedCtx], Awaitable[Any]]], Awaitable[Any]]
    ) -> "Router[NarrowedCtx]":
        """Return a router that declares into this one, with one more middleware and the context it hands on.

        ::

            async def signed_in(call: Call[Visitor], proceed: Callable[[User], Awaitable[Any]]) -> Any:
                if call.ctx.user is None:
                    raise TrpcError("UNAUTHORIZED")
                return await proceed(call.ctx.user)

            members = router.use(signed_in)
        """
        view: Router[NarrowedCtx] = Router()
        view._procedures = self._procedures
        view._middleware = (*self._middleware, middleware)
        return view

    def nest(self, name: str, child: "Router[Any]") -> None:
        """Put a router's procedures under ``name.``."""
        self._adopt(child, f"{_checked(name)}.")

    def merge(self, other: "Router[Any]") -> None:
        """Take another router's procedures over under their own paths."""
        self._adopt(other, "")

    def caller(self, ctx: Ctx) -> Caller:
        """Return what calls these procedures in the same process, all with this context."""
        return Caller(self.table(), ctx)

    def procedures(self) -> Iterator[Procedure]:
        """Yield every procedure in the order of declaration; ``Procedure.describe`` gives its schemas."""
        yield from self._procedures.values()

    def table(self) -> Mapping[str, Procedure]:
        """Path to procedure; a live, read-only view."""
        return MappingProxyType(self._procedures)

    def _adopt(self, child: "Router[Any]", prefix: str) -> None:
        for procedure in child.procedures():
            self._add(
                replace(
                    procedure,
                    path=prefix + procedure.path,
                    middleware=(*self._middleware, *procedure.middleware),
                )
            )

    def _declare(
        self, kind: ProcedureType, name: str, meta: Mapping[str, Any], **options: Any
    ) -> Callable[[Callable[Concatenate[Ctx, P], R]], Callable[Concatenate[Ctx, P], R]]:
        def declare(function: Callable[Concatenate[Ctx, P], R]) -> Callable[Concatenate[Ctx, P], R]:
            path = _checked(name or function.__name__)
            frozen_meta = MappingProxyType(dict(meta))
            self._add(Procedure.compile(path, kind, function, frozen_meta, middleware=self._middleware, **options))
            return function

        return declare

    def _add(self, procedure: Procedure) -> None:
        taken = self._procedures.get(procedure.path)
        if taken is not None:
            raise RouterError(
                f"Path {procedure.path!r} of {procedure.function.__qualname__} is taken by "
                f"{taken.function.__qualname__}; give one of them another name."
            )
        self._procedures[procedure.path] = procedure


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise RouterError(f"{name!r} cannot be part of a path: letters, digits, '_' and '-', no dot or comma.")
    return name
