"""Procedures about production: effectiveness of lines, stops and their reasons, and how machines are rated."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.oee import CostRates
from pdm_app.domain.oee_explained import Explanation, Kpi
from pdm_app.domain.production import (
    Product,
    ProductFacts,
    ProductionUnit,
    ProductionUnitFacts,
    SiteRates,
    StopReason,
    StopReasonFacts,
)
from pdm_app.domain.production_views import LineOverview, LineProduction, StopView, Timeline
from pdm_app.domain.record import Id, Instant, Revision, Text
from pdm_app.domain.stop_edits import StopEdit, StopEditFacts
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.count_sheets import Sheet, SheetTaken

production = procedures()

Limit = Annotated[int, Field(ge=1, le=1_000)]


@production.query(permission="history.read", rest="GET /sites/{site_id}/production")
async def overview(ctx: Ctx, *, site_id: Id, begin_at: Instant, end_at: Instant) -> tuple[LineOverview, ...]:
    """Return the lines of a site over a time, made of the shifts that begin in it, against target and week before."""
    return await ctx.services.production.overview(ctx.actor, site_id, begin_at, end_at)


@production.query(permission="history.read", rest="GET /lines/{line_id}/production")
async def line(ctx: Ctx, *, line_id: Id, begin_at: Instant, end_at: Instant) -> LineProduction:
    """Return a line over a time: the way from calendar time to good pieces, its machines, and reasons by time lost."""
    return await ctx.services.production.line(ctx.actor, line_id, begin_at, end_at)


@production.query(permission="history.read", rest="GET /lines/{line_id}/production/explained")
async def explain(ctx: Ctx, *, line_id: Id, begin_at: Instant, end_at: Instant, kpi: Kpi) -> Explanation:
    """Return why a figure of a line is what it is: formula, what stands in it, and what was left out."""
    return await ctx.services.production.explain(ctx.actor, line_id, begin_at, end_at, kpi)


@production.query(permission="history.read", rest="GET /lines/{line_id}/stops")
async def stops(
    ctx: Ctx, *, line_id: Id, begin_at: Instant, end_at: Instant, open_only: bool = False, limit: Limit = 200
) -> tuple[StopView, ...]:
    """Return the stops by which a line is rated, the newest first; minor and planned ones are told as sums."""
    return await ctx.services.stops.all(ctx.actor, line_id, begin_at, end_at, open_only=open_only, limit=limit)


@production.query(permission="history.read", rest="GET /assets/{asset_id}/states")
async def timeline(ctx: Ctx, *, asset_id: Id, begin_at: Instant, end_at: Instant) -> Timeline:
    """Return what a machine did, as intervals that follow each other."""
    return await ctx.services.production.timeline(ctx.actor, asset_id, begin_at, end_at)


@production.mutation(permission="production.record", rest="POST /assets/{asset_id}/stops 201", rate="120/minute")
async def say(ctx: Ctx, *, asset_id: Id, facts: StopEditFacts) -> StopEdit:
    """Say why a stop was, that it was two, that several were one, or what was made; sums are right at once."""
    return await ctx.services.stops.say(ctx.actor, asset_id, facts)


@production.query(permission="history.read", rest="GET /lines/{line_id}/counts")
async def counts(ctx: Ctx, *, line_id: Id, begin_at: Instant, end_at: Instant) -> tuple[StopEdit, ...]:
    """Return the pieces that were counted by hand on a line, the newest first; each can be taken back."""
    return await ctx.services.stops.counts(ctx.actor, line_id, begin_at, end_at)


@production.mutation(permission="production.record", rest="POST /sites/{site_id}/counts 201", rate="20/minute")
async def count_sheet(ctx: Ctx, *, site_id: Id, sheet: Sheet) -> SheetTaken:
    """Enter the pieces of a CSV sheet (time, machine, kind, pieces, product, note), all rows or none."""
    return await ctx.services.count_sheets.take(ctx.actor, site_id, sheet)


@production.mutation(
    permission="production.record", rest="DELETE /shifts/{shift_id}/stops/{edit_id}", rate="120/minute"
)
async def take_back(ctx: Ctx, *, shift_id: Id, edit_id: Id) -> StopEdit:
    """Take back what was said of a stop."""
    return await ctx.services.stops.take_back(ctx.actor, shift_id, edit_id)


@production.mutation(permission="production.manage", rest="POST /shifts/{shift_id}/lock", rate="60/minute")
async def lock(ctx: Ctx, *, shift_id: Id) -> None:
    """Lock a shift that is over: neither people nor late samples change it."""
    await ctx.services.stops.lock(ctx.actor, shift_id)


@production.mutation(permission="production.manage", rest="POST /shifts/{shift_id}/unlock", rate="60/minute")
async def unlock(ctx: Ctx, *, shift_id: Id, reason: Text) -> None:
    """Let a locked shift be changed again, for a reason."""
    await ctx.services.stops.unlock(ctx.actor, shift_id, reason)


# --- set-up ---------------------------------------------------------------------------------------------------------


@production.query(permission="history.read", rest="GET /sites/{site_id}/production/units")
async def units(ctx: Ctx, *, site_id: Id) -> tuple[ProductionUnit, ...]:
    """Return how the machines of a site are rated."""
    return await ctx.services.production_setup.units(ctx.actor, site_id)


@production.mutation(permission="production.configure", rest="PUT /assets/{asset_id}/production", rate="30/minute")
async def put_unit(
    ctx: Ctx, *, asset_id: Id, facts: ProductionUnitFacts, revision: Revision, reason: Text = ""
) -> ProductionUnit:
    """Say by which signals and rules a machine is rated; ``revision`` is the one looked at, 0 for none."""
    return await ctx.services.production_setup.put_unit(ctx.actor, asset_id, facts, revision, reason)


@production.mutation(
    permission="production.configure", rest="POST /assets/{asset_id}/production/again", rate="30/minute"
)
async def derive_again(ctx: Ctx, *, asset_id: Id, begin_at: Instant, end_at: Instant) -> int:
    """Have a machine's shifts of a time derived from history again, but locked ones; return how many are planned."""
    return await ctx.services.production_setup.derive_again(ctx.actor, asset_id, begin_at, end_at)


