"""A mail server, a gateway for text messages and a receiver of webhooks that keep what they take and hand nothing on.

They speak the real protocols on loopback, so that a notice of the demo takes the whole way of a real one: the same
channel, the same reply in the delivery log. The newest `KEPT_MAX` messages stay in memory; a restart forgets them.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from pdm_app.domain.caught import CAUGHT_BODY_MAX, KEPT_MAX, Caught
from pdm_app.domain.notice_channels import ChannelsSetUp, MailServer, SmsGateway, WebhookReceiver
from pdm_app.domain.notices import ADDRESS_MAX, ChannelKind
from pdm_app.domain.ports import Clock

HOST = "127.0.0.1"
SENDER = "alarms@northfield.example"
MAIL_BYTES_MAX = 2_000_000  # A report of the demo has a tenth of it.
REQUEST_BYTES_MAX = 64 * 1024
HEAD_BYTES_MAX = 16 * 1024
IDLE_S = 60.0
ID_CHARACTERS_MAX = 36


class Catcher:
    """The newest messages; implements `pdm_app.domain.caught.Inbox`."""

    def __init__(self, clock: Clock, set_up: ChannelsSetUp, kept_max: int = KEPT_MAX) -> None:
        self._clock = clock
        self._kept: deque[Caught] = deque(maxlen=kept_max)
        self._count = 0
        self.set_up = set_up

    def newest(self) -> Sequence[Caught]:
        return tuple(reversed(self._kept))

    def clear(self) -> int:
        had = len(self._kept)
        self._kept.clear()
        return had

    def keep(
        self, channel: ChannelKind, to: str, body: str, *, sender: str = "", subject: str = "", message_id: str = ""
    ) -> Caught:
        """Take a message; what is too long of it is cut."""
        self._count += 1
        caught = Caught(
            id=f"caught-{self._count:09d}", at=self._clock.now(), channel=channel, to=to[:ADDRESS_MAX],
            sender=sender[:ADDRESS_MAX], subject=subject[:1_000], body=body[:CAUGHT_BODY_MAX],
            message_id=message_id if len(message_id) <= ID_CHARACTERS_MAX else "",
        )  # fmt: skip
        self._kept.append(caught)
        return caught


@asynccontextmanager
async def open_catcher(clock: Clock, kept_max: int = KEPT_MAX) -> AsyncIterator[Catcher]:
    """Catch on free ports of loopback until the block is left."""
    catcher = Catcher(clock, ChannelsSetUp(), kept_max)
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(lambda: _mail_protocol(catcher), HOST, 0)
    web = await asyncio.start_server(_WebDoor(catcher).serve, HOST, 0, limit=HEAD_BYTES_MAX)
    mail_port, web_port = (int(server.sockets[0].getsockname()[1]) for server in (mail, web))
    catcher.set_up = ChannelsSetUp(
        email=MailServer(host=HOST, port=mail_port, security="none", sender=SENDER, sender_name="Northfield"),
        sms=SmsGateway(profile="generic", url=f"http://{HOST}:{web_port}/sms", sender="Northfield"),
        webhook=WebhookReceiver(url=f"http://{HOST}:{web_port}/webhook"),
    )
    try:
        yield catcher
    finally:
        mail.close()
        web.close()


# --- mail -----------------------------------------------------------------------------------------------------------


def _mail_protocol(catcher: Catcher) -> SMTP:
    return SMTP(
        _MailDoor(catcher), hostname="inbox.northfield.example", ident="simulated", data_size_limit=MAIL_BYTES_MAX,
        enable_SMTPUTF8=True, decode_data=False, timeout=IDLE_S,
    )  # fmt: skip


class _MailDoor:
    def __init__(self, catcher: Catcher) -> None:
        self._catcher = catcher

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep a mail for each of its recipients; the name is the one that the library looks for."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)  # noqa: S101 - which the policy makes
        subject, body = _header(mail, "subject"), _words(mail)
        message_id = _header(mail, "message-id").strip("<> ").partition("@")[0]
        number = ""
        for to in envelope.rcpt_tos:
            caught = self._catcher.keep(
                ChannelKind.EMAIL, to, body, sender=envelope.mail_from or "", subject=subject, message_id=message_id
            )
            number = caught.id
        return f"250 2.0.0 Ok: kept here as {number}, sent to nobody"


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail.get(name, ""))
    except (MessageError, ValueError, IndexError):  # A header may be any bytes.
        return ""


def _words(mail: EmailMessage) -> str:
    try:
        part = mail.get_body(("plain", "html"))
        return str(part.get_content()).strip() if part is not None else ""
    except (MessageError, LookupError, ValueError, AttributeError):  # An encoding that nobody knows, a broken part.
        return "(This mail has no words that can be read.)"


# --- text messages and webhooks -------------------------------------------------------------------------------------


class _RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class _WebDoor:
    """One request per connection: ``POST /sms`` as a gateway takes it, ``POST /webhook`` as a receiver does."""

    def __init__(self, catcher: Catcher) -> None:
        self._catcher = catcher

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                try:
                    path, body = await _request(reader)
                    status, told = "202 Accepted", self._kept(path, body)
                except _RefusedError as refused:
                    status, told = refused.status, {"error": refused.why}
                answer = json.dumps(told).encode()
                head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n"
                writer.write(head.encode() + b"connection: close\r\n\r\n" + answer)
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Who hangs up has no answer to wait for.
        finally:
            writer.close()

    def _kept(self, path: str, body: bytes) -> dict[str, str]:
        try:
            given: Any = json.loads(body)
        except (ValueError, RecursionError):
            raise _RefusedError("400 Bad Request", "The body is no JSON.") from None
        if not isinstance(given, dict):
            raise _RefusedError("400 Bad Request", "The body is no JSON object.")
        words = {name: value for name, value in given.items() if isinstance(value, str)}
        if path == "/sms":
            if not words.get("to") or "text" not in words:
                raise _RefusedError("422 Unprocessable Content", "A text message needs to and text.")
            caught = self._catcher.keep(
                ChannelKind.SMS, words["to"], words["text"], sender=words.get("from", ""),
                message_id=words.get("id", ""),
            )  # fmt: skip
        elif path == "/webhook":
            told = words.get("text") or json.dumps(given, indent=2, ensure_ascii=False)
            caught = self._catcher.keep(
                ChannelKind.WEBHOOK, "webhook", told, subject=words.get("subject", ""), message_id=words.get("id", "")
            )
        else:
            raise _RefusedError("404 Not Found", "There are /sms and /webhook here.")
        return {"id": caught.id, "note": "kept here, sent to nobody"}


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, _, rest = first.partition(" ")
    if method != "POST":
        raise _RefusedError("405 Method Not Allowed", "Messages are posted.")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = fields.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        raise _RefusedError("411 Length Required", "The length of the body is not said.")
    if int(length) > REQUEST_BYTES_MAX:
        raise _RefusedError("413 Content Too Large", f"More than {REQUEST_BYTES_MAX} bytes are not taken.")
    return rest.partition(" ")[0].partition("?")[0], await reader.readexactly(int(length))
