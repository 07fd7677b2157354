"""What the running product must hear when the plant is changed, so that the change holds at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pdm_app.domain.errors import UnavailableError


def _nobody() -> None:
    """Nobody has to hear of it."""


async def _nothing() -> None:
    """Nothing runs here that would have to read anew."""


async def _no_connection(connection_id: str) -> None:
    """Nothing is collected here."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The parts that keep something of the plant in memory; by default there are none.

    Attributes:
        forget_sources: Which signal a device means is read anew: signals, assets or devices have changed.
        reload_rules: The alarm watch takes over the stored rules.
        reload_signals: The intake takes over the stored signals.
        reload_connection: The collector takes over one stored connection with its signals, and connects anew.
        reload_formulas: Derived signals are reckoned by the stored formulas.
        reload_storage: Storage rules are put in force for the signals there are.
        reload_runs: Rules that find runs name the signals there are.
        reload_sinks: Sinks take the signals there are.
    """

    forget_sources: Callable[[], None] = _nobody
    reload_rules: Callable[[], Awaitable[None]] = _nothing
    reload_signals: Callable[[], Awaitable[None]] = _nothing
    reload_connection: Callable[[str], Awaitable[None]] = _no_connection
    reload_formulas: Callable[[], Awaitable[None]] = _nothing
    reload_storage: Callable[[], Awaitable[None]] = _nothing
    reload_runs: Callable[[], Awaitable[None]] = _nothing
    reload_sinks: Callable[[], Awaitable[None]] = _nothing

    async def rules_changed(self) -> None:
        await _told(self.reload_rules())

    async def signals_changed(self, *connection_ids: str | None) -> None:
        """Signals have changed; connections that read other ones, or otherwise, are named."""
        self.forget_sources()
        connections = {connection_id for connection_id in connection_ids if connection_id is not None}
        for connection_id in sorted(connections):
            await _told(self.reload_connection(connection_id))
        if not connections:
            await _told(self.reload_signals())
        await _told(self.reload_formulas())
        await _told(self.reload_storage())
        await _told(self.reload_runs())
        await _told(self.reload_sinks())

    async def connection_changed(self, connection_id: str) -> None:
        await _told(self.reload_connection(connection_id))


async def _told(reloading: Awaitable[None]) -> None:
    try:
        await reloading
    except UnavailableError as error:
        raise UnavailableError(
            f"The change is stored, but not in force yet: {error.message} Make any change here again, or restart, once "
            "the database answers."
        ) from error
