"""Procedures about training: what there is to learn from, jobs, and backtests; promotion is with the models."""

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.record import Id
from pdm_app.domain.training import (
    RowSeconds,
    Span,
    TrainingJob,
    TrainingOrder,
    TrainingPlan,
    refuse_too_long,
)
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.model_backtests import BacktestOrder

training = procedures()


@training.query(permission="models.train", rest="GET /training/plan")
async def plan(ctx: Ctx, *, asset_id: Id, span: Span, row_s: RowSeconds = 60) -> TrainingPlan:
    """Return what there is to learn from: signals with the grade of their data, and known troubles to leave out."""
    try:
        refuse_too_long(span, row_s)
    except ValueError as error:
        raise InvalidInputError(
            f"The time is too long: {error}.", [FieldIssue("span", str(error), "shorten it")]
        ) from None
    return await ctx.services.training.plan(ctx.actor, asset_id, span, row_s)


@training.query(permission="models.train", rest="GET /training/jobs")
async def jobs(ctx: Ctx, *, asset_id: Id | None = None) -> tuple[TrainingJob, ...]:
    """Return trainings and backtests since the start of the process, newest first, with how far each is."""
    return await ctx.services.training.list(ctx.actor, asset_id)


@training.mutation(permission="models.train", rest="POST /training/jobs 201", rate="20/minute")
async def start(ctx: Ctx, order: TrainingOrder) -> TrainingJob:
    """Train a model on a machine's past; it is kept as a candidate that scores nothing yet."""
    return await ctx.services.training.train(ctx.actor, order)


@training.mutation(permission="models.train", rest="POST /training/adoptions 201", rate="6/minute")
async def adopt(ctx: Ctx, *, order: TrainingOrder, upload_id: Id) -> TrainingJob:
    """Try an ONNX graph of your own in a limited process, find its threshold, and keep it as a candidate.

    It comes as an upload of the kind ``model``; the signals of the order are those of its window, in that order.
    """
    return await ctx.services.training.adopt(ctx.actor, order, upload_id)


@training.mutation(permission="models.train", rest="POST /training/backtests 201", rate="20/minute")
async def backtest(ctx: Ctx, order: BacktestOrder) -> TrainingJob:
    """Replay a version over up to 92 days: alarms it would have raised, troubles seen and missed, by threshold."""
    return await ctx.services.training.backtest(ctx.actor, order)


@training.mutation(permission="models.train", rest="POST /training/jobs/{job_id}/cancel", rate="60/minute")
async def cancel(ctx: Ctx, *, job_id: Id) -> TrainingJob:
    """Stop a training or backtest; nothing of it is kept."""
    return await ctx.services.training.cancel(ctx.actor, job_id)
