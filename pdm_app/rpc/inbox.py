"""Procedures of the demo's inbox; where it does not run, they answer that there is none."""

from pdm_app.domain.caught import Caught, CaughtQuery
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.inbox import InboxService
from pdm_app.trpc import TrpcError

inbox = procedures()


def _inbox(ctx: Ctx) -> InboxService:
    if ctx.services.inbox is None:
        raise TrpcError("NOT_FOUND", "There is no inbox here: notices leave for real. The demo has one.")
    return ctx.services.inbox


@inbox.query(permission="alarms.read", rest="GET /inbox/messages")
async def messages(ctx: Ctx, *, query: CaughtQuery = CaughtQuery()) -> tuple[Caught, ...]:
    """Return a page of what the demo's notices would have sent, newest first."""
    return await _inbox(ctx).messages(ctx.actor, query)


@inbox.query(permission="alarms.read", rest="GET /inbox/messages/{caught_id}")
async def message(ctx: Ctx, *, caught_id: Id) -> Caught:
    """Return one message of the inbox."""
    return await _inbox(ctx).message(ctx.actor, caught_id)


@inbox.mutation(permission="settings.write", rest="DELETE /inbox/messages", rate="12/minute")
async def clear(ctx: Ctx) -> int:
    """Forget all messages of the inbox; returns how many there were."""
    return await _inbox(ctx).clear(ctx.actor)
