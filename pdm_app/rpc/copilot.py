"""The procedure of the copilot: a question about a machine, answered from what is on record."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.copilot import QUESTION_MAX, Answer
from pdm_app.domain.record import Id
from pdm_app.rpc.context import Ctx, procedures

copilot = procedures()

Asked = Annotated[str, Field(min_length=1, max_length=QUESTION_MAX, description="Such as: why is P-101A red?")]


@copilot.query(permission="history.read", rest="GET /copilot", rate="30/minute")
async def ask(ctx: Ctx, *, text: Asked, asset_id: Id | None = None) -> Answer:
    """Answer why a machine is unwell, what to do next, or how it differs from last week; each sentence has sources."""
    return await ctx.services.copilot.ask(ctx.actor, text, asset_id)
