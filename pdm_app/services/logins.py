"""User names and passwords with which connections sign in at their endpoints; kept sealed, told to drivers only.

A person sees the user name and when it was set, never the password: who forgot it sets another one.
"""

import logging
from typing import Protocol

import orjson
from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.connections import Connection, Login
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.secrets import SealError
from pdm_app.services.auditing import audit
from pdm_app.services.secret_store import SecretStore

log = logging.getLogger(__name__)

PURPOSE = "connection.login"
CHARACTERS_MAX = 1024
DRIVERS_THAT_SIGN_IN = ("opcua", "mqtt")


class Reloading(Protocol):
    """What is needed of the collector."""

    async def reload(self, connection_id: str) -> None: ...


class LoginView(Record):
    """As whom a connection signs in; the password is nowhere to be read."""

    connection_id: str
    username: str | None = Field(description="None where it does not sign in.")


class LoginService:
    """Setting and forgetting logins; `of` is for the collector alone.

    Args:
        work: Opens transactions.
        clock: Time of changes.
        store: Where logins are kept.
        collector: Connects anew after a change; None in a command, beside a product that may be running.
    """

    def __init__(self, work: UnitOfWork, clock: Clock, store: SecretStore, collector: Reloading | None = None) -> None:
        self._work = work
        self._clock = clock
        self._store = store
        self._collector = collector
        self._last: dict[str, Login | None] = {}

    async def of(self, connection_id: str) -> Login | None:
        """Return the login of a connection, None where it has none; while the database is away, the last one.

        Raises:
            SealError: It cannot be opened; says why.
            UnavailableError: The database does not answer, and did not since the start.
        """
        try:
            async with self._work(EVERY_SITE) as work:
                self._last[connection_id] = login = await self._read(work, connection_id)
        except UnavailableError:
            if connection_id not in self._last:
                raise
            return self._last[connection_id]
        return login

    async def view(self, actor: Actor, connection_id: str) -> LoginView:
        """Say as whom a connection signs in.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        async with self._work(actor.scope) as work:
            connection = await _connection(work, connection_id)
            login = await self._read(work, connection.id)
        return LoginView(connection_id=connection.id, username=login.username if login else None)

    async def put(self, actor: Actor, connection_id: str, username: str, password: str) -> LoginView:
        """Have a connection sign in from now on; it connects anew at once.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            InvalidInputError: Empty, too long, or its protocol knows no users.
        """
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        for field, words in (("username", username), ("password", password)):
            if not words or len(words) > CHARACTERS_MAX:
                problem = f"has {len(words)} characters; 1 to {CHARACTERS_MAX} are taken"
                raise InvalidInputError(f"The {field} {problem}.", [FieldIssue(field, problem)])
        async with self._work(actor.scope) as work:
            connection = await _connection(work, connection_id)
            if connection.driver not in DRIVERS_THAT_SIGN_IN:
                problem = f"knows no users; only {' and '.join(DRIVERS_THAT_SIGN_IN)} do"
                raise InvalidInputError(
                    f"The protocol {connection.driver} {problem}.", [FieldIssue("username", problem)]
                )
            before = await self._read_or_none(work, connection.id)
            plain = orjson.dumps({"username": username, "password": password}).decode()
            await self._store.keep(work, PURPOSE, connection.id, plain, site_id=connection.site_id)
            await self._note(work, actor, connection, "connections.login_set", before, username)
            await work.commit()
        await self._reload(connection.id)
        return LoginView(connection_id=connection.id, username=username)

    async def forget(self, actor: Actor, connection_id: str) -> LoginView:
        """Have a connection sign in no more; one that did not is no error."""
        actor.require(Permission.CONNECTIONS_CONFIGURE)
        async with self._work(actor.scope) as work:
            connection = await _connection(work, connection_id)
            before = await self._read_or_none(work, connection.id)
            if await self._store.forget(work, PURPOSE, connection.id):
                await self._note(work, actor, connection, "connections.login_forgotten", before, None)
                await work.commit()
        await self._reload(connection.id)
        return LoginView(connection_id=connection.id, username=None)

    async def _note(
        self, work: Work, actor: Actor, connection: Connection, action: str, before: str | None, after: str | None
    ) -> None:
        await audit(
            work,
            actor,
            self._clock.now(),
            action,
            subject="connection",
            subject_id=connection.id,
            name=connection.name,
            site_id=connection.site_id,
            before={"username": before},
            after={"username": after},
        )
        log.info("connection login changed", extra={"connection": connection.id, "by": actor.name})

    async def _read(self, work: Work, connection_id: str) -> Login | None:
        plain = await self._store.read(work, PURPOSE, connection_id)
        return None if plain is None else Login(**orjson.loads(plain))

    async def _read_or_none(self, work: Work, connection_id: str) -> str | None:
        """Name the user of before; one that cannot be opened any more must not keep a new one out."""
        try:
            login = await self._read(work, connection_id)
        except SealError:
            return None
        return login.username if login else None

    async def _reload(self, connection_id: str) -> None:
        if self._collector is not None:
            await self._collector.reload(connection_id)


async def _connection(work: Work, connection_id: str) -> Connection:
    connection = await work.connections.get(connection_id)
    if connection is None:
        raise NotFoundError(f"There is no connection {connection_id!r}.", connection_id=connection_id)
    return connection
