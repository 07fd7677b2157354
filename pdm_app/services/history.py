"""Ask for the past: series over a span, at the resolution of the screen, with every peak kept."""

from collections.abc import Callable
from time import perf_counter

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.history import HistoryAnswer, HistoryQuery
from pdm_app.domain.ports import Historian
from pdm_app.services.signals import SignalService


class HistoryService:
    """Reads of the historian."""

    def __init__(self, historian: Historian, signals: SignalService, observe_s: Callable[[float], None]) -> None:
        self._historian = historian
        self._signals = signals
        self._observe_s = observe_s

    async def envelope(self, actor: Actor, query: HistoryQuery) -> HistoryAnswer:
        """Return one envelope per signal, in the order asked.

        Raises:
            NotFoundError: A signal does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.HISTORY_READ)
        await self._signals.ever(actor, query.signals)
        started = perf_counter()
        series = list(await self._historian.envelope(query))
        took_s = perf_counter() - started
        self._observe_s(took_s)
        return HistoryAnswer(
            series=series,
            points_read=sum(sum(envelope.count) for envelope in series),
            took_ms=round(took_s * 1000, 1),
        )
