"""Who calls a procedure: from cookie, bearer token or device key to an Actor, checked anew for every call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pdm_app.domain.access import Actor, Permission
from pdm_app.services.catalogue import Services
from pdm_app.trpc import Call, ConnectionInfo, Router, TrpcError


@dataclass(frozen=True, slots=True)
class Visitor:
    """A connection whose caller is not known yet."""

    services: Services
    connection: ConnectionInfo

    async def actor(self) -> Actor:
        """Resolve the caller from the session record, so that a revoked session ends also on an open socket.

        A socket proves its session once, at the handshake; the age of that token says nothing later. A single HTTP
        request must bring a token that is still valid.

        Raises:
            UnauthenticatedError: No credentials, or they are no longer good.
        """
        connection = self.connection
        params = connection.connection_params or {}
        token = connection.bearer_token or params.get("token") or connection.cookies.get("pdm_access") or ""
        return await self.services.auth.actor_of_access(
            token,
            allow_expired=connection.transport != "http",
            address=connection.client_host or "",
        )


@dataclass(frozen=True, slots=True)
class Ctx:
    """What a procedure receives."""

    services: Services
    actor: Actor


async def signed_in(call: Call[Visitor], proceed: Callable[[Ctx], Awaitable[Any]]) -> Any:
    """Resolve the actor and check the permission that the procedure declares, before its input is read."""
    actor = await call.ctx.actor()
    permission = call.meta.get("permission")
    if permission is not None:
        actor.require(Permission(permission))
    return await proceed(Ctx(call.ctx.services, actor))


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
