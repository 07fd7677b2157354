"""The event sockets of the front end: how many one caller opens, how often it sends, and how much at once.

A page sends an event for what a person does, so a session that sends twenty a second for a while is a program. Its
socket is closed with the reason, and every further one until the rate has come down. The library behind the sockets
would take frames of a megabyte, binary parts without end, and a state for every name of a tab that anybody makes up.
"""

import logging
import re
from collections import Counter
from itertools import count
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdm_app.domain.ports import Clock
from pdm_app.endpoints.gate import TRY_AGAIN_LATER, credential_of
from pdm_app.services.origins import is_loopback, network_of
from pdm_app.services.rates import Rate
from pdm_app.settings import HttpSettings

log = logging.getLogger(__name__)

PREFIX = "/_event"
CONNECT = "40"  # The frame by which a socket joins; each one makes a state, and the library takes any number of them.
OPEN_MAX = 200  # Of one session, or of one address without.
PEOPLE_BEHIND_ONE_ADDRESS = 10  # At once; a whole office may share one.
POLICY_VIOLATION, TOO_LARGE, NOT_TEXT = 1008, 1009, 1003
TAB = re.compile(r"[A-Za-z0-9_-]{1,64}")  # The browser names each tab by a random UUID.
FRAME = re.compile(r"[123]$|4[01]/_event|42/_event,\d*\[")
"""What a page of ours sends: end, ping, pong, join, leave, event. On others the library fails, with a page of log."""
SAID_PER_MINUTE = 10  # Lines of the log about closed sockets, however many there are.

Fault = tuple[str, int, str]
"""The word for the count, the code with which the socket is closed, and the sentence that goes with it."""


class _Allowance:
    """What one kind of caller may do."""

    def __init__(self, settings: HttpSettings, clock: Clock, times: int) -> None:
        self.events = Rate(clock, settings.events_per_minute * times)
        self.openings = Rate(clock, settings.event_sockets_per_minute * times)
        self.open_max = OPEN_MAX * times
        self.open: Counter[str] = Counter()


class EventSockets:
    """ASGI middleware around the front end.

    Attributes:
        closed_total: Sockets closed or not opened, by reason: ``often``, ``many``, ``large``, ``binary``, ``twice``,
            ``strange``, ``nameless``.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings, clock: Clock) -> None:
        self._app = app
        self._bytes_max = settings.event_bytes_max
        self._each = _Allowance(settings, clock, 1)
        self._address = _Allowance(settings, clock, PEOPLE_BEHIND_ONE_ADDRESS)
        self._lines = Rate(clock, SAID_PER_MINUTE)
        self._numbers = count()
        self.closed_total: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        callers = self._callers(scope)
        if fault := self._refused(scope, callers):
            reason, code, text = fault
            self.note(reason, scope)
            await send(closing(code, text))
            return
        for allowance, whose in callers:
            allowance.open[whose] += 1
        try:
            await _Watched(self, scope, receive, send, callers).run(self._app)
        finally:
            for allowance, whose in callers:
                allowance.open[whose] -= 1
                if not allowance.open[whose]:
                    del allowance.open[whose]

    def _refused(self, scope: Scope, callers: "Callers") -> Fault | None:
        tab = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not TAB.fullmatch(tab):
            return "nameless", POLICY_VIOLATION, "This socket is for the product's own pages."
        for allowance, whose in callers:
            if wait_s := allowance.openings.take(whose):
                return "many", TRY_AGAIN_LATER, f"Too many tabs opened in a short time. Try again in {wait_s} s."
            if allowance.open[whose] >= allowance.open_max:
                return "many", TRY_AGAIN_LATER, f"{allowance.open_max} tabs are open already. Close some."
        return None

    def fault_of(self, message: Message, callers: "Callers") -> Fault | None:
        """Return why a frame ends its socket, None where it may pass."""
        text = message.get("text")
        if text is None:
            return "binary", NOT_TEXT, "Only text is taken here."
        if len(text.encode()) > self._bytes_max:
            return "large", TOO_LARGE, f"A message is longer than {self._bytes_max} bytes."
        if not FRAME.match(text):
            return "strange", POLICY_VIOLATION, "This is nothing that a page of ours sends."
        for allowance, whose in callers:
            if wait_s := allowance.events.take(whose):
                return "often", TRY_AGAIN_LATER, f"Too many events in a short time. Try again in {wait_s} s."
        return None

    def _callers(self, scope: Scope) -> "Callers":
        """Name those for whom a socket is counted: its session, and its address, unless that is this machine.

        A session is whatever is shown as one, so the address counts as well. A stranger is counted as his address
        alone, and one at this machine as the socket.
        """
        credential = credential_of(scope)
        client = scope.get("client")
        address = client[0] if client else ""
        if is_loopback(address):
            return [(self._each, credential or f"socket {next(self._numbers)}")]
        network = network_of(address)
        return [(self._each, credential or network), (self._address, network)]

    def note(self, reason: str, scope: Scope) -> None:
        """Count a socket that was closed, and say so unless the log has heard enough of it."""
        self.closed_total[reason] += 1
        if not self._lines.take(""):
            client = scope.get("client")
            log.warning("an event socket was closed", extra={"reason": reason, "address": client[0] if client else ""})


Callers = list[tuple[_Allowance, str]]


class _Watched:
    """One open socket."""

    def __init__(self, sockets: EventSockets, scope: Scope, receive: Receive, send: Send, callers: "Callers") -> None:
        self._sockets = sockets
        self._scope = scope
        self._receive = receive
        self._send = send
        self._callers = callers
        self._has_joined = False
        self._is_closed = False

    async def run(self, app: ASGIApp) -> None:
        await app(self._scope, self._next, self._pass_on)

    async def _next(self) -> Message:
        message = await self._receive()
        if self._is_closed or message["type"] != "websocket.receive":
            return message
        fault = self._sockets.fault_of(message, self._callers) or self._joins_again(message)
        if fault is None:
            return message
        reason, code, text = fault
        self._is_closed = True
        self._sockets.note(reason, self._scope)
        await self._send(closing(code, text))
        return {"type": "websocket.disconnect", "code": code}

    def _joins_again(self, message: Message) -> Fault | None:
        if not message["text"].startswith(CONNECT):
            return None
        if self._has_joined:
            return "twice", POLICY_VIOLATION, "This socket has joined already."
        self._has_joined = True
        return None

    async def _pass_on(self, message: Message) -> None:
        if not self._is_closed:  # What handlers still answer has nowhere to go.
            await self._send(message)


def closing(code: int, reason: str) -> Message:
    """Return the message that closes a socket, or refuses it before it is open."""
    return {"type": "websocket.close", "code": code, "reason": reason}
