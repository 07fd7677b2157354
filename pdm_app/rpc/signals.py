"""Procedures about the signal registry."""

from typing import Any

from pdm_app.domain.plant import Cursor, Listing, Page, PageSize, Words
from pdm_app.domain.record import Finite, Id, Position, Revision, SignalNumber
from pdm_app.domain.signals import (
    Deadband,
    Decimals,
    FormulaText,
    Label,
    PollEvery,
    Shape,
    Signal,
    SignalFacts,
    SignalName,
    StaleAfter,
    UnitCode,
)
from pdm_app.rpc.changes import given
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.trpc import MISSING, Missing

signals = procedures()


@signals.query("list", permission="signals.read")
async def every(ctx: Ctx, *, asset_id: Id | None = None) -> tuple[Signal, ...]:
    """Return all signals in reach, or those of one machine in order of importance."""
    return await ctx.services.signals.all(ctx.actor, asset_id)


@signals.query(permission="signals.read", rest="GET /signals/{signal_id}")
async def by_id(ctx: Ctx, *, signal_id: SignalNumber) -> Signal:
    """Return one signal."""
    return (await ctx.services.signals.some(ctx.actor, [signal_id]))[0]


@signals.query(permission="signals.read", rest="GET /signals")
async def page(
    ctx: Ctx,
    *,
    site_id: Id | None = None,
    asset_id: Id | None = None,
    connection_id: Id | None = None,
    text: Words = "",
    deleted: bool = False,
    cursor: Cursor | None = None,
    limit: PageSize = 100,
) -> Page[Signal]:
    """Return a page of the signals in reach, by name."""
    listing = Listing(site_id=site_id, text=text, deleted=deleted, cursor=cursor, limit=limit)
    return await ctx.services.signals.page(ctx.actor, listing, asset_id=asset_id, connection_id=connection_id)


@signals.mutation(permission="signals.configure", rest="POST /signals")
async def create(ctx: Ctx, facts: SignalFacts) -> Signal:
    """Create a signal of a machine; it is read when this returns."""
    return await ctx.services.signals.create(ctx.actor, facts)


@signals.mutation(permission="signals.configure", rest="PATCH /signals/{signal_id}")
async def change(
    ctx: Ctx,
    *,
    signal_id: SignalNumber,
    name: SignalName | Missing = MISSING,
    label: Label | Missing = MISSING,
    unit: UnitCode | Missing = MISSING,
    shape: Shape | Missing = MISSING,
    decimals: Decimals | Missing = MISSING,
    range_low: Finite | Missing | None = MISSING,
    range_high: Finite | Missing | None = MISSING,
    normal_low: Finite | Missing | None = MISSING,
    normal_high: Finite | Missing | None = MISSING,
    position: Position | Missing = MISSING,
    connection_id: Id | Missing | None = MISSING,
    address: dict[str, Any] | Missing = MISSING,
    scale: Finite | Missing = MISSING,
    offset: Finite | Missing = MISSING,
    poll_every_s: PollEvery | Missing = MISSING,
    deadband: Deadband | Missing = MISSING,
    stale_after_s: StaleAfter | Missing = MISSING,
    formula: FormulaText | Missing | None = MISSING,
    revision: Revision | None = None,
) -> Signal:
    """Change the fields given; in force when this returns."""
    changes = given(
        name=name,
        label=label,
        unit=unit,
        shape=shape,
        decimals=decimals,
        range_low=range_low,
        range_high=range_high,
        normal_low=normal_low,
        normal_high=normal_high,
        position=position,
        connection_id=connection_id,
        address=address,
        scale=scale,
        offset=offset,
        poll_every_s=poll_every_s,
        deadband=deadband,
        stale_after_s=stale_after_s,
        formula=formula,
    )
    return await ctx.services.signals.change(ctx.actor, signal_id, changes, revision)


@signals.mutation(permission="signals.configure", rest="DELETE /signals/{signal_id}")
async def delete(ctx: Ctx, *, signal_id: SignalNumber, revision: Revision | None = None) -> Signal:
    """Delete a signal; its history stays, and it can be restored. Refused while alarm rules belong to it."""
    return await ctx.services.signals.delete(ctx.actor, signal_id, revision)


@signals.mutation(permission="signals.configure", rest="POST /signals/{signal_id}/restore")
async def restore(ctx: Ctx, *, signal_id: SignalNumber) -> Signal:
    """Bring back a signal that was deleted."""
    return await ctx.services.signals.restore(ctx.actor, signal_id)
