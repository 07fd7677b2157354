"""E-mail over SMTP: TLS, STARTTLS or neither, with a login where the server asks for one.

One connection is kept for the messages that follow each other closely and is given back after half a minute; servers
count connections. A message keeps its ``Message-ID`` through all attempts, by which a mail program recognises a repeat.

Sources: RFC 5321 (reply codes), RFC 5322 (Message-ID), RFC 3834 (Auto-Submitted), RFC 8314 (TLS for submission).
"""

import asyncio
import ssl
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import aiosmtplib
from pydantic import SecretStr

from pdm_app.domain.notice_channels import MailServer
from pdm_app.domain.notices import REPEAT_WORDS, ChannelKind, DeliveryError, OutgoingMessage
from pdm_app.domain.samples import MICROS_PER_S

IDLE_S_MAX = 30.0
TRANSIENT = range(400, 500)
SIGN_IN_CODES = (530, 534, 535, 538)  # An admin sets these right; the message waits meanwhile.


class EmailChannel:
    """Hands messages to one mail server."""

    kind = ChannelKind.EMAIL

    def __init__(self, server: MailServer, password: SecretStr | None = None) -> None:
        self._server = server
        self._password = password
        self._client: aiosmtplib.SMTP | None = None
        self._used_at = 0.0
        self._turn = asyncio.Lock()

    async def send(self, message: OutgoingMessage) -> str:
        """See `Channel.send`; the answer is the server's reply to the whole message, which names its queue id."""
        mail = self._mail(message)
        async with self._turn:
            client = await self._connected()
            try:
                refused, reply = await client.send_message(mail, sender=self._server.sender, recipients=[message.to])
            except aiosmtplib.SMTPException as error:
                await self._drop()
                raise self._failure(error, client) from error
            except OSError as error:
                await self._drop()
                raise self._lost(f"{error}") from error
            self._used_at = asyncio.get_running_loop().time()
        if refused:  # Servers that answer a part of the recipients; there is only one here.
            code, words = refused[message.to]
            raise self._refused(code, words)
        return reply

    async def close(self) -> None:
        """Say goodbye to the server."""
        async with self._turn:
            await self._drop(politely=True)

    def _mail(self, message: OutgoingMessage) -> EmailMessage:
        mail = EmailMessage(policy=SMTP_POLICY)
        try:
            mail["From"] = Address(self._server.sender_name, addr_spec=self._server.sender)
            mail["To"] = Address(addr_spec=message.to)
            mail["Subject"] = " ".join(message.subject.split())
        except (MessageError, ValueError, IndexError) as error:  # The parser runs off the end of 'tom@'.
            raise DeliveryError(
                f"{message.to!r} is no address that mail can be sent to. Correct it where the person is kept.",
                reply=str(error), is_final=True,
            ) from error  # fmt: skip
        mail["Date"] = format_datetime(datetime.fromtimestamp(message.at / MICROS_PER_S, UTC))
        mail["Message-ID"] = f"<{message.id}@{self._server.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.priority is not None and message.priority <= 2:
            mail["Importance"] = "high"
        mail.set_content(f"{message.body}\n\n{REPEAT_WORDS}" if message.is_repeat else message.body)
        if message.attachment is not None:
            kind, _, subkind = message.attachment.media_type.partition("/")
            mail.add_attachment(
                message.attachment.content, maintype=kind, subtype=subkind, filename=message.attachment.name
            )
        return mail

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None:
            if self._client.is_connected and asyncio.get_running_loop().time() - self._used_at < IDLE_S_MAX:
                try:
                    await self._client.rset()  # Tells also whether it is still there, before anything is handed over.
                except (aiosmtplib.SMTPException, OSError):
                    await self._drop()
                else:
                    return self._client
            else:
                await self._drop(politely=True)
        server = self._server
        try:
            client = aiosmtplib.SMTP(
                hostname=server.host, port=server.port, timeout=server.timeout_s,
                use_tls=server.security == "tls", start_tls=server.security == "starttls",
                tls_context=self._tls() if server.security != "none" else None,
            )  # fmt: skip
            await client.connect()
            self._client = client
            if server.username:
                given = self._password.get_secret_value() if self._password is not None else ""
                await client.login(server.username, given)
        except aiosmtplib.SMTPException as error:
            await self._drop()
            raise self._failure(error, None) from error
        except (OSError, ValueError) as error:
            await self._drop()
            raise self._lost(f"{error}") from error
        return client

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._server.ca_file) if self._server.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    async def _drop(self, *, politely: bool = False) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if politely and client.is_connected:
            try:
                await client.quit()
            except (aiosmtplib.SMTPException, OSError):
                pass  # It is gone already, which is what was wanted.
        client.close()

    @property
    def _place(self) -> str:
        return f"The mail server {self._server.host}:{self._server.port}"

    def _failure(self, error: aiosmtplib.SMTPException, client: aiosmtplib.SMTP | None) -> DeliveryError:
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            first = error.recipients[0]
            return self._refused(first.code, first.message)
        if isinstance(error, aiosmtplib.SMTPAuthenticationError) or (
            isinstance(error, aiosmtplib.SMTPResponseException) and error.code in SIGN_IN_CODES
        ):
            return DeliveryError(
                f"{self._place} does not let {self._server.username or 'anybody without a login'!r} in: "
                f"{error}. Correct the login; the message waits.",
                reply=str(error),
            )  # fmt: skip
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return self._refused(error.code, error.message)
        if isinstance(error, aiosmtplib.SMTPNotSupported):
            return DeliveryError(
                f"{self._place} cannot do what is set: {error}. Choose another kind of security.",
                reply=str(error),
            )
        # Between the last byte and the reply nobody knows: what was on the wire may have been taken.
        return self._lost(str(error) or type(error).__name__, is_unknown=client is not None)

    def _refused(self, code: int, words: str) -> DeliveryError:
        reply = f"{code} {words}"
        if code in TRANSIENT:
            return DeliveryError(f"{self._place} asks to come back later: {reply}.", reply=reply)
        return DeliveryError(
            f"{self._place} refuses the message for good: {reply}. Look at the address and at the sender.",
            reply=reply, is_final=True,
        )  # fmt: skip

    def _lost(self, words: str, *, is_unknown: bool = False) -> DeliveryError:
        return DeliveryError(
            f"{self._place} cannot be reached or has hung up: {words}. The message is tried again.",
            reply=words, is_unknown=is_unknown,
        )  # fmt: skip
