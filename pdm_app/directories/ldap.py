"""People of an LDAP server: searched under our own name, their password tried by a bind under theirs.

Connections that search are kept and lent one at a time; a person's bind has a connection of its own, which ends with
it, so that nobody ever searches as somebody else.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from pdm_app.directories import ldap_messages as messages
from pdm_app.directories.ldap_connection import LdapConnection, LdapError
from pdm_app.directories.ldap_filters import FilterError, all_of, any_of, equals, in_chain, parse
from pdm_app.directories.ldap_messages import Entry, Search
from pdm_app.directories.tls import trust
from pdm_app.domain.directories import GROUPS_MAX, DirectoryAwayError, DirectoryPerson, LdapDirectory
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S, Micros

log = logging.getLogger(__name__)

IDLE_S_MAX = 60  # Firewalls forget quiet connections after minutes, and tell nobody.
LEVELS_MAX = 10  # Of groups inside groups.
STATE = ("userAccountControl", "pwdAccountLockedTime", "nsAccountLock")
AD_DISABLED = 0x2  # ADS_UF_ACCOUNTDISABLE
LOCKED_FOR_GOOD = "000001010000Z"  # pwdAccountLockedTime of somebody whom an admin has locked.
WRONG = frozenset({messages.INVALID_CREDENTIALS, messages.NO_SUCH_OBJECT, 48, 53})  # 48: has no password; 53: locked.


class LdapServer:
    """One server; implements `pdm_app.domain.directories.LdapDoor`.

    Raises:
        InvalidInputError: A filter, or the file of the authority, cannot be read.
    """

    def __init__(self, directory: LdapDirectory, clock: Clock, password: Callable[[], Awaitable[str | None]]) -> None:
        self.directory = directory
        self._clock = clock
        self._password = password
        self._tls = _trust(directory)
        self._people = _parsed(directory, "people_filter", directory.people_filter)
        self._groups = _parsed(directory, "group_filter", directory.group_filter)
        self._room = asyncio.Semaphore(directory.connections_max)
        self._idle: list[tuple[LdapConnection, Micros]] = []
        self._is_away = False

    async def find(self, username: str) -> DirectoryPerson | None:
        """Return who is called so, None for nobody or for more than one."""
        names = (equals(attribute, username) for attribute in self.directory.username_attributes)
        return await self._one(any_of(*names))

    async def by_subject(self, subject: str) -> DirectoryPerson | None:
        """Return somebody who signed in before, None once they are gone or disabled."""
        attribute = self.directory.id_attribute
        return await self._one(equals(attribute, bytes.fromhex(subject) if _is_binary(attribute) else subject))

    async def accepts(self, person: DirectoryPerson, password: str) -> bool:
        """Say whether the server takes this password of a person.

        Raises:
            DirectoryAwayError: It does not answer, or cannot say.
        """
        if not password or not person.dn:
            return False  # The server would take an empty password for nobody's, and agree.
        with self._answering():
            connection = await self._dial()
            try:
                outcome = await connection.bind(person.dn, password, self.directory.timeout_s)
            finally:
                await connection.close()
            if outcome.code not in WRONG | {messages.SUCCESS}:
                raise LdapError(f"a bind as {person.dn} ended with: {outcome}")
        if outcome.code != messages.SUCCESS:
            log.info("directory refused a password", extra={"directory": self.directory.id, "said": str(outcome)})
        return outcome.code == messages.SUCCESS

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            connection, _ = self._idle.pop()
            await connection.close()

    async def _one(self, wanted: bytes) -> DirectoryPerson | None:
        directory = self.directory
        attributes = [*directory.username_attributes, directory.id_attribute, directory.name_attribute,
                      directory.mail_attribute, "memberOf", *STATE]  # fmt: skip
        async with self._lent() as connection:
            found = await self._search(connection, directory.base_dn, all_of(self._people, wanted), attributes, 2)
            if len(found) > 1:
                log.warning("more than one entry has this name", extra={"directory": directory.id,
                            "entries": [entry.dn for entry in found]})  # fmt: skip
            if len(found) != 1 or _is_disabled(found[0]):
                return None
            return self._person(found[0], await self._groups_of(connection, found[0]))

    def _person(self, entry: Entry, groups: Sequence[str]) -> DirectoryPerson:
        directory = self.directory
        raw = entry.values.get(directory.id_attribute.lower(), ())
        if not raw or not raw[0]:
            raise LdapError(
                f"{entry.dn} has no {directory.id_attribute}; correct id_attribute, or let our bind read it"
            )
        username = entry.text(directory.username_attributes[0])
        return DirectoryPerson(
            subject=raw[0].hex() if _is_binary(directory.id_attribute) else raw[0].decode("utf-8", "replace"),
            username=username,
            display_name=entry.text(directory.name_attribute) or username,
            email=entry.text(directory.mail_attribute),
            email_verified=True,
            groups=tuple(groups[:GROUPS_MAX]),
            dn=entry.dn,
        )

    async def _groups_of(self, connection: LdapConnection, person: Entry) -> Sequence[str]:
        directory = self.directory
        if not directory.group_base_dn:
            return person.texts("memberOf")
        member = directory.member_attribute
        if directory.nested_groups == "chain":
            return await self._groups_that(connection, in_chain(member, person.dn))
        found: dict[str, None] = {}
        level = [person.dn]
        for _ in range(LEVELS_MAX if directory.nested_groups == "each" else 1):
            above = await self._groups_that(connection, any_of(*(equals(member, dn) for dn in level)))
            level = [dn for dn in above if dn not in found]
            found.update(dict.fromkeys(level))
            if not level or len(found) >= GROUPS_MAX:
                break
        return list(found)

    async def _groups_that(self, connection: LdapConnection, hold: bytes) -> list[str]:
        base = self.directory.group_base_dn
        found = await self._search(connection, base, all_of(self._groups, hold), ["1.1"], GROUPS_MAX)
        return [entry.dn for entry in found]

    async def _search(
        self, connection: LdapConnection, base: str, filter_: bytes, attributes: Sequence[str], size_max: int
    ) -> list[Entry]:
        timeout_s = self.directory.timeout_s
        wanted = Search(base, filter_, attributes, size_max, max(1, int(timeout_s)))
        found, outcome = await connection.search(wanted, timeout_s)
        if outcome.code == messages.SIZE_LIMIT_EXCEEDED:
            log.warning("not all entries were read", extra={"directory": self.directory.id, "base": base})
        elif outcome.code != messages.SUCCESS:
            raise LdapError(f"a search under {base} ended with: {outcome}")
        return found

    # --- connections -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[LdapConnection]:
        """Lend a connection that is bound as ourselves; one that breaks is not lent again."""
        with self._answering():
            async with self._room:
                connection = await self._fresh_or_idle()
                try:
                    yield connection
                except BaseException:
                    connection.abort()
                    raise
                self._idle.append((connection, self._clock.now()))

    async def _fresh_or_idle(self) -> LdapConnection:
        while self._idle:
            connection, since = self._idle.pop()
            if self._clock.now() - since < IDLE_S_MAX * MICROS_PER_S and not connection.is_closed:
                return connection
            connection.abort()
        connection = await self._dial()
        try:
            await self._bind_ourselves(connection)
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _bind_ourselves(self, connection: LdapConnection) -> None:
        directory = self.directory
        if not directory.bind_dn:
            return
        password = await self._password()
        if not password:
            raise LdapError(f"no password is stored for {directory.bind_dn}; enter it on the page of sign-in settings")
        outcome = await connection.bind(directory.bind_dn, password, directory.timeout_s)
        if outcome.code != messages.SUCCESS:
            raise LdapError(f"our own bind as {directory.bind_dn} was refused: {outcome}")

    async def _dial(self) -> LdapConnection:
        directory = self.directory
        return await LdapConnection.dial(
            directory.url, self._tls, starts_tls=directory.start_tls, timeout_s=directory.timeout_s
        )

    def _answering(self) -> "_Answering":
        return _Answering(self)

    def note(self, fault: LdapError | None) -> None:
        """Log that the server is away, once, and that it is back, once."""
        if fault is not None and not self._is_away:
            log.warning("directory is away", extra={"directory": self.directory.id, "why": str(fault)})
        elif fault is None and self._is_away:
            log.info("directory is back", extra={"directory": self.directory.id})
        self._is_away = fault is not None


class _Answering:
    """Turns a fault of the server into the error that the product knows."""

    def __init__(self, server: LdapServer) -> None:
        self._server = server

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            self._server.note(None)
        elif isinstance(error, LdapError):
            self._server.note(error)
            directory = self._server.directory
            raise DirectoryAwayError(
                f"{directory.name} does not answer, so its passwords cannot be checked now. Accounts made here sign in "
                "as before; try again in a moment.",
                directory=directory.id,
                why=str(error),
            ) from None


def _trust(directory: LdapDirectory) -> ssl.SSLContext:
    try:
        return trust(directory.ca_file)
    except OSError as error:  # An SSLError is one, too.
        raise InvalidInputError(
            f"The authority of the directory {directory.id} in {directory.ca_file} cannot be read: {error}. "
            "Name a PEM file with its certificate in ca_file."
        ) from None


def _parsed(directory: LdapDirectory, name: str, text: str) -> bytes:
    try:
        return parse(text)
    except FilterError as error:
        raise InvalidInputError(
            f"The {name} of the directory {directory.id} cannot be read: {error}. "
            "Write one such as (objectClass=person)."
        ) from None


def _is_binary(attribute: str) -> bool:
    """Say whether an id is bytes: Active Directory's are."""
    return attribute.lower() in ("objectguid", "objectsid")


def _is_disabled(entry: Entry) -> bool:
    control = entry.text("userAccountControl")
    return bool(
        (control.isdecimal() and int(control) & AD_DISABLED)
        or entry.text("pwdAccountLockedTime") == LOCKED_FOR_GOOD
        or entry.text("nsAccountLock").lower() == "true"
    )
