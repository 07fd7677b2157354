"""One connection to an LDAP server: opened, encrypted before anything is said, one question at a time.

A coroutine that is cancelled inside a question leaves the connection useless: close it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar
from urllib.parse import urlsplit

from pdm_app.directories import ldap_messages as messages
from pdm_app.directories.ber import BerError, header
from pdm_app.directories.ldap_messages import Entry, Result, Search

PORTS = {"ldap": 389, "ldaps": 636}
MESSAGE_BYTES_MAX = 4_194_304  # A group of 100,000 members is not read; only names of groups are asked for.
CLOSE_S = 1.0

Read = TypeVar("Read")


class LdapError(Exception):
    """The server is away, or says what it should not; the text is for the log and for admins."""


class LdapConnection:
    """Make one with `dial`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0

    @classmethod
    async def dial(cls, url: str, tls: ssl.SSLContext, *, starts_tls: bool, timeout_s: float) -> "LdapConnection":
        """Connect, and encrypt where ``url`` or ``starts_tls`` says so.

        Raises:
            LdapError: It cannot be reached, or its certificate is not good.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        is_tls = parts.scheme == "ldaps"
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(
                    host, port, ssl=tls if is_tls else None, server_hostname=host if is_tls else None
                )
                connection = cls(reader, writer)
                if starts_tls and not is_tls:
                    try:
                        await connection._start_tls(tls, host)
                    except BaseException:
                        connection.abort()
                        raise
        except TimeoutError:
            raise LdapError(f"{host}:{port} did not answer within {timeout_s:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise LdapError(f"the certificate of {host}:{port} is not good: {error.verify_message}") from None
        except (OSError, ssl.SSLError) as error:
            raise LdapError(f"{host}:{port} cannot be reached: {error.strerror or error}") from None
        return connection

    async def _start_tls(self, tls: ssl.SSLContext, host: str) -> None:
        content = await self._answer(messages.start_tls(self._next()), messages.EXTENDED_RESPONSE)
        outcome = _read(messages.result, content)
        if outcome.code != messages.SUCCESS:
            raise LdapError(f"{host} does not encrypt with StartTLS ({outcome})")
        if await self._has_more():
            # Whoever sits between could have put words before the encrypted ones. Source: RFC 4511, section 4.14.
            raise LdapError(f"{host} said more in the clear after StartTLS")
        await self._writer.start_tls(tls, server_hostname=host)

    async def _has_more(self) -> bool:
        try:
            async with asyncio.timeout(0):
                return bool(await self._reader.read(1))
        except TimeoutError:
            return False

    async def bind(self, dn: str, password: str, timeout_s: float) -> Result:
        """Prove who we are. An empty password is never sent: a server would take it for nobody, and agree.

        Raises:
            LdapError: The connection is lost.
        """
        if dn and not password:
            raise LdapError("a bind without password proves nothing (RFC 4513, section 5.1.2)")
        async with _within(timeout_s):
            answer = await self._answer(messages.bind(self._next(), dn, password), messages.BIND_RESPONSE)
        return _read(messages.result, answer)

    async def search(self, wanted: Search, timeout_s: float) -> tuple[list[Entry], Result]:
        """Find entries; references to other servers are not followed.

        Raises:
            LdapError: The connection is lost, or there is more than can be.
        """
        found: list[Entry] = []
        async with _within(timeout_s):
            number = self._next()
            await self._send(messages.search(number, wanted))
            while True:
                tag, content = await self._receive(number)
                if tag == messages.SEARCH_ENTRY:
                    found.append(_read(messages.entry, content))
                    if len(found) > wanted.size_max:
                        raise LdapError(f"the server sent more than the {wanted.size_max} entries asked for")
                elif tag == messages.SEARCH_DONE:
                    return found, _read(messages.result, content)
                elif tag != messages.SEARCH_REFERENCE:
                    raise LdapError(f"the server answered a search with {tag:#04x}")

    async def close(self) -> None:
        """Say good-bye; a server that is gone is no error."""
        with suppress(LdapError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._send(messages.unbind(self._next()))
                self._writer.close()
                await self._writer.wait_closed()
        self.abort()

    def abort(self) -> None:
        """Drop the connection without a word."""
        with suppress(OSError):
            self._writer.transport.abort()

    @property
    def is_closed(self) -> bool:
        """Whether the server has hung up, as far as is known."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def _answer(self, question: bytes, due: int) -> bytes:
        await self._send(question)
        tag, content = await self._receive(self._number)
        if tag != due:
            raise LdapError(f"the server answered with {tag:#04x} where {due:#04x} is due")
        return content

    async def _send(self, message: bytes) -> None:
        try:
            self._writer.write(message)
            await self._writer.drain()
        except (OSError, ssl.SSLError) as error:
            raise LdapError(f"the connection was lost: {error.strerror or error}") from None

    async def _receive(self, number: int) -> tuple[int, bytes]:
        try:
            head = await self._reader.readexactly(2)
            if head[1] & 0x80:
                head += await self._reader.readexactly(head[1] & 0x7F)
            size, start = header(head)
            if head[0] != 0x30 or size > MESSAGE_BYTES_MAX:
                raise LdapError(f"the server sent {size} bytes of something else")
            content = await self._reader.readexactly(size)
            assert start == len(head)  # noqa: S101 - both follow from the same byte
            got, tag, operation = messages.opened(content)
        except asyncio.IncompleteReadError:
            raise LdapError("the server closed the connection") from None
        except (OSError, ssl.SSLError) as error:
            raise LdapError(f"the connection was lost: {error.strerror or error}") from None
        except BerError as error:
            raise LdapError(f"the server does not speak LDAP: {error}") from None
        if got != number:
            said = (
                _read(messages.result, operation)
                if got == 0 and tag == messages.EXTENDED_RESPONSE
                else f"message {got}"
            )
            raise LdapError(f"the server ended the connection: {said}")
        return tag, operation

    def _next(self) -> int:
        self._number += 1
        return self._number


def _read(how: Callable[[bytes], Read], content: bytes) -> Read:
    try:
        return how(content)
    except BerError as error:
        raise LdapError(f"the server does not speak LDAP: {error}") from None


@asynccontextmanager
async def _within(timeout_s: float) -> AsyncIterator[None]:
    """Give a question its time; it is a fault of the server when that is over."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise LdapError(f"no answer within {timeout_s:g} s") from None
