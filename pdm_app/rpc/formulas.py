"""Procedures about formulas over signals."""

from pdm_app.domain.evaluations import Evaluation, EvaluationQuery, FunctionHelp
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
