"""Carry out calls: context, authorisation, middleware, time limit, and the translation of every failure.

What leaves here is JSON for a result or an error shape. The text of an exception nobody meant for the client never
does: it goes to ``on_fault`` once, with the correlation id that the client is given.
"""

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import copy
from time import monotonic, perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from pdm_app.trpc.connection import ConnectionInfo
from pdm_app.trpc.deadlines import Deadlines
from pdm_app.trpc.errors import RETRY_AFTER, TrpcError
from pdm_app.trpc.limits import Limits, Stats
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.rates import Rate, Rates
from pdm_app.trpc.signatures import OutputError, with_last_event_id
from pdm_app.trpc.transformers import SuperJson
from pdm_app.trpc.uploads import Form
from pdm_app.trpc.values import ByteStream, Missing

Ctx = TypeVar("Ctx")
log = logging.getLogger(__name__)


class CallRecord(NamedTuple):
    """One finished call, for metrics and access logs. A subscription counts as finished once it has started."""

    procedure: Procedure | None
    connection: ConnectionInfo
    code: str
    duration_s: float


class Fault(NamedTuple):
    """An exception that was not meant for the client, who saw only the correlation id."""

    exception: BaseException
    path: str | None
    correlation_id: str


class Outcome(NamedTuple):
    """A call's answer: JSON ``data``, None for no data, or else the JSON shape of an ``error``."""

    code: str
    status: int
    data: bytes | None
    error: bytes = b""


class BodySource:
    """Input that has to be read from the network first."""

    async def read(self) -> bytes | Missing:
        """Return the JSON of one call's input."""
        raise NotImplementedError

    def stream(self) -> ByteStream:
        """Return the body as it arrives."""
        raise NotImplementedError

    async def form(self) -> Form:
        """Return the form that the body is; the caller closes it."""
        raise TrpcError("UNSUPPORTED_MEDIA_TYPE", "This procedure takes a body of multipart/form-data")


RawInput = bytes | Missing | BodySource
CreateContext = Callable[[ConnectionInfo], Awaitable[Ctx]]
Authorize = Callable[[Ctx, Procedure], Awaitable[None]]
Translate = Callable[[Exception], TrpcError | None]
RateKey = Callable[[Ctx, ConnectionInfo], str]
FormatError = Callable[[dict[str, Any], TrpcError, ConnectionInfo], dict[str, Any]]


def log_fault(fault: Fault) -> None:
    """Log a fault with its traceback; the default of ``on_fault``."""
    log.error(
        "RPC %s failed, correlation id %s", fault.path or "request", fault.correlation_id, exc_info=fault.exception
    )


