"""Break something in the demo plant, and see what is broken."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Literal

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.past import PastProgress
from pdm_app.domain.ports import Clock, FaultKind, InjectedFault, PlantControl
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.truth import PlantTruth
from pdm_app.services.auditing import audit

Deed = Literal["break", "acknowledge", "repair", "reason", "report", "campaign", "derive", "view"]
DEEDS: dict[Deed, str] = {
    "break": "demo.fault_injected",
    "acknowledge": "alarms.acknowledged",
    "repair": "demo.fault_cleared",
    "reason": "stops.reasoned",
    "report": "reports.tested",
    "campaign": "campaigns.created",
    "derive": "signals.created",
    "view": "views.created",
}
"""What a newcomer may try, and the entry of the audit trail that proves it."""

NO_PAST = PastProgress(pieces=0, pieces_done=0, samples=0, back_to=None, begins_at=None, is_done=True)


class DemoService:
    """Fault injection on the machines in an actor's sites; exists only where the simulated plant runs.

    Args:
        plant: The simulated plant.
        work: Where its machines and the audit trail are stored.
        clock: Injected time.
        past: Says how far the plant's past is stored; None where it has none.
    """

    def __init__(
        self, plant: PlantControl, work: UnitOfWork, clock: Clock, past: Callable[[], PastProgress] | None = None
    ) -> None:
        self._plant = plant
        self._work = work
        self._clock = clock
        self._past = past

    def progress(self, actor: Actor) -> PastProgress:
        """Return how far the month behind the plant is stored."""
        actor.require(Permission.ASSETS_READ)
        return NO_PAST if self._past is None else self._past()

    async def deeds(self, actor: Actor) -> tuple[Deed, ...]:
        """Return what the actor has really done so far, as the audit trail tells."""
        actor.require(Permission.ASSETS_READ)
        done: list[Deed] = []
        async with self._work(actor.scope) as work:
            for deed, action in DEEDS.items():
                found = await work.audit.page(AuditQuery(actor=actor.name, action=action, limit=20))
                if any(entry.actor == actor.name and entry.action == action for entry in found):
                    done.append(deed)
        return tuple(done)

    async def truth(self, actor: Actor, at: Micros | None = None, asset_code: str | None = None) -> PlantTruth:
        """Return what really happens at a moment on the machines in an actor's sites, or on one of them.

        Raises:
            NotFoundError: The machine does not exist or lies outside the actor's sites.
        """
        codes = await self._codes(actor)
        if asset_code is not None and asset_code not in codes:
            raise NotFoundError(f"There is no machine {asset_code!r}.", asset_code=asset_code)
        asked = codes if asset_code is None else frozenset({asset_code})
        return await self._plant.truth(self._clock.now() if at is None else at, asked)

    async def reset(self, actor: Actor) -> Sequence[InjectedFault]:
        """Repair everything that is broken, and begin the plant's story anew; history and alarms stay.

        Args:
            actor: Needs ``demo.control`` and every site of the plant: machines of all of them change.
        """
        actor.require(Permission.DEMO_CONTROL)
        async with self._work(EVERY_SITE) as work:
            hidden = {asset.site_id for asset in await work.assets.all() if not actor.scope.covers(asset.site_id)}
        if hidden:
            raise ConflictError(
                "A reset repairs machines of every site, and you do not see them all. Clear your own faults one by "
                "one, or ask somebody who does."
            )
        before = [fault for fault in await self._plant.faults() if fault.cleared_at is None]
        async with self._work(actor.scope) as work:
            standing = await self._plant.reset()
            await audit(
                work,
                actor,
                self._clock.now(),
                "demo.reset",
                subject="fault",
                subject_id="all",
                name="Northfield",
                before={"faults": [fault.id for fault in before]},
                after={"faults": [fault.id for fault in standing]},
            )
            await work.commit()
        return standing

    async def kinds(self, actor: Actor) -> Sequence[FaultKind]:
        """Return the faults that can be injected, and where."""
        codes = await self._codes(actor)
        kinds = [
            replace(kind, asset_codes=tuple(code for code in kind.asset_codes if code in codes))
            for kind in await self._plant.kinds()
        ]
        return [kind for kind in kinds if kind.asset_codes]

    async def faults(self, actor: Actor) -> Sequence[InjectedFault]:
        """Return the ground truth: every fault injected so far, newest first."""
        codes = await self._codes(actor)
        faults = [fault for fault in await self._plant.faults() if fault.asset_code in codes]
        return sorted(faults, key=lambda fault: fault.injected_at, reverse=True)

    async def inject(
        self, actor: Actor, key: str, asset_code: str, signal: str = "", start_severity: float = 0.0
    ) -> InjectedFault:
        """Start a fault at a point of its severity curve.

        Args:
            actor: Needs ``demo.control``.
            key: Fault, such as ``cavitation``.
            asset_code: Machine, such as ``P-501``.
            signal: Signal name, for faults of a sensor.
            start_severity: 0.0 is the onset, 1.0 the full fault.

        Raises:
            InvalidInputError: No such fault there, or the severity lies outside 0 to 1.
            NotFoundError: The machine does not exist or lies outside the actor's sites.
        """
        codes = await self._codes(actor)
        if not 0.0 <= start_severity <= 1.0:
            raise InvalidInputError(
                f"A severity of {start_severity} lies outside 0 to 1.",
                [FieldIssue("start_severity", "outside 0 to 1", "send a number from 0 to 1")],
            )
        if asset_code not in codes:
            raise NotFoundError(f"There is no machine {asset_code!r} to break.", asset_code=asset_code)
        async with self._work(actor.scope) as work:
            fault = await self._plant.inject(key, asset_code, signal, start_severity)
            try:
                await self._record(work, actor, Micros(fault.injected_at), "demo.fault_injected", None, fault)
            except BaseException:
                await self._plant.clear(fault.id)  # What could not be put on record has not happened.
                raise
        return fault

    async def clear(self, actor: Actor, fault_id: str) -> InjectedFault:
        """End a fault; its label keeps both times.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        before = next((fault for fault in await self.faults(actor) if fault.id == fault_id), None)
        if before is None:
            raise NotFoundError(f"There is no injected fault {fault_id!r}.", fault_id=fault_id)
        async with self._work(actor.scope) as work:
            fault = await self._plant.clear(fault_id)
            await self._record(
                work, actor, Micros(fault.cleared_at or fault.injected_at), "demo.fault_cleared", before, fault
            )
        return fault

    async def _record(
        self, work: Work, actor: Actor, at: Micros, action: str, before: InjectedFault | None, fault: InjectedFault
    ) -> None:
        asset = next((asset for asset in await work.assets.all() if asset.code == fault.asset_code), None)
        await audit(
            work,
            actor,
            at,
            action,
            subject="fault",
            subject_id=fault.id,
            name=f"{fault.key} {fault.asset_code}",
            site_id=asset.site_id if asset else None,
            before=asdict(before) if before else None,
            after=asdict(fault),
        )
        await work.commit()

    async def _codes(self, actor: Actor) -> frozenset[str]:
        """Return the codes of the machines in the actor's sites."""
        actor.require(Permission.DEMO_CONTROL)
        async with self._work(actor.scope) as work:
            assets = (
                await work.assets.all()
            )  # With machines of other sites that are shared: those are not ours to break.
        return frozenset(asset.code for asset in assets if actor.scope.covers(asset.site_id))
