"""Ask for connections and pause or resume them."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.connections import Connection, ConnectionState, ConnectionStatus
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.stream.bus import Bus, Overflow

STATUS_QUEUE = 256


class ConnectionView(Record):
    """A connection and what the collector knows of it now."""

    connection: Connection
    status: ConnectionStatus


class Collecting(Protocol):
    """What the services need of the collector."""

    @property
    def statuses(self) -> Sequence[ConnectionStatus]: ...

    @property
    def status_changes(self) -> Bus[ConnectionStatus]: ...

    async def reload(self, connection_id: str) -> None:
        """Apply the stored configuration of one connection, which may have been paused."""
        ...


class ConnectionService:
    """Reads of connections and their state; pause and resume."""

    def __init__(self, work: UnitOfWork, collector: Collecting, clock: Clock) -> None:
        self._work = work
        self._collector = collector
        self._clock = clock

    async def all(self, actor: Actor) -> tuple[ConnectionView, ...]:
        """Return the connections in scope, by name."""
        actor.require(Permission.CONNECTIONS_READ)
        async with self._work(actor.scope) as work:
            connections = await work.connections.all()
        status_of = {status.connection_id: status for status in self._collector.statuses}
        return tuple(
            ConnectionView(connection=connection, status=status_of.get(connection.id) or self._unknown(connection))
            for connection in sorted(connections, key=lambda connection: connection.name)
        )

    async def by_id(self, actor: Actor, connection_id: str) -> ConnectionView:
        """Return one connection.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        for view in await self.all(actor):
            if view.connection.id == connection_id:
                return view
        raise NotFoundError(f"There is no connection {connection_id!r}.", connection_id=connection_id)

    async def watch(self, actor: Actor) -> AsyncGenerator[tuple[ConnectionView, ...], None]:
        """Yield all connections in scope, then again whenever the state of one changes."""
        with self._collector.status_changes.reader(STATUS_QUEUE, Overflow.DROP_OLDEST) as changes:
            while True:
                yield await self.all(actor)
                await changes.get()
                changes.drain()

    async def pause(self, actor: Actor, connection_id: str) -> ConnectionView:
        """Stop reading; the signals go bad with their age, history keeps the gap."""
        return await self._switch(actor, connection_id, enabled=False)

    async def resume(self, actor: Actor, connection_id: str) -> ConnectionView:
        """Read again."""
        return await self._switch(actor, connection_id, enabled=True)

    async def _switch(self, actor: Actor, connection_id: str, *, enabled: bool) -> ConnectionView:
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        async with self._work(actor.scope) as work:
            connection = await work.connections.get(connection_id)
            if connection is None:
                raise NotFoundError(f"There is no connection {connection_id!r}.", connection_id=connection_id)
            if connection.enabled != enabled:
                await work.connections.put(connection.model_copy(update={"enabled": enabled}))
                await work.commit()
        await self._collector.reload(connection_id)
        return await self.by_id(actor, connection_id)

    def _unknown(self, connection: Connection) -> ConnectionStatus:
        state = ConnectionState.DISCONNECTED if connection.enabled else ConnectionState.PAUSED
        return ConnectionStatus(connection_id=connection.id, state=state, since=self._clock.now())
