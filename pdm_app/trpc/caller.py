"""Call procedures in the same process, through the same middleware and input validation as over the wire."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from pdm_app.trpc.errors import TrpcError
from pdm_app.trpc.procedures import Procedure
from pdm_app.trpc.values import MISSING


class Caller:
    """Calls the procedures of a router with one context.

    Results are the Python values the procedures return, not JSON. Exceptions pass unchanged: a ``TrpcError`` where a
    remote client would get one, anything else as it was raised.
    """

    def __init__(self, table: Mapping[str, Procedure], ctx: Any) -> None:
        self._table = table
        self._ctx = ctx

    async def __call__(self, path: str, input: Any = MISSING) -> Any:
        """Call a query or a mutation."""
        procedure = self._find(path)
        if procedure.type == "subscription":
            raise TrpcError("BAD_REQUEST", f"{path!r} is a subscription; iterate over caller.subscribe({path!r}).")
        return await procedure.start(self._ctx, None, lambda ctx: procedure.input.invoke_python(ctx, input))

    async def subscribe(self, path: str, input: Any = MISSING) -> AsyncIterator[Any]:
        """Iterate over a subscription's events, ``Tracked`` ones as they are. Close it to run its clean-up."""
        procedure = self._find(path)
        if procedure.type != "subscription":
            raise TrpcError("BAD_REQUEST", f"{path!r} is a {procedure.type}; await caller({path!r}).")
        events = await procedure.start(self._ctx, None, lambda ctx: procedure.input.invoke_python(ctx, input))
        async with aclosing(events):
            async for event in events:
                yield event

    def _find(self, path: str) -> Procedure:
        procedure = self._table.get(path)
        if procedure is None:
            raise TrpcError("NOT_FOUND", f'No procedure found on path "{path}"')
        return procedure
