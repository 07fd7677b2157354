"""Procedures of the demo plant; where it does not run, they answer that there is none."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.past import PastProgress
from pdm_app.domain.ports import FaultKind, InjectedFault
from pdm_app.domain.record import Code, Id, Instant
from pdm_app.domain.samples import Micros
from pdm_app.domain.truth import PlantTruth
from pdm_app.rpc.context import Ctx, procedures
from pdm_app.services.demo import Deed, DemoService
from pdm_app.trpc import TrpcError

demo = procedures()

SensorName = Annotated[str, Field(max_length=120)]


def _plant(ctx: Ctx) -> DemoService:
    if ctx.services.demo is None:
        raise TrpcError("NOT_FOUND", "The demo plant does not run here; start with `pdm-app demo`.")
    return ctx.services.demo


@demo.query(permission="demo.control", rest="GET /demo/kinds")
async def kinds(ctx: Ctx) -> list[FaultKind]:
    """Return the faults that can be injected, and where."""
    return list(await _plant(ctx).kinds(ctx.actor))


@demo.query(permission="assets.read", rest="GET /demo/progress")
async def progress(ctx: Ctx) -> PastProgress:
    """Return how far the month behind the plant is stored."""
    return _plant(ctx).progress(ctx.actor)


@demo.query(permission="assets.read", rest="GET /demo/deeds")
async def deeds(ctx: Ctx) -> list[Deed]:
    """Return what of the demo's list the caller has really done."""
    return list(await _plant(ctx).deeds(ctx.actor))


@demo.query(permission="demo.control", rest="GET /demo/truth", rate="30/minute")
async def truth(ctx: Ctx, *, at: Instant | None = None, asset_code: Code | None = None) -> PlantTruth:
    """Return what really happens: faults, states, counts, losses, OEE of the shift, remaining life."""
    return await _plant(ctx).truth(ctx.actor, None if at is None else Micros(at), asset_code)


@demo.mutation(permission="demo.control", rest="POST /demo/reset", rate="12/minute")
async def reset(ctx: Ctx) -> list[InjectedFault]:
    """Repair everything that is broken and begin the plant's story anew; return the faults that stand then."""
    return list(await _plant(ctx).reset(ctx.actor))


@demo.query(permission="demo.control", rest="GET /demo/faults")
async def faults(ctx: Ctx) -> list[InjectedFault]:
    """Return the ground truth: every fault injected so far, newest first."""
    return list(await _plant(ctx).faults(ctx.actor))


@demo.mutation(permission="demo.control", rest="POST /demo/faults")
async def inject(
    ctx: Ctx, *, key: Id, asset_code: Code, signal: SensorName = "", start_severity: float = 0.0
) -> InjectedFault:
    """Start a fault at a point of its severity curve."""
    return await _plant(ctx).inject(ctx.actor, key, asset_code, signal, start_severity)


@demo.mutation(permission="demo.control", rest="DELETE /demo/faults/{fault_id}")
async def clear(ctx: Ctx, *, fault_id: Id) -> InjectedFault:
    """End a fault."""
    return await _plant(ctx).clear(ctx.actor, fault_id)
