"""A real SMTP server (aiosmtpd) that keeps what it takes and answers as a test wants it to."""

import asyncio
import ssl
import warnings
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

HANG = "hang"
HANG_UP = "hang up"
TAKE_AND_HANG_UP = "take and hang up"


@dataclass
class MailServer:
    """What came in, and what is answered next.

    Attributes:
        at_recipient: Answers to the next recipients; "" takes one.
        at_end: Answers to the next messages, once they are whole.
        sessions: Connections so far.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    at_recipient: deque[str] = field(default_factory=deque)
    at_end: deque[str] = field(default_factory=deque)
    sessions: int = 0
    transports: list[Any] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - names that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]
    ) -> str:
        answer = self.at_recipient.popleft() if self.at_recipient else ""
        if answer == HANG:
            await asyncio.Event().wait()
        if answer:
            return answer
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.at_end.popleft() if self.at_end else ""
        if answer == HANG:
            await asyncio.Event().wait()
        if answer in ("", TAKE_AND_HANG_UP):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if answer in (HANG_UP, TAKE_AND_HANG_UP):
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            return "421 gone"
        return answer or f"250 2.0.0 Ok: queued as {len(self.mails)}"

    def hang_up(self) -> None:
        """End every connection, as servers do that count them."""
        for transport in self.transports:
            transport.close()
        self.transports.clear()


@asynccontextmanager
async def mail_server(
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
) -> AsyncIterator[MailServer]:
    """Serve on loopback; with ``login`` only to who knows it."""
    server = MailServer()

    def lets_in(smtp: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=login == (given.login.decode(), given.password.decode()), handled=False)

    def protocol() -> SMTP:
        class Counted(SMTP):
            def connection_made(self, transport: Any) -> None:
                server.sessions += self.session is None  # Not once more after STARTTLS.
                server.transports.append(transport)
                super().connection_made(transport)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It knows nothing of a TLS that its transport brings.
            return Counted(
                server, hostname="mail.test", tls_context=starttls, require_starttls=starttls is not None,
                authenticator=lets_in if login else None, auth_required=login is not None,
                auth_require_tls=starttls is not None, timeout=60,
            )  # fmt: skip

    listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        server.hang_up()
        await listening.wait_closed()
