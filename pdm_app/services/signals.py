"""Ask for signals: what is measured, in which unit, where it comes from."""

from collections.abc import Sequence

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.signals import Signal


class SignalService:
    """Reads of the signal registry."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def all(self, actor: Actor, asset_id: str | None = None) -> tuple[Signal, ...]:
        """Return all signals in scope, or those of one asset in order of importance.

        Raises:
            NotFoundError: The asset does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.SIGNALS_READ)
        async with self._work(actor.scope) as work:
            if asset_id is None:
                signals = await work.signals.all()
            else:
                if await work.assets.get(asset_id) is None:
                    raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
                signals = await work.signals.of_asset(asset_id)
        return tuple(sorted(signals, key=lambda signal: (signal.asset_id, signal.position, signal.id)))

    async def some(self, actor: Actor, ids: Sequence[int]) -> tuple[Signal, ...]:
        """Return exactly the signals asked for, in the order asked.

        Raises:
            NotFoundError: Names the first that does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.SIGNALS_READ)
        async with self._work(actor.scope) as work:
            found = {signal.id: signal for signal in await work.signals.some(ids)}
        for signal_id in ids:
            if signal_id not in found:
                raise NotFoundError(f"There is no signal {signal_id}.", signal_id=signal_id)
        return tuple(found[signal_id] for signal_id in ids)
