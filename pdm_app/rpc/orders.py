"""Procedures of the orders that lines work."""

from pdm_app.domain.orders import Order, OrderFacts, OrderProgress
from pdm_app.domain.production_plan import OrderRun
from pdm_app.domain.record import Id, Revision
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.order_sheets import OrderSheet, OrderSheetTaken
from pdm_app.services.orders import OrderEnd

orders = procedures()


@orders.query("list", permission="history.read", rest="GET /sites/{site_id}/orders")
async def every(ctx: Ctx, *, site_id: Id, over: bool = False) -> tuple[OrderProgress, ...]:
    """Return the orders of a site with what was made for them: all that are not over, or the last hundred that are."""
    return await ctx.services.orders.page(ctx.actor, site_id, over=over)


@orders.mutation(permission="production.manage", rest="PUT /orders", rate="60/minute")
async def put(ctx: Ctx, *, facts: OrderFacts, order_id: Id | None = None, revision: Revision = 0) -> Order:
    """Add an order, or change one that is not over."""
    return await ctx.services.orders.put(ctx.actor, facts, order_id, revision)


@orders.mutation(permission="production.record", rest="POST /orders/{order_id}/begin", rate="60/minute")
async def begin(ctx: Ctx, *, order_id: Id) -> OrderRun:
    """Have a line work an order from now on; the one that it works now is paused."""
    return await ctx.services.orders.begin(ctx.actor, order_id)


@orders.mutation(permission="production.record", rest="POST /orders/{order_id}/end", rate="60/minute")
async def end(ctx: Ctx, *, order_id: Id, outcome: OrderEnd) -> Order:
    """Pause an order, or say that it is done, or, with the right to manage, that it is not to be made."""
    return await ctx.services.orders.end(ctx.actor, order_id, outcome)


@orders.mutation(permission="production.manage", rest="POST /sites/{site_id}/orders/sheet 201", rate="20/minute")
async def sheet(ctx: Ctx, *, site_id: Id, sheet: OrderSheet) -> OrderSheetTaken:
    """Add the orders of a CSV sheet (number, line, product, quantity, setup_min, due, note), all rows or none."""
    return await ctx.services.order_sheets.take(ctx.actor, site_id, sheet)
