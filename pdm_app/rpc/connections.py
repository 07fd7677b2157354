"""Procedures about connections."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from pydantic import Field

from pdm_app.domain.connections import (
    Connection,
    ConnectionFacts,
    ConnectionTest,
    DriverFacts,
    DriverName,
    EndpointText,
    Login,
)
from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Id, Name, Revision
from pdm_app.domain.secrets import PLAIN_BYTES_MAX
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.client_certificates import ClientCertificate
from pdm_app.services.connections import ConnectionView
from pdm_app.services.logins import LoginView
from pdm_app.trpc import MISSING, Missing

CertificateText = Annotated[str, Field(min_length=1, max_length=PLAIN_BYTES_MAX, description="PEM.")]
LoginWord = Annotated[str, Field(min_length=1, max_length=1024)]

connections = procedures()


@connections.query("list", permission="connections.read")
async def every(ctx: Ctx) -> tuple[ConnectionView, ...]:
    """Return all connections in reach with their state."""
    return await ctx.services.connections.all(ctx.actor)


@connections.subscription(permission="connections.read", coalesce=True)
async def watch(ctx: Ctx) -> AsyncIterator[tuple[ConnectionView, ...]]:
    """Send all connections with their state, then again whenever one changes."""
    async with aclosing(ctx.services.connections.watch(ctx.actor)) as views:
        async for view in views:
            yield view


@connections.mutation(permission="connections.configure", rest="POST /connections/{connection_id}/pause")
async def pause(ctx: Ctx, *, connection_id: Id) -> ConnectionView:
    """Stop reading a connection."""
    return await ctx.services.connections.pause(ctx.actor, connection_id)


@connections.mutation(permission="connections.configure", rest="POST /connections/{connection_id}/resume")
async def resume(ctx: Ctx, *, connection_id: Id) -> ConnectionView:
    """Read a paused connection again."""
    return await ctx.services.connections.resume(ctx.actor, connection_id)


@connections.query(permission="connections.configure", rest="GET /connections/{connection_id}/login")
async def login(ctx: Ctx, *, connection_id: Id) -> LoginView:
    """Say as whom a connection signs in at its endpoint; its password is nowhere to be read."""
    return await ctx.services.logins.view(ctx.actor, connection_id)


@connections.mutation(permission="connections.configure", rest="PUT /connections/{connection_id}/login")
async def put_login(ctx: Ctx, *, connection_id: Id, username: LoginWord, password: LoginWord) -> LoginView:
    """Have a connection sign in with a user name and password; it connects anew at once."""
    return await ctx.services.logins.put(ctx.actor, connection_id, username, password)


@connections.mutation(permission="connections.configure", rest="DELETE /connections/{connection_id}/login")
async def remove_login(ctx: Ctx, *, connection_id: Id) -> LoginView:
    """Have a connection sign in no more."""
    return await ctx.services.logins.forget(ctx.actor, connection_id)


@connections.query(permission="connections.configure", rest="GET /connections/drivers")
async def drivers(ctx: Ctx) -> tuple[DriverFacts, ...]:
    """Return every driver with its options, for forms to be made of."""
    return ctx.services.connection_tests.drivers(ctx.actor)


@connections.mutation(permission="connections.configure", rest="POST /connections/try-out", rate="30/minute")
async def try_out(
    ctx: Ctx,
    *,
    facts: ConnectionFacts,
    connection_id: Id | None = None,
    username: LoginWord | None = None,
    password: LoginWord | None = None,
) -> ConnectionTest:
    """Try to reach an endpoint once; nothing is stored, and nothing is written to the device.

    Without a login the stored one of the connection is used, as long as endpoint and options are the stored ones.
    """
    login = Login(username, password) if username is not None and password is not None else None
    return await ctx.services.connection_tests.run(ctx.actor, facts, connection_id, login)


@connections.query(permission="connections.configure", rest="GET /connections/{connection_id}/certificate")
async def certificate(ctx: Ctx, *, connection_id: Id) -> ClientCertificate:
    """Say with which certificate a connection signs in at its endpoint; its key is nowhere to be read."""
    return await ctx.services.client_certificates.view(ctx.actor, connection_id)


@connections.mutation(permission="connections.configure", rest="PUT /connections/{connection_id}/certificate")
async def put_certificate(
    ctx: Ctx, *, connection_id: Id, certificate: CertificateText, key: CertificateText
) -> ClientCertificate:
    """Have a connection sign in with a certificate, followed by those above it; it connects anew at once."""
    return await ctx.services.client_certificates.put(ctx.actor, connection_id, certificate, key)


@connections.mutation(permission="connections.configure", rest="DELETE /connections/{connection_id}/certificate")
async def remove_certificate(ctx: Ctx, *, connection_id: Id) -> ClientCertificate:
    """Have a connection show no certificate any more."""
    return await ctx.services.client_certificates.forget(ctx.actor, connection_id)


@connections.query(permission="connections.read", rest="GET /connections")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[Connection]:
    """Return a page of the connections in reach, by name; `list` says how they stand."""
    listing = Listing(site_id=site_id, text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.connections.page(ctx.actor, listing)


@connections.query(permission="connections.read", rest="GET /connections/{connection_id}")
async def by_id(ctx: Ctx, *, connection_id: Id) -> ConnectionView:
    """Return one connection with its state."""
    return await ctx.services.connections.by_id(ctx.actor, connection_id)


@connections.mutation(permission="connections.configure", rest="POST /connections")
async def create(ctx: Ctx, facts: ConnectionFacts) -> Connection:
    """Create a connection; it is made when this returns, and comes up by itself."""
    return await ctx.services.connections.create(ctx.actor, facts)


@connections.mutation(permission="connections.configure", rest="PATCH /connections/{connection_id}")
async def change(
    ctx: Ctx,
    *,
    connection_id: Id,
    name: Name | Missing = MISSING,
    driver: DriverName | Missing = MISSING,
    endpoint: EndpointText | Missing = MISSING,
    options: dict[str, Any] | Missing = MISSING,
    enabled: bool | Missing = MISSING,
    revision: Revision | None = None,
) -> Connection:
    """Change the fields given; with another endpoint, driver or option it connects anew."""
    changes = given(
        name=name,
        driver=driver,
        endpoint=endpoint,
        options=options,
        enabled=enabled,
    )
    return await ctx.services.connections.change(ctx.actor, connection_id, changes, revision)


@connections.mutation(permission="connections.configure", rest="DELETE /connections/{connection_id}")
async def delete(ctx: Ctx, *, connection_id: Id, revision: Revision | None = None) -> Connection:
    """Delete a connection; it can be restored. Refused while signals or devices use it."""
    return await ctx.services.connections.delete(ctx.actor, connection_id, revision)


@connections.mutation(permission="connections.configure", rest="POST /connections/{connection_id}/restore")
async def restore(ctx: Ctx, *, connection_id: Id) -> Connection:
    """Bring back a connection that was deleted."""
    return await ctx.services.connections.restore(ctx.actor, connection_id)
