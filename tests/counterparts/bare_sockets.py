"""The event socket of a page, spoken by hand: what an attacker sends, who needs neither the page nor its code."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from pdm_app.ui.states.session import Session

PATH = "/_event/?EIO=4&transport=websocket"
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class SocketEvent:
    """One event as it goes over the wire.

    Attributes:
        name: Full name of the handler.
        payload: Its arguments by name.
        path: The page that is said to be open.
    """

    name: str
    payload: dict[str, Any] = field(default_factory=dict)
    path: str = "/plant"

    def frame(self, tab: str) -> str:
        """Return the frame that a tab of this name sends."""
        where = {"pathname": self.path, "asPath": self.path, "query": {}}
        event = {"name": self.name, "payload": self.payload, "router_data": where, "token": tab}
        return "42/_event," + json.dumps(["event", event])


class BareSocket:
    """One open socket that has joined."""

    def __init__(self, socket: ClientConnection, tab: str) -> None:
        self._socket = socket
        self.tab = tab

    async def answers(self, events: Sequence[SocketEvent]) -> str:
        """Send events and return everything that the server says until it has done the last one.

        Raises:
            TimeoutError: It never says so.
            ConnectionClosed: It has ended the socket.
        """
        done = f"done-{uuid4().hex}"
        last = SocketEvent(f"{Session.get_full_name()}.report", {"identity": done})
        sending = asyncio.ensure_future(self._send([*events, last]))
        said: list[str] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not said or done not in said[-1]:
                    frame = str(await self._socket.recv())
                    if frame == "2":
                        await self._socket.send("3")
                    said.append(frame)
                await sending
        finally:
            sending.cancel()
        return "\n".join(said)

    async def _send(self, events: Sequence[SocketEvent]) -> None:
        for event in events:
            await self._socket.send(event.frame(self.tab))


@asynccontextmanager
async def bare_socket(url: str, cookie: str = "") -> AsyncIterator[BareSocket]:
    """Open and join the event socket of the product at ``url`` (``http://…``)."""
    tab = str(uuid4())
    headers = {"cookie": cookie} if cookie else {}
    where = f"ws{url.removeprefix('http')}{PATH}&token={tab}"
    async with connect(where, additional_headers=headers, max_size=None) as socket:
        await socket.send("40/_event,")
        yield BareSocket(socket, tab)