class Dispatcher(Generic[Ctx]):
    """Runs procedures for all transports. See ``TrpcApp`` for the hooks."""

    def __init__(
        self,
        *,
        create_context: CreateContext[Ctx],
        authorize: Authorize[Ctx] | None,
        translate: Translate | None,
        format_error: FormatError | None,
        on_call: Callable[[CallRecord], None] | None,
        on_fault: Callable[[Fault], None],
        limits: Limits,
        rate: Rate | None = None,
        rate_key: RateKey[Ctx] | None = None,
        transformer: SuperJson | None = None,
    ) -> None:
        self.deadlines = Deadlines()
        self.rate = rate
        self._rates = Rates(monotonic)
        self._rate_key: RateKey[Ctx] = rate_key or _address
        self.transformer = transformer
        self._create_context = create_context
        self.authorize = authorize
        self.limits = limits
        self.stats = Stats()
        self._translate = translate
        self._format_error = format_error
        self._on_call = on_call
        self._on_fault = on_fault

    def untransformed(self) -> "Dispatcher[Ctx]":
        """Return one with the same hooks, limits and counters that speaks plain JSON."""
        plain = copy(self)
        plain.transformer = None
        return plain

    async def context(self, connection: ConnectionInfo) -> Ctx:
        """Create the context of one request or socket, within the time limit of a call."""
        with self.deadlines.limit(self.limits.call_timeout_s, "The context"):
            return await self._create_context(connection)

    async def run(
        self, procedure: Procedure, ctx: Ctx, connection: ConnectionInfo, raw: RawInput, last_event_id: str = ""
    ) -> Any:
        """Authorise and run one procedure; return its result or its iterator of events.

        Raises:
            Exception: Whatever the procedure raised; ``failure`` explains it.
        """
        if self.authorize is not None:
            await self.authorize(ctx, procedure)
        if procedure.rate is not None or self.rate is not None:
            self._take(procedure, ctx, connection)
        if procedure.middleware:
            return await procedure.start(
                ctx, connection, lambda narrowed: self._invoke(procedure, narrowed, raw, last_event_id)
            )
        return await self._invoke(procedure, ctx, raw, last_event_id)

    async def answer(self, procedure: Procedure, ctx: Ctx, connection: ConnectionInfo, raw: RawInput) -> Outcome:
        """Run a query or mutation to its end and encode what comes of it. Never raises but for cancellation."""
        started = perf_counter()
        timeout_s = procedure.timeout_s or self.limits.call_timeout_s
        try:
            with self.deadlines.limit(timeout_s, procedure.path):
                result = await self.run(procedure, ctx, connection, raw)
            if procedure.output.is_iterator:
                await close_iterator(result)
                raise TrpcError(
                    "UNSUPPORTED_MEDIA_TYPE",
                    f"Cannot return an async iterable from a {procedure.type} procedure with WebSockets"
                    if connection.transport == "websocket"
                    else "Cannot use stream-like response in non-streaming request - use httpBatchStreamLink",
                )
            encoder = self.transformer
            data = procedure.output.encode(result) if encoder is None else encoder.encode(procedure.output, result)
            outcome = Outcome("OK", 200, data)
        except Exception as error:
            outcome = self.failure(error, connection, procedure.path)
        self._count(procedure, connection, outcome.code, started)
        return outcome

    async def subscribe(
        self, procedure: Procedure, ctx: Ctx, connection: ConnectionInfo, raw: RawInput, last_event_id: str = ""
    ) -> AsyncIterator[Any] | Outcome:
        """Start a subscription, after the event of an id if there is one.

        Returns:
            Its iterator, or the error that kept it from starting.
        """
        started = perf_counter()
        events: AsyncIterator[Any] | Outcome
        try:
            with self.deadlines.limit(self.limits.call_timeout_s, procedure.path):
                events = await self.run(procedure, ctx, connection, raw, last_event_id)
        except Exception as error:
            events = self.failure(error, connection, procedure.path)
        self._count(procedure, connection, events.code if isinstance(events, Outcome) else "OK", started)
        return events

    def encode_event(self, procedure: Procedure, event: Any) -> tuple[str | None, str | None]:
        """Return the id (None when not tracked) and the JSON text of one event (None where it has none)."""
        if self.transformer is None:
            return procedure.output.encode_event(event)
        return self.transformer.encode_event(procedure.output, event)

    def within(self, before: str, encoded: str, after: str, at: str) -> str:
        """Put something encoded at a dotted path of a larger value."""
        if self.transformer is None:
            return f"{before}{encoded}{after}"
        return self.transformer.within(before, encoded, after, at)

    def refuse(self, error: TrpcError, connection: ConnectionInfo, path: str | None) -> Outcome:
        """Encode an error found before any procedure ran, and count it."""
        self._count(None, connection, error.code, perf_counter())
        return self.failure(error, connection, path)

    def failure(self, error: Exception, connection: ConnectionInfo, path: str | None) -> Outcome:
        """Explain an exception to the client."""
        known = self._explained(error, connection, path)
        if known is None or isinstance(known, OutputError):
            correlation_id = connection.correlation_id
            self.report(error if known is None else known, connection, path)
            message = "Internal server error" if known is None else known.message
            known = TrpcError(
                "INTERNAL_SERVER_ERROR",
                f"{message}. Quote {correlation_id} when reporting it.",
                data={"correlationId": correlation_id},
            )
        if RETRY_AFTER in known.data:
            connection.come_back_after(known.data[RETRY_AFTER])
        shape = known.shape(path)
        try:
            if self._format_error is not None:
                shape = self._format_error(shape, known, connection)
            encoded = orjson.dumps(shape)
        except Exception as hook_error:  # A formatter's bug must not leave the caller without an answer.
            self.report(hook_error, connection, path)
            encoded = orjson.dumps(TrpcError(known.code, known.message).shape(path))
        if self.transformer is not None:
            encoded = self.transformer.error(encoded)
        return Outcome(known.code, known.http_status, None, encoded)

    def report(self, exception: BaseException, connection: ConnectionInfo, path: str | None) -> None:
        """Tell ``on_fault`` about an exception that no client should read."""
        self._on_fault(Fault(exception, path, connection.correlation_id))

    def _take(self, procedure: Procedure, ctx: Ctx, connection: ConnectionInfo) -> None:
        """Count a call against the rates of its procedure and of all calls.

        Raises:
            TrpcError: TOO_MANY_REQUESTS, with the seconds to wait.
        """
        caller = self._rate_key(ctx, connection)
        for rate, what in ((procedure.rate, procedure.path), (self.rate, "")):
            wait_s = self._rates.take(rate, what, caller) if rate is not None else 0
            if wait_s and rate is not None:
                raise TrpcError(
                    "TOO_MANY_REQUESTS",
                    f"{f'{what!r} may be called' if what else 'You may call'} {rate.words}. Call again in {wait_s} s.",
                    data={RETRY_AFTER: wait_s},
                )

    def _count(self, procedure: Procedure | None, connection: ConnectionInfo, code: str, started_s: float) -> None:
        if self._on_call is not None:
            self._on_call(CallRecord(procedure, connection, code, perf_counter() - started_s))

    def _explained(self, error: Exception, connection: ConnectionInfo, path: str | None) -> TrpcError | None:
        if isinstance(error, TrpcError):
            return error
        if self._translate is None:
            return None
        try:
            return self._translate(error)
        except Exception as hook_error:
            self.report(hook_error, connection, path)
            return None

    async def _invoke(self, procedure: Procedure, ctx: Any, raw: RawInput, last_event_id: str = "") -> Any:
        """Wait for the input, unless the procedure takes none: such a call does not fail on a bad body."""
        taken = procedure.input
        if taken.form == "stream":
            if not isinstance(raw, BodySource):
                raise TrpcError(
                    "UNSUPPORTED_MEDIA_TYPE", f'"{procedure.path}" takes a body of application/octet-stream'
                )
            outcome = taken.invoke_stream(ctx, raw.stream())
        elif taken.form == "form":
            return await self._invoke_form(procedure, ctx, raw)
        elif taken.form == "none":
            outcome = taken.invoke(ctx, Missing.MISSING)
        else:
            encoded = await raw.read() if isinstance(raw, BodySource) else raw
            if self.transformer is not None:
                encoded = self.transformer.read(encoded)
            if last_event_id and taken.takes_last_event_id:
                encoded = with_last_event_id(encoded, last_event_id)
            outcome = taken.invoke(ctx, encoded)
        return await outcome if inspect.isawaitable(outcome) else outcome

    async def _invoke_form(self, procedure: Procedure, ctx: Any, raw: RawInput) -> Any:
        """Run a procedure over a form, whose files last no longer than it."""
        if not isinstance(raw, BodySource):
            raise TrpcError("UNSUPPORTED_MEDIA_TYPE", f'"{procedure.path}" takes a body of multipart/form-data')
        form = await raw.form()
        try:
            return await procedure.input.invoke_form(ctx, form)
        finally:
            form.close()


def _address(_ctx: Any, connection: ConnectionInfo) -> str:
    """Tell callers apart by where they call from; the default of ``rate_key``."""
    return connection.client_host or ""


async def close_iterator(events: Any) -> None:
    """Run an async generator's clean-up; a plain iterator has none."""
    close = getattr(events, "aclose", None)
    if close is not None:
        await close()
