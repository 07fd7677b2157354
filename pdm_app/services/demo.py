"""Break something in the demo plant, and see what is broken."""

from collections.abc import Sequence

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.ports import FaultKind, InjectedFault, PlantControl


class DemoService:
    """Fault injection; exists only where the simulated plant runs."""

    def __init__(self, plant: PlantControl) -> None:
        self._plant = plant

    async def kinds(self, actor: Actor) -> Sequence[FaultKind]:
        """Return the faults that can be injected, and where."""
        actor.require(Permission.DEMO_CONTROL)
        return await self._plant.kinds()

    async def faults(self, actor: Actor) -> Sequence[InjectedFault]:
        """Return the ground truth: every fault injected so far, newest first."""
        actor.require(Permission.DEMO_CONTROL)
        return sorted(await self._plant.faults(), key=lambda fault: fault.injected_at, reverse=True)

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
        """
        actor.require(Permission.DEMO_CONTROL)
        if not 0.0 <= start_severity <= 1.0:
            raise InvalidInputError(
                f"A severity of {start_severity} lies outside 0 to 1.",
                [FieldIssue("start_severity", "outside 0 to 1", "send a number from 0 to 1")],
            )
        return await self._plant.inject(key, asset_code, signal, start_severity)

    async def clear(self, actor: Actor, fault_id: str) -> InjectedFault:
        """End a fault; its label keeps both times."""
        actor.require(Permission.DEMO_CONTROL)
        return await self._plant.clear(fault_id)
