"""Break something in the demo plant, and see what is broken."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.ports import FaultKind, InjectedFault, PlantControl
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit


class DemoService:
    """Fault injection on the machines in an actor's sites; exists only where the simulated plant runs."""

    def __init__(self, plant: PlantControl, work: UnitOfWork) -> None:
        self._plant = plant
        self._work = work

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
