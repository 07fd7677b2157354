"""Keeps one loop per connection running and says how each stands.

``Collector(work, intake, supervisor, drivers, clock, lease_keeper)``; ``await start()`` once, inside the running loop.
``drivers`` is the registry's mapping.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.connections import Connection, ConnectionState, ConnectionStatus, ConnectionTest, Login
from pdm_app.domain.errors import ConnectionFailedError, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.ports import BrowsedNode, Clock, Driver, DriverFactory, WriteResult
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Sample
from pdm_app.domain.signals import Signal
from pdm_app.engine.connection_loop import ConnectionLoop, LoginOf, Vouching
from pdm_app.engine.intake import Intake
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.stream.bus import Bus

log = structlog.get_logger(__name__)

PULSE_S = 1.0
"""How often signals are checked for silence and rates are refreshed."""


class Collector:
    """All connections of the plant.

    Args:
        work: Where connections and signals are stored.
        intake: Takes what is collected; it is given the signals at `start` and `reload`.
        supervisor: Runs the loops.
        drivers: Factory by driver name.
        clock: Injected time.
        lease_keeper: Nothing is read before it holds the lease; None where nobody else can be there.
        load: Awaited with a driver's name before it is made; None where there is nothing to load.
        login_of: Awaited with a connection's id before each attempt; None where no connection signs in.
        vouching: Asked before each attempt whom to trust; None where nobody is.
    """

    def __init__(
        self,
        work: UnitOfWork,
        intake: Intake,
        supervisor: Supervisor,
        drivers: Mapping[str, DriverFactory],
        clock: Clock,
        lease_keeper: LeaseKeeper | None = None,
        load: Callable[[str], Awaitable[None]] | None = None,
        login_of: LoginOf | None = None,
        vouching: Vouching | None = None,
    ) -> None:
        self._work = work
        self._intake = intake
        self._supervisor = supervisor
        self._drivers = drivers
        self._clock = clock
        self._lease_keeper = lease_keeper
        self._load = load
        self._login_of = login_of
        self._vouching = vouching
        self._loops: dict[str, ConnectionLoop] = {}
        self._status_changes: Bus[ConnectionStatus] = Bus()
        self._reloading = asyncio.Lock()
        self._asked: dict[str, int] = {}  # How often a reload of the connection was asked for,
        self._applied: dict[str, int] = {}  # and up to which time of asking it has been done.

    @property
    def intake(self) -> Intake:
        return self._intake

    @property
    def statuses(self) -> Sequence[ConnectionStatus]:
        """How every connection stands, paused ones included."""
        return [loop.status() for loop in self._loops.values()]

    @property
    def status_changes(self) -> Bus[ConnectionStatus]:
        """Every change of state at once, and rates once a second."""
        return self._status_changes

    def status(self, connection_id: str) -> ConnectionStatus:
        return self._loop(connection_id).status()

    async def start(self, recalled: Sequence[Sample] = ()) -> None:
        """Read the configuration and start all loops that are enabled.

        Args:
            recalled: The newest sample of each signal in the historian, to be shown with its age until news comes.
        """
        async with self._work(EVERY_SITE) as work:
            connections = await work.connections.all()
            signals = await work.signals.all()
        self._intake.reload(signals)
        self._intake.recall(recalled)
        for connection in connections:
            self._open(connection, [signal for signal in signals if signal.connection_id == connection.id])
        self._supervisor.start("collector pulse", self._pulse, stage=Stage.PRODUCER)

    async def reload(self, connection_id: str) -> None:
        """Apply the stored configuration of one connection: new, changed, paused, resumed or gone.

        One at a time, so that of two people at once the one who was stored last decides; who asks while it is under way
        is served by one more time together, however many they are: each costs the link a moment.
        """
        asked = self._asked[connection_id] = self._asked.get(connection_id, 0) + 1
        async with self._reloading:
            if self._applied.get(connection_id, 0) >= asked:
                return  # What was stored before this call was read after it.
            newest = self._asked[connection_id]
            async with self._work(EVERY_SITE) as work:
                connection = await work.connections.get(connection_id)
                signals = await work.signals.all()
            await self._supervisor.cancel(_child(connection_id))
            self._loops.pop(connection_id, None)
            self._intake.reload(signals)
            if connection is not None:
                self._open(connection, [signal for signal in signals if signal.connection_id == connection_id])
            self._applied[connection_id] = newest

    async def reload_signals(self) -> None:
        """Take over the stored signals after a change that leaves the connections as they are, such as a scale."""
        async with self._reloading:
            async with self._work(EVERY_SITE) as work:
                signals = await work.signals.all()
            self._intake.reload(signals)

    def _open(self, connection: Connection, signals: Sequence[Signal]) -> None:
        loop = ConnectionLoop(
            connection,
            signals,
            self._make_driver,
            self._intake,
            self._clock,
            self._status_changes.publish,
            self._login_of,
            self._vouching,
        )
        self._loops[connection.id] = loop
        if not connection.enabled:
            loop.hold("", ConnectionState.PAUSED)
            return

        async def attempt_when_allowed() -> None:
            await self._wait_for_leave(loop)
            if self._load is not None:
                await self._load(connection.driver)
            await loop.attempt()

        self._supervisor.start(
            _child(connection.id), attempt_when_allowed, backoff=loop.backoff, on_retry=loop.retrying
        )

    async def _wait_for_leave(self, loop: ConnectionLoop) -> None:
        if self._lease_keeper is None or self._lease_keeper.fence is not None:
            return
        loop.hold("Another process collects from this database, or the lease is still being taken.")
        await self._lease_keeper.held()

    def _make_driver(self, connection: Connection, clock: Clock) -> Driver:
        factory = self._drivers.get(connection.driver)
        if factory is None:
            raise ConnectionFailedError(
                f"Connection {connection.name!r} asks for the driver {connection.driver!r}, which this product does "
                f"not have. Choose one of: {', '.join(sorted(self._drivers))}.",
                connection_id=connection.id,
            )
        return factory(connection, clock)

    async def _pulse(self) -> None:
        while True:
            await self._clock.sleep(PULSE_S)
            self._intake.stamp_stale()
            for loop in tuple(self._loops.values()):
                loop.refresh()

    async def try_out(self, connection: Connection, login: Login | None) -> ConnectionTest:
        """Make one attempt at a connection that need not be stored; the loops that run are left alone."""
        if self._load is not None and connection.driver in self._drivers:
            await self._load(connection.driver)

        async def given(_: str) -> Login | None:
            return login

        loop = ConnectionLoop(
            connection, [], self._make_driver, self._intake, self._clock, lambda _: None, given, self._vouching
        )
        return await loop.try_out()

    # --- asking a device ------------------------------------------------------------------------------------------

    async def write(self, signal: Signal, value: float | str) -> WriteResult:
        """Write to the device and read back, both in the signal's unit; permission, range and audit are the caller's.

        Raises:
            UnavailableError: The connection does not stand.
            NotSupportedError: The protocol cannot write.
        """
        driver = self._standing(signal.connection_id or "")
        if isinstance(value, str):
            return await driver.write(signal, value)
        if signal.scale == 0:
            raise InvalidInputError(f"Signal {signal.name} has the scale 0: no value can be written through it.")
        result = await driver.write(signal, (value - signal.offset) / signal.scale)
        read_back = result.read_back
        if isinstance(read_back, float):
            read_back = read_back * signal.scale + signal.offset
        return replace(result, requested=value, read_back=read_back)

    async def browse(self, connection_id: str, address: Mapping[str, object] | None = None) -> Sequence[BrowsedNode]:
        """List what the device offers below ``address``.

        Raises:
            UnavailableError: The connection does not stand.
            NotSupportedError: The protocol cannot be browsed.
        """
        return await self._standing(connection_id).browse(address)

    def _loop(self, connection_id: str) -> ConnectionLoop:
        loop = self._loops.get(connection_id)
        if loop is None:
            raise NotFoundError(f"There is no connection {connection_id!r}.", connection_id=connection_id)
        return loop

    def _standing(self, connection_id: str) -> Driver:
        loop = self._loop(connection_id)
        if loop.driver is None:
            raise UnavailableError(
                f"Connection {loop.connection.name!r} does not stand now ({loop.status().last_error or 'connecting'}). "
                "Try again when it is online.",
                connection_id=connection_id,
            )
        return loop.driver


def _child(connection_id: str) -> str:
    return f"connection {connection_id}"
