"""Procedures about sessions: one's own, and for admins those of others."""

from pdm_app.domain.record import Id, Record
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.sessions import SessionView

sessions = procedures()

WARN_S = 60


class IdleRule(Record):
    """When an untouched page signs out; ``idle_s`` None is never, ``warn_s`` before it the page says so."""

    idle_s: int | None
    warn_s: int = WARN_S


@sessions.query("list", rest="GET /sessions")
async def every(ctx: Ctx) -> tuple[SessionView, ...]:
    """Return the caller's own sessions, the newest first."""
    return await ctx.services.auth.sessions(ctx.actor)


@sessions.query(rest="GET /sessions/idle-rule")
async def idle_rule(ctx: Ctx) -> IdleRule:
    """Say when the caller's page signs out if nobody touches it."""
    return IdleRule(idle_s=ctx.services.auth.idle_s(ctx.actor))


@sessions.mutation(rest="POST /sessions/activity 200")
async def stay(ctx: Ctx) -> IdleRule:
    """Note that somebody is in front of the caller's page."""
    await ctx.services.auth.note_activity(ctx.actor)
    return IdleRule(idle_s=ctx.services.auth.idle_s(ctx.actor))


@sessions.mutation(rest="DELETE /sessions/{session_id}")
async def revoke(ctx: Ctx, *, session_id: Id) -> tuple[SessionView, ...]:
    """End one of the caller's own sessions; return those that are left."""
    await ctx.services.auth.end_session(ctx.actor, session_id)
    return await ctx.services.auth.sessions(ctx.actor)


@sessions.mutation(rest="POST /sessions/revoke-others 200")
async def revoke_others(ctx: Ctx) -> int:
    """End all of the caller's sessions but this one; return how many."""
    return await ctx.services.auth.end_other_sessions(ctx.actor)


@sessions.query(permission="users.configure", rest="GET /users/{user_id}/sessions")
async def of_user(ctx: Ctx, *, user_id: Id) -> tuple[SessionView, ...]:
    """Return somebody's sessions, the newest first."""
    return await ctx.services.auth.users.sessions(ctx.actor, user_id)


@sessions.mutation(permission="users.configure", rest="DELETE /users/{user_id}/sessions")
async def revoke_of_user(ctx: Ctx, *, user_id: Id) -> int:
    """End all of somebody's sessions, but never the one that asks; return how many."""
    return await ctx.services.auth.users.end_sessions(ctx.actor, user_id)
