"""Procedures about sinks: where copies of samples go, and how they get there."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Id, Instant, Name, Revision
from pdm_app.domain.signals import DataType
from pdm_app.domain.sinks import SECRET_CHARACTERS_MAX, Options, Sink, SinkFacts, SinkTest, SinkView
from pdm_app.domain.storage_rules import Pattern
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.sinks import SinkKindView
from pdm_app.trpc import MISSING, Missing

Secret = Annotated[str, Field(max_length=SECRET_CHARACTERS_MAX)]

sinks = procedures()


@sinks.query(permission="storage.configure")
async def kinds(ctx: Ctx) -> tuple[SinkKindView, ...]:
    """Return what samples can be sent to, and what each kind has been run against."""
    return ctx.services.sinks.kinds(ctx.actor)


@sinks.query(permission="storage.configure", rest="GET /sinks")
async def list(ctx: Ctx, *, site_id: Id | None = None) -> tuple[SinkView, ...]:
    """Return the sinks in reach, by name, and how each is doing."""
    return await ctx.services.sinks.all(ctx.actor, site_id)


@sinks.query(permission="storage.configure", rest="GET /sinks/{sink_id}")
async def by_id(ctx: Ctx, *, sink_id: Id) -> SinkView:
    """Return one sink, and how it is doing."""
    return await ctx.services.sinks.get(ctx.actor, sink_id)


@sinks.mutation(permission="storage.configure", rate="20/minute")
async def test_connection(
    ctx: Ctx,
    *,
    facts: SinkFacts,
    sink_id: Id | None = None,  # noqa: PT028 - no test of ours
    secret: Secret | None = None,  # noqa: PT028
) -> SinkTest:
    """Try to reach a target; no sample is sent. Without a secret the stored one is used, where nothing was changed."""
    return await ctx.services.sinks.test_connection(ctx.actor, facts, sink_id, secret)


@sinks.mutation(permission="storage.configure", rest="POST /sinks 201", rate="60/minute")
async def create(ctx: Ctx, *, facts: SinkFacts, secret: Secret = "") -> Sink:
    """Create a sink; samples leave from now on, or from ``begins_at`` on as far as history has them."""
    return await ctx.services.sinks.create(ctx.actor, facts, secret)


@sinks.mutation(permission="storage.configure", rest="PATCH /sinks/{sink_id}", rate="60/minute")
async def change(
    ctx: Ctx,
    *,
    sink_id: Id,
    name: Name | Missing = MISSING,
    enabled: bool | Missing = MISSING,
    pattern: Pattern | Missing = MISSING,
    asset_id: Id | Missing | None = MISSING,
    data_type: DataType | Missing | None = MISSING,
    options: Options | Missing = MISSING,
    revision: Revision | None = None,
) -> Sink:
    """Change the fields given; in force when this returns. With other options a stored secret is forgotten."""
    changes = given(
        name=name, enabled=enabled, pattern=pattern, asset_id=asset_id, data_type=data_type, options=options
    )
    return await ctx.services.sinks.change(ctx.actor, sink_id, changes, revision)


@sinks.mutation(permission="storage.configure", rate="60/minute")
async def put_secret(ctx: Ctx, *, sink_id: Id, secret: Secret) -> Sink:
    """Keep the password or token of a sink, sealed; an empty one forgets it."""
    return await ctx.services.sinks.put_secret(ctx.actor, sink_id, secret)


@sinks.mutation(permission="storage.configure", rest="DELETE /sinks/{sink_id}", rate="60/minute")
async def delete(ctx: Ctx, *, sink_id: Id, revision: Revision | None = None) -> Sink:
    """Delete a sink; what was sent stays where it is."""
    return await ctx.services.sinks.delete(ctx.actor, sink_id, revision)


@sinks.mutation(permission="storage.configure", rest="POST /sinks/{sink_id}/restore", rate="60/minute")
async def restore(ctx: Ctx, *, sink_id: Id) -> Sink:
    """Bring back a sink that was deleted; it goes on where it had got to."""
    return await ctx.services.sinks.restore(ctx.actor, sink_id)


@sinks.mutation(permission="storage.configure", rate="20/minute")
async def go_on_from(ctx: Ctx, *, sink_id: Id, from_at: Instant, revision: Revision | None = None) -> Sink:
    """Have a sink go on from a time: what lies after it is sent, again if need be; what lies before is left out."""
    return await ctx.services.sinks.go_on_from(ctx.actor, sink_id, from_at, revision)
