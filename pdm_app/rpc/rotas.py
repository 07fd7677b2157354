"""Procedures of who is on call."""

from pdm_app.domain.record import Id, Revision, Text
from pdm_app.domain.rotas import Rota, RotaFacts
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.rotas import PersonName, RotaView

rotas = procedures()


@rotas.query("list", permission="alarms.read", rest="GET /sites/{site_id}/rotas")
async def list_(ctx: Ctx, *, site_id: Id) -> tuple[RotaView, ...]:
    """Return the rotas of a site, with who is on call now and who comes next."""
    return await ctx.services.rotas.all(ctx.actor, site_id)


@rotas.query(permission="alarms.read", rest="GET /sites/{site_id}/people")
async def people(ctx: Ctx, *, site_id: Id) -> tuple[PersonName, ...]:
    """Return who can be named in a rota or a route of a site."""
    return await ctx.services.rotas.people(ctx.actor, site_id)


@rotas.mutation(permission="alarms.configure", rest="POST /rotas 201", rate="60/minute")
async def add(ctx: Ctx, *, facts: RotaFacts, reason: Text = "") -> Rota:
    """Keep a new rota."""
    return await ctx.services.rotas.add(ctx.actor, facts, reason)


@rotas.mutation(permission="alarms.configure", rest="PUT /rotas/{rota_id}", rate="60/minute")
async def change(ctx: Ctx, *, rota_id: Id, facts: RotaFacts, revision: Revision, reason: Text = "") -> Rota:
    """Put other facts in the place of a rota's; ``revision`` is the one that was looked at."""
    return await ctx.services.rotas.change(ctx.actor, rota_id, facts, revision, reason)


@rotas.mutation(permission="alarms.configure", rest="DELETE /rotas/{rota_id}", rate="60/minute")
async def remove(ctx: Ctx, *, rota_id: Id, reason: Text = "") -> Rota:
    """Forget a rota that no route asks for."""
    return await ctx.services.rotas.remove(ctx.actor, rota_id, reason)
