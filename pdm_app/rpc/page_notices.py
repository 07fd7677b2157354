"""Procedures about the caller's own messages in the pages of the product."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from pydantic import Field

from pdm_app.domain.page_notices import PageNotice, PageNotices
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures

page_notices = procedures()

SHOWN_AT_ONCE_MAX = 50
MessageIds = Annotated[tuple[Id, ...], Field(min_length=1, max_length=SHOWN_AT_ONCE_MAX)]
Limit = Annotated[int, Field(ge=1, le=100)]


@page_notices.subscription(coalesce=False)
async def watch(ctx: Ctx) -> AsyncIterator[PageNotices]:
    """Send what is new for the caller, and again whenever something comes or was read."""
    async with aclosing(ctx.services.page_notices.watch(ctx.actor)) as pictures:
        async for picture in pictures:
            yield picture


@page_notices.query(rest="GET /notices/mine")
async def newest(ctx: Ctx) -> PageNotices:
    """Return what is new for the caller once, for pages that can only poll."""
    return await ctx.services.page_notices.now(ctx.actor)


@page_notices.query(rest="GET /notices/mine/older")
async def older(ctx: Ctx, *, before: Id | None = None, limit: Limit = 50) -> tuple[PageNotice, ...]:
    """Return the caller's messages that are older than one, newest first."""
    return await ctx.services.page_notices.page(ctx.actor, before, limit)


@page_notices.mutation(rest="POST /notices/mine/shown 200", rate="120/minute")
async def shown(ctx: Ctx, *, message_ids: MessageIds) -> int:
    """Say that the caller's browser has shown messages; their log in the delivery log says so from now on."""
    return await ctx.services.page_notices.shown(ctx.actor, message_ids)


@page_notices.mutation(rest="POST /notices/mine/read 200", rate="120/minute")
async def read(ctx: Ctx, *, until: Id) -> int:
    """Put away what the caller has read, up to and with a message."""
    return await ctx.services.page_notices.put_away(ctx.actor, until)
