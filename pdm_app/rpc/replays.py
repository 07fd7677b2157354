"""Procedures about recorded files that are replayed on a machine; a replay ends when its connection is paused."""

from typing import Annotated, Literal

from pydantic import Field

from pdm_app.domain.record import Id
from pdm_app.domain.recordings import Recording, RecordingName, ReplaySpeed
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.replays import Replay

replays = procedures()

Times = Annotated[
    Literal["paced", "shifted", "original"],
    Field(description="As time goes by; or at once, ending now; or at once, as recorded."),
]


@replays.query(permission="connections.configure", rest="GET /replays/recordings")
async def recordings(ctx: Ctx) -> tuple[Recording, ...]:
    """Return the files that can be replayed, with their columns, span and the first line that cannot be used."""
    return await ctx.services.replays.recordings(ctx.actor)


@replays.mutation(permission="connections.configure", rest="POST /replays", rate="30/minute")
async def start(
    ctx: Ctx,
    *,
    asset_id: Id,
    file: RecordingName | None = None,
    times: Times = "paced",
    speed: ReplaySpeed = 1.0,
    loop: bool = False,
    zone: Annotated[str, Field(max_length=64, description="Time zone of times that name none.")] = "UTC",
) -> Replay:
    """Replay a recorded file on a machine, with a signal for each of its columns; started before, it begins anew."""
    options = {"times": times, "speed": speed, "loop": loop, "zone": zone}
    return await ctx.services.replays.start(ctx.actor, asset_id, file, options)
