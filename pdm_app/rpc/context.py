"""Who calls a procedure: from cookie, bearer token or device key to an Actor, checked anew for every call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pdm_app.domain.access import Actor, Permission
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
        UnauthenticatedError: No credentials, or they are no longer good.
        PermissionDeniedError: Says which permission is missing.
    """
    connection = visitor.connection
    params = connection.connection_params or {}
    token = connection.bearer_token or params.get("token") or connection.cookies.get("pdm_access") or ""
    actor = await visitor.services.auth.actor_of_access(
        token, allow_expired=connection.transport != "http", address=connection.client_host or ""
    )
    permission = procedure.meta.get("permission")
    if permission is not None:
        actor.require(Permission(permission))
    visitor.actor = actor


async def signed_in(call: Call[Visitor], proceed: Callable[[Ctx], Awaitable[Any]]) -> Any:
    """Hand the procedure what `authorize` has found."""
    if call.ctx.actor is None:
        raise TrpcError("UNAUTHORIZED", "Sign in first.")
    return await proceed(Ctx(call.ctx.services, call.ctx.actor))


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