@production.query(permission="history.read", rest="GET /sites/{site_id}/products")
async def products(ctx: Ctx, *, site_id: Id) -> tuple[Product, ...]:
    """Return what a site makes."""
    return await ctx.services.production_setup.products(ctx.actor, site_id)


@production.mutation(permission="production.configure", rest="PUT /products", rate="60/minute")
async def put_product(
    ctx: Ctx, *, facts: ProductFacts, product_id: Id | None = None, revision: Revision = 0
) -> Product:
    """Add a product, or change one."""
    return await ctx.services.production_setup.put_product(ctx.actor, facts, product_id, revision)


@production.query(permission="history.read", rest="GET /sites/{site_id}/stop-reasons")
async def reasons(ctx: Ctx, *, site_id: Id) -> tuple[StopReason, ...]:
    """Return why machines of a site may stand: a tree of two levels."""
    return await ctx.services.production_setup.reasons(ctx.actor, site_id)


@production.mutation(permission="production.configure", rest="PUT /stop-reasons", rate="60/minute")
async def put_reason(
    ctx: Ctx, *, facts: StopReasonFacts, reason_id: Id | None = None, revision: Revision = 0
) -> StopReason:
    """Add a reason, or change one."""
    return await ctx.services.production_setup.put_reason(ctx.actor, facts, reason_id, revision)


@production.query(permission="history.read", rest="GET /sites/{site_id}/production/rates")
async def rates(ctx: Ctx, *, site_id: Id) -> SiteRates:
    """Return what losses cost at a site."""
    return await ctx.services.production_setup.rates(ctx.actor, site_id)


@production.mutation(permission="production.manage", rest="PUT /sites/{site_id}/production/rates", rate="30/minute")
async def put_rates(ctx: Ctx, *, site_id: Id, facts: CostRates, revision: Revision, reason: Text = "") -> SiteRates:
    """Say what lost time and lost pieces cost at a site; ``revision`` is the one looked at, 0 for none."""
    return await ctx.services.production_setup.put_rates(ctx.actor, site_id, facts, revision, reason)
