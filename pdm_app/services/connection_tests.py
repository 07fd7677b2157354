"""Trying a connection before it is kept: one attempt with what somebody has typed, and what came of it.

Nothing is stored but the entry in the audit trail, and nothing is written to the device. The stored login and
certificate of a connection are used for its own endpoint alone: typing another one must not send them there.
"""

import asyncio
from typing import Protocol

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.connections import Connection, ConnectionFacts, ConnectionTest, DriverFacts, Login
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock, DriverRules
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit
from pdm_app.services.plant_rules import structure_issue

OPTIONS_BYTES_MAX = 4_000
TESTS_AT_ONCE = 4  # Each holds a socket for as long as its connection's time-outs say.
NAMES_OF_SESSIONS = ("client_id",)
"""Options under which the other side knows a session: with them, a test would take the session of a running link."""


class Trying(Protocol):
    """What is needed of the collector."""

    async def try_out(self, connection: Connection, login: Login | None) -> ConnectionTest: ...


class Logins(Protocol):
    """Who knows the stored logins."""

    async def of(self, connection_id: str) -> Login | None: ...


class ConnectionTestService:
    """Describes the drivers, and tries connections.

    Args:
        work: For the connection meant, and the trail.
        clock: Time of the entry.
        rules: What drivers ask for.
        logins: Where stored logins are.
        collector: Makes the attempt.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, rules: DriverRules, logins: Logins, collector: Trying) -> None:
        self._work = work
        self._clock = clock
        self._rules = rules
        self._logins = logins
        self._collector = collector
        self._turns = asyncio.Semaphore(TESTS_AT_ONCE)

    def drivers(self, actor: Actor) -> tuple[DriverFacts, ...]:
        """Return every driver with its options, for forms to be made of."""
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        return tuple(self._rules.describe())

    async def run(
        self, actor: Actor, facts: ConnectionFacts, connection_id: str | None = None, login: Login | None = None
    ) -> ConnectionTest:
        """Try to reach an endpoint once.

        Args:
            actor: Who asks.
            facts: What was typed.
            connection_id: The connection that is being changed; None for a new one.
            login: As whom to sign in; None takes the stored login, if the endpoint is still the stored one.

        Raises:
            NotFoundError: The site or the connection does not exist or lies outside the actor's sites.
            InvalidInputError: Names the fields and what is wrong with them.
        """
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        actor.require_site(facts.site_id, f"site {facts.site_id!r}")
        is_stored_endpoint = await self._is_stored_endpoint(actor, facts, connection_id)
        options = {name: value for name, value in facts.options.items() if name not in NAMES_OF_SESSIONS}
        known = connection_id if connection_id is not None and is_stored_endpoint else new_id(self._clock.now())
        connection = Connection(**{**facts.model_dump(), "options": options}, id=known)
        self._judge(connection)
        if login is None and is_stored_endpoint and connection_id is not None:
            login = await self._logins.of(connection_id)
        async with self._turns:
            outcome = await self._collector.try_out(connection, login)
        async with self._work(actor.scope) as work:
            after = {"driver": facts.driver, "endpoint": facts.endpoint, "reached": outcome.reached}
            await audit(
                work, actor, self._clock.now(), "connections.tested", subject="connection",
                subject_id=connection_id or "", name=facts.name, site_id=facts.site_id, after=after,
            )  # fmt: skip
            await work.commit()
        return outcome

    async def _is_stored_endpoint(self, actor: Actor, facts: ConnectionFacts, connection_id: str | None) -> bool:
        if connection_id is None:
            return False
        async with self._work(actor.scope) as work:
            stored = await work.connections.get(connection_id)
        if stored is None:
            raise NotFoundError(f"There is no connection {connection_id!r}.", connection_id=connection_id)
        return (stored.driver, stored.endpoint) == (facts.driver, facts.endpoint) and _weakens_nothing(stored, facts)

    def _judge(self, connection: Connection) -> None:
        issues: list[FieldIssue] = []
        if connection.driver not in self._rules.names:
            issues.append(FieldIssue("driver", "is none", f"choose one of {', '.join(sorted(self._rules.names))}"))
        elif (issue := structure_issue("options", connection.options, OPTIONS_BYTES_MAX)) is not None:
            issues.append(issue)
        else:
            issues += self._rules.connection_issues(connection)
        if issues:
            said = "; ".join(f"{issue.field} {issue.problem}" for issue in issues)
            raise InvalidInputError(f"Connection {connection.name} cannot be tried so: {said}.", issues)


def _weakens_nothing(stored: Connection, facts: ConnectionFacts) -> bool:
    """Whether the options are those that were stored: others could let a stored password out unprotected."""
    return stored.options == facts.options
