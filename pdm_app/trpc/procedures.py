"""What a procedure is: its path, its type, its compiled signature, its metadata and the middleware around it."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import PydanticUserError

from pdm_app.trpc.rates import Rate, RateError
from pdm_app.trpc.rest_input import TextFields
from pdm_app.trpc.rest_routes import METHODS, RestError, RestRoute
from pdm_app.trpc.signatures import Function, InputType, OutputType, SignatureError

if TYPE_CHECKING:
    from pdm_app.trpc.connection import ConnectionInfo

Ctx = TypeVar("Ctx")
ProcedureType = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True)
class Call(Generic[Ctx]):
    """What a middleware sees of one call. The input is not decoded yet: refusing comes first."""

    procedure: "Procedure"
    ctx: Ctx
    connection: "ConnectionInfo | None"

    @property
    def path(self) -> str:
        """The dotted path that was called."""
        return self.procedure.path

    @property
    def meta(self) -> Mapping[str, Any]:
        """The procedure's metadata."""
        return self.procedure.meta


Proceed = Callable[[Any], Awaitable[Any]]
Middleware = Callable[[Call[Any], Proceed], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Procedure:
    """One callable of a router.

    Attributes:
        path: Dotted, unique in the root router.
        meta: Free-form and the application's own: permission, rate limit, audit.
        middleware: Outermost first.
        is_coalescing: Of a subscription: a client that cannot keep up gets the newest event only.
        timeout_s: Of a query or mutation; None takes the application's limit.
        rest: Its address as REST, if it has one.
        rate: How often one caller may call it; None for as often as the application allows at all.
        doc: The function's docstring, for introspection.
    """

    path: str
    type: ProcedureType
    function: Function
    input: InputType
    output: OutputType
    meta: Mapping[str, Any]
    middleware: tuple[Middleware, ...] = ()
    is_coalescing: bool = False
    timeout_s: float | None = None
    rest: RestRoute | None = None
    rate: Rate | None = None
    doc: str = field(default="", repr=False)

    @classmethod
    def compile(
        cls,
        path: str,
        kind: ProcedureType,
        function: Function,
        meta: Mapping[str, Any],
        *,
        middleware: tuple[Middleware, ...] = (),
        is_coalescing: bool = False,
        timeout_s: float | None = None,
        rest: str = "",
        rate: str = "",
    ) -> "Procedure":
        """Compile a function's annotations.

        Raises:
            SignatureError: The function cannot be a procedure of this kind.
        """
        try:
            taken, returned = InputType(function), OutputType(function)
        except PydanticUserError as error:
            raise SignatureError(f"Procedure {path!r}, function {function.__qualname__}: {error.message}") from error
        procedure = cls(
            path=path,
            type=kind,
            function=function,
            input=taken,
            output=returned,
            meta=meta,
            middleware=middleware,
            is_coalescing=is_coalescing,
            timeout_s=timeout_s,
            rate=_read_rate(path, rate) if rate else None,
            doc=inspect.getdoc(function) or "",
        )
        if kind == "subscription" and not procedure.output.is_iterator:
            raise SignatureError(f"Subscription {path!r} must be annotated as AsyncIterator[T] and yield its events.")
        if kind == "mutation" and procedure.output.is_iterator:
            raise SignatureError(f"Mutation {path!r} returns an iterator; only queries and subscriptions may stream.")
        if procedure.input.form == "stream" and kind != "mutation":
            raise SignatureError(f"{kind.title()} {path!r} takes a ByteStream; only mutations have a body.")
        return replace(procedure, rest=procedure.read_rest(rest)) if rest else procedure

    def read_rest(self, declared: str) -> RestRoute:
        """Read where the procedure is to be found as REST.

        Raises:
            SignatureError: It cannot be there.
        """
        who = f"Procedure {self.path!r}, rest={declared!r}"
        try:
            route = RestRoute.parse(declared)
        except RestError as error:
            raise SignatureError(f"{who}: {error}") from None
        if route.method not in METHODS[self.type] or self.output.is_iterator:
            kind = "query that streams" if self.type == "query" and self.output.is_iterator else self.type
            methods = "no REST address" if self.output.is_iterator else " or ".join(METHODS[self.type])
            raise SignatureError(f"{who}: a {kind} has {methods}.")
        strangers = set(route.parameters) - self.input.keywords
        if strangers and (strangers := strangers - TextFields(self.input.adapter, self.input.parameter).names):
            raise SignatureError(f"{who}: {', '.join(sorted(strangers))} is no field of its input.")
        return route

    async def start(self, ctx: Any, connection: "ConnectionInfo | None", invoke: Callable[[Any], Any]) -> Any:
        """Run the middleware and then ``invoke(ctx)``; return the result, or the iterator of events."""
        return await self._at(0, ctx, connection, invoke)

    async def _at(self, depth: int, ctx: Any, connection: "ConnectionInfo | None", invoke: Callable[[Any], Any]) -> Any:
        """Go on from the middleware at ``depth``; no closure holds itself, which would be garbage only the GC finds."""
        if depth == len(self.middleware):
            outcome = invoke(ctx)
            return await outcome if inspect.isawaitable(outcome) else outcome
        return await self.middleware[depth](
            Call(self, ctx, connection), lambda narrowed: self._at(depth + 1, narrowed, connection, invoke)
        )

    def describe(self) -> dict[str, Any]:
        """Return path, type, input and output JSON schema, metadata and docstring."""
        return {
            "path": self.path,
            "type": self.type,
            "input": self.input.json_schema(),
            "input_optional": self.input.is_optional,
            "output": self.output.json_schema(),
            "tracked": self.output.is_tracked,
            "meta": dict(self.meta),
            "doc": self.doc,
        }


def _read_rate(path: str, written: str) -> Rate:
    try:
        return Rate.parse(written)
    except RateError as error:
        raise SignatureError(f"Procedure {path!r}: {error}") from None
