"""Procedures about formulas over signals."""

from pdm_app.domain.evaluations import Evaluation, EvaluationQuery, FunctionHelp
from pdm_app.domain.recalculations import DerivedSignal, Recalculation
from pdm_app.domain.record import Id, Instant, SignalNumber
from pdm_app.domain.samples import Micros
from pdm_app.rpc.context import Ctx, procedures

formulas = procedures()


@formulas.query(permission="history.read", rest="GET /formulas/functions")
async def functions(ctx: Ctx) -> tuple[FunctionHelp, ...]:
    """Return the functions of the language of formulas."""
    return ctx.services.formulas.functions(ctx.actor)


@formulas.query(permission="history.read")
async def evaluate(ctx: Ctx, query: EvaluationQuery) -> Evaluation:
    """Return a formula's outcome over a span of history; a formula that cannot be used is refused at its column."""
    return await ctx.services.formulas.evaluate(ctx.actor, query)


@formulas.query(permission="signals.read", rest="GET /formulas/signals")
async def signals(ctx: Ctx, *, site_id: Id | None = None) -> tuple[DerivedSignal, ...]:
    """Return the derived signals in reach, and why one of them is not reckoned now."""
    return await ctx.services.recalculations.derived(ctx.actor, site_id)


@formulas.mutation(permission="signals.configure", rest="POST /signals/{signal_id}/recalculations", rate="60/minute")
async def recalculate(ctx: Ctx, *, signal_id: SignalNumber, start_at: Instant, end_at: Instant) -> Recalculation:
    """Have a derived signal, and those that read it, recalculated over a span; `recalculations` tells how far."""
    return await ctx.services.recalculations.ask(ctx.actor, signal_id, Micros(start_at), Micros(end_at))


@formulas.query(permission="signals.read", rest="GET /recalculations")
async def recalculations(ctx: Ctx) -> tuple[Recalculation, ...]:
    """Return the recalculations in reach since the program started, newest first."""
    return ctx.services.recalculations.all(ctx.actor)


@formulas.mutation(permission="signals.configure", rest="DELETE /recalculations/{recalculation_id}")
async def cancel_recalculation(ctx: Ctx, *, recalculation_id: Id) -> Recalculation:
    """Stop a recalculation; what it has put in place stays."""
    return await ctx.services.recalculations.cancel(ctx.actor, recalculation_id)
