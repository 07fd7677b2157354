"""Procedures about models: what watches machines, and what of it is in force."""

from pdm_app.domain.model_registry import ModelAct, ModelVersion
from pdm_app.domain.record import Id, Revision, Text
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.models import ModelView

models = procedures()


@models.query("list", permission="assets.read", rest="GET /models")
async def every(ctx: Ctx, *, site_id: Id | None = None, asset_id: Id | None = None) -> tuple[ModelView, ...]:
    """Return models with their versions, by name."""
    return await ctx.services.models.list(ctx.actor, site_id, asset_id)


@models.query(permission="assets.read", rest="GET /models/{model_id}")
async def show(ctx: Ctx, *, model_id: Id) -> ModelView:
    """Return one model with its versions, the newest first: cards, how they were trained, and what backtests say."""
    return await ctx.services.models.show(ctx.actor, model_id)


@models.mutation(permission="models.promote", rest="POST /models/versions/{version_id}/decide", rate="60/minute")
async def decide(ctx: Ctx, *, version_id: Id, act: ModelAct, revision: Revision, reason: Text = "") -> ModelVersion:
    """Have a version score beside the one in force, promote it after a backtest, retire it, or roll it back."""
    return await ctx.services.models.decide(ctx.actor, version_id, act, revision, reason)
