"""Who calls a procedure: from cookie, bearer token or device key to an Actor, checked anew for every call."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import PermissionDeniedError, UnauthenticatedError
from pdm_app.rpc.errors import wire_error
from pdm_app.services.catalogue import Services
from pdm_app.trpc import Call, ConnectionInfo, Procedure, Router, TrpcError


@dataclass(slots=True)
class Visitor:
    """A connection and who stands behind it, as of the last `authorize`."""

    services: Services
    connection: ConnectionInfo
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Ctx:
    """What a procedure receives."""

    services: Services
    actor: Actor


async def authorize(visitor: Visitor, procedure: Procedure) -> None:
    """Resolve the caller from the session record and check the permission that the procedure declares.

    It runs before each call and again and again during a live subscription, so a revoked session ends also on an open
    socket. A socket proves its session once, at the handshake; the age of that token says nothing later. A single HTTP
    request must bring a token that is still valid.

    Raises:
        TrpcError: UNAUTHORIZED without credentials or with some that are no longer good; FORBIDDEN says which
            permission is missing. Nothing else ends a live subscription, least of all a database that is away.
    """
    connection = visitor.connection
    permission = procedure.meta.get("permission")
    try:
        actor = visitor.actor if connection.transport == "http" else None  # The calls of one request are of one moment.
        if actor is None:
            params = connection.connection_params or {}
            token = connection.bearer_token or params.get("token") or connection.cookies.get("pdm_access") or ""
            actor = await visitor.services.auth.actor_of_access(
                token, allow_expired=connection.transport != "http", address=connection.client_host or ""
            )
        if permission is not None:
            actor.require(Permission(permission))
    except (UnauthenticatedError, PermissionDeniedError) as error:
        raise wire_error(error) from None
    visitor.actor = actor


async def signed_in(call: Call[Visitor], proceed: Callable[[Ctx], Awaitable[Any]]) -> Any:
    """Hand the procedure what `authorize` has found, and a subscription no longer than that holds."""
    actor = call.ctx.actor
    if actor is None:
        raise TrpcError("UNAUTHORIZED", "Sign in first.")
    outcome = await proceed(Ctx(call.ctx.services, actor))
    return _while_rights_last(outcome, call.ctx, actor) if call.procedure.type == "subscription" else outcome


async def _while_rights_last(events: AsyncGenerator[Any, None], visitor: Visitor, actor: Actor) -> AsyncIterator[Any]:
    """Pass events on until `authorize` finds other rights or sites than those the subscription began with."""
    async with aclosing(events):
        async for event in events:
            now = visitor.actor or actor
            if now is not actor and (now.permissions, now.scope) != (actor.permissions, actor.scope):
                raise TrpcError("UNAUTHORIZED", "Your rights or sites were changed. Subscribe again.")
            yield event


async def create_context(services: Services, connection: ConnectionInfo) -> Visitor:
    """Refuse pages of other origins, which a browser would send with this one's cookies.

    Raises:
        TrpcError: FORBIDDEN for a foreign Origin.
    """
    if connection.is_foreign_origin:
        raise TrpcError("FORBIDDEN", "This page belongs to another site and may not call here.")
    return Visitor(services, connection)


def procedures() -> Router[Ctx]:
    """Return an empty router whose procedures get a resolved actor."""
    return Router[Visitor]().use(signed_in)
