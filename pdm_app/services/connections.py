"""Connections: asked for, created, changed, deleted and restored, paused and resumed.

How each stands comes from the collector's memory; only what they are is read from the database, and by a watcher
seldom: a page full of connections costs the database nothing while it is looked at, and goes on through an outage.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from typing_extensions import override

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.assets import Device, Site
from pdm_app.domain.connections import Connection, ConnectionFacts, ConnectionState, ConnectionStatus
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Facts, Record
from pdm_app.domain.recordings import REPLAYING_DRIVER
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.signals import Signal
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import Desk, PlantService, put_on_record
from pdm_app.services.plant_noun import Bound, Hold, Noun
from pdm_app.services.plant_rules import structure_issue
from pdm_app.stream.bus import Bus, Overflow

log = logging.getLogger(__name__)

STATUS_QUEUE = 256
EVERY_S_MIN = 0.25  # A flapping link is told in at most four messages a second, the first one at once.
REREAD_S = 10  # A watcher sees a renamed connection within this time; one that is paused or resumed at once.
OPTIONS_BYTES_MAX = 4_000
REACHING = ("driver", "endpoint", "options", "enabled")
"""With another one of these, the connection has to be made anew."""


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


CONNECTION = Noun(
    kind=Connection,
    facts=ConnectionFacts,
    word="connection",
    actions="connections",
    read=Permission.CONNECTIONS_READ,
    configure=Permission.CONNECTIONS_CONFIGURE,
    name="name",
    within="site_id",
    parent=(Site, "site_id", "site"),
    fixed=frozenset({"site_id"}),
    holds=(
        Hold(Signal, "connection_id", "signal", "signals", "Give them another connection, or none, first."),
        Hold(Device, "connection_id", "device", "devices", "Give them another connection, or none, first."),
    ),
    bounds=(Bound("site_id", 500, "connections in this site"),),
)


class ConnectionService(PlantService[Connection]):
    """Connections and their state."""

    noun = CONNECTION

    def __init__(self, work: UnitOfWork, collector: Collecting, clock: Clock, desk: Desk | None = None) -> None:
        super().__init__(work, desk)
        self._collector = collector
        self._clock = clock

    async def all(self, actor: Actor) -> tuple[ConnectionView, ...]:
        """Return the connections in scope, by name."""
        return self._views(await self._stored(actor))

    async def _stored(self, actor: Actor) -> Sequence[Connection]:
        actor.require(Permission.CONNECTIONS_READ)
        async with self._work(actor.scope) as work:
            return sorted(await work.connections.all(), key=lambda connection: connection.name)

    def _views(self, connections: Sequence[Connection]) -> tuple[ConnectionView, ...]:
        status_of = {status.connection_id: status for status in self._collector.statuses}
        return tuple(
            ConnectionView(connection=connection, status=status_of.get(connection.id) or self._unknown(connection))
            for connection in connections
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
        """Yield all connections in scope, then again whenever the state of one changes or its rates are new.

        Raises:
            UnavailableError: The database does not answer at the beginning; later on, what was read then is shown.
        """
        loop = asyncio.get_running_loop()
        with self._collector.status_changes.reader(STATUS_QUEUE, Overflow.DROP_OLDEST) as changes:
            connections, read_at = await self._stored(actor), self._clock.now()
            while True:
                told_at_s = loop.time()
                yield self._views(connections)
                await changes.get()
                await asyncio.sleep(told_at_s + EVERY_S_MIN - loop.time())
                changes.drain()
                is_old = self._clock.now() - read_at >= REREAD_S * MICROS_PER_S
                if is_old or not all(map(_agree, self._views(connections))):
                    read_at = self._clock.now()  # Also where it fails: ask again in a while, not at every change.
                    with suppress(UnavailableError):
                        connections = await self._stored(actor)

    async def pause(self, actor: Actor, connection_id: str) -> ConnectionView:
        """Stop reading; the signals go bad with their age, history keeps the gap."""
        return await self._switch(actor, connection_id, enabled=False)

    async def resume(self, actor: Actor, connection_id: str) -> ConnectionView:
        """Read again."""
        return await self._switch(actor, connection_id, enabled=True)

    async def _switch(self, actor: Actor, connection_id: str, *, enabled: bool) -> ConnectionView:
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await self._held(work, connection_id, None)
            if before.enabled != enabled:
                now = self._clock.now()
                after = before.model_copy(update={"enabled": enabled, "revision": before.revision + 1})
                await work.plant.change(after, actor.name, now)
                await put_on_record(CONNECTION, work, actor, now, "resumed" if enabled else "paused", before, after)
                await work.commit()
                facts = {"connection": connection_id, "by": actor.name}
                log.info("connection resumed" if enabled else "connection paused", extra=facts)
        await self._collector.reload(connection_id)
        return await self.by_id(actor, connection_id)

    @override
    async def _added(self, work: Work, facts: Facts, parent: Any, now: Micros) -> dict[str, object]:
        replays = getattr(facts, "driver", "") == REPLAYING_DRIVER  # Its values come from no machine of today.
        return {**await super()._added(work, facts, parent, now), "simulated": replays}

    @override
    async def _judge(self, work: Work, before: Connection | None, after: Connection) -> None:
        drivers = self._desk.drivers
        issues: list[FieldIssue] = []
        if after.driver not in drivers.names:
            issues.append(FieldIssue("driver", "is none", f"choose one of {', '.join(sorted(drivers.names))}"))
        elif (issue := structure_issue("options", after.options, OPTIONS_BYTES_MAX)) is not None:
            issues.append(issue)
        else:
            issues += drivers.connection_issues(after)
        if issues:
            said = "; ".join(f"{issue.field} {issue.problem}" for issue in issues)
            raise InvalidInputError(f"Connection {after.name} cannot be used so: {said}.", issues)
        if before is not None and before.driver != after.driver:
            read = await work.plant.count(Signal, connection_id=after.id)
            if read:
                raise ConflictError(
                    f"{read} signals are read through {before.name} at addresses of {before.driver}. Give them another "
                    "connection before this one becomes one of another driver.",
                    connection_id=after.id,
                    held_by={"signals": read},
                )

    @override
    async def _put_in_force(self, in_force: InForce, before: Connection | None, after: Connection | None) -> None:
        sides = [side for side in (before, after) if side is not None]
        if len(sides) == 1 or any(getattr(before, name) != getattr(after, name) for name in REACHING):
            await in_force.connection_changed(sides[0].id)

    def _unknown(self, connection: Connection) -> ConnectionStatus:
        state = ConnectionState.DISCONNECTED if connection.enabled else ConnectionState.PAUSED
        return ConnectionStatus(connection_id=connection.id, state=state, since=self._clock.now())


def _agree(view: ConnectionView) -> bool:
    """Whether what was stored and what the collector does are of one time."""
    return view.connection.enabled == (view.status.state is not ConnectionState.PAUSED)
