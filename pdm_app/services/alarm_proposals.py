"""What to begin with when somebody wants an alarm on a value: proposed from the signal and what it has done lately.

``AlarmProposalService(work, historian, clock)``.
"""

import asyncio
import math

import numpy as np

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarm_figures import DAY
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.rule_proposals import RuleProposal, proposed_rule
from pdm_app.domain.signals import DataType, Signal
from pdm_app.services.figures import aggregates

LOOKED_BACK = 7 * DAY  # A week has the weekend in it; a month would bring back what was repaired since.


class AlarmProposalService:
    """Proposals of rules."""

    def __init__(self, work: UnitOfWork, historian: Historian, clock: Clock) -> None:
        self._work = work
        self._historian = historian
        self._clock = clock

    async def propose(self, actor: Actor, signal_id: int, value: float | None = None) -> RuleProposal:
        """Propose a rule on a signal, on the side of ``value`` where one was pointed at.

        Raises:
            NotFoundError: The signal does not exist or lies outside the actor's sites.
            InvalidInputError: It is text, which has no limits.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            signal = await work.plant.get(Signal, signal_id)
        if signal is None:
            raise NotFoundError(f"There is no signal {signal_id}.", signal_id=signal_id)
        if signal.data_type is DataType.TEXT:
            raise InvalidInputError(
                f"Signal {signal.name} is text, which has no limits.",
                [FieldIssue("signal_id", "is a text signal", "choose one with numbers")],
            )
        now = self._clock.now()
        edges = np.array([now - LOOKED_BACK, now + 1], dtype=np.int64)
        found = await self._historian.summaries([signal.id], edges)
        figures = await asyncio.to_thread(aggregates, signal, edges, found, now)
        lowest, highest = figures.low[0], figures.high[0]
        known = value if value is not None and math.isfinite(value) else None
        return proposed_rule(signal, known, lowest, highest)
