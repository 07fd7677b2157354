"""Procedures about how machines are doing."""

from pdm_app.domain.asset_health import Anomaly, AnomalyQuery
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.health import HealthView

health = procedures()


@health.query(permission="assets.read", rest="GET /health/machines")
async def fleet(ctx: Ctx, *, site_id: Id | None = None) -> tuple[HealthView, ...]:
    """Return the machines that models watch, the one in the worst state first."""
    return await ctx.services.health.fleet(ctx.actor, site_id)


@health.query(permission="assets.read", rest="GET /health/anomalies")
async def anomalies(ctx: Ctx, query: AnomalyQuery) -> tuple[Anomaly, ...]:
    """Return stretches in which machines were unusual, the newest first."""
    return await ctx.services.health.anomalies(ctx.actor, query)
