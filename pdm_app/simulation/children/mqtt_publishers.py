"""The pump controller and the gateways of the station: MQTT clients, each with a connection and a last will of its own.

They publish what arrives from the physics and nothing else: when it falls silent, so do they. Gateways store up to an
hour of messages while their link or the broker is away and send them afterwards with their old times; the pump
controller stores nothing.
"""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiomqtt import Client, MqttError, Will

from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.simulation.children.frames import LOOPBACK, Frame, open_feed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRMWARE = "firmware_version"
"""The key under which a gateway says what runs on it: what its update client has told, as soon as it has."""
STORED_MAX = 3600
RETRY_AFTER_S = 1.0
TIMEOUT_S = 3.0
KEEP_ALIVE_S = 15
ONLINE = json.dumps({"status": "online"})
OFFLINE = json.dumps({"status": "offline"})


@dataclass(frozen=True, slots=True)
class Station:
    """How one device speaks.

    Attributes:
        code: Machine code, also the client id.
        topics: By topic, the keys of its object and the signal behind each.
        status_topic: Where its last will lies.
        stored_max: Messages kept while nobody takes them.
    """

    code: str
    topics: dict[str, dict[str, str]]
    status_topic: str
    stored_max: int


class Publisher:
    """One device: a queue of messages and the connection that takes them away."""

    def __init__(self, station: Station, port: int) -> None:
        self._station = station
        self._port = port
        self._waiting: deque[tuple[str, str]] = deque(maxlen=station.stored_max)
        self._changed = asyncio.Event()
        self._link_lost = False
        self.firmware = ""

    def take(self, frame: Frame) -> None:
        """Queue a frame's messages; the oldest gives way where the store is full."""
        stamp = (EPOCH + timedelta(microseconds=frame.at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for topic, keys in self._station.topics.items():
            body = {"timestamp": stamp, **{key: frame.values[name] for key, name in keys.items()}}
            if self.firmware and FIRMWARE in body:
                body[FIRMWARE] = self.firmware
            self._waiting.append((topic, json.dumps(body)))
        self._link_lost = frame.link_lost
        self._changed.set()

    async def run(self) -> None:
        """Connect, publish, and connect again after every loss, until cancelled."""
        while True:
            while self._link_lost:
                await self._change()
            with contextlib.suppress(MqttError, OSError, TimeoutError):
                async with self._connected() as client:
                    await self._publish(client)
            await asyncio.sleep(RETRY_AFTER_S)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        client = Client(
            LOOPBACK,
            self._port,
            identifier=self._station.code,
            will=Will(self._station.status_topic, OFFLINE, qos=1, retain=True),
            keepalive=KEEP_ALIVE_S,
            timeout=TIMEOUT_S,
        )
        async with client:
            await client.publish(self._station.status_topic, ONLINE, qos=1, retain=True)
            yield client

    async def _publish(self, client: Client) -> None:
        """Publish until the link is lost; a message leaves the store when the broker has acknowledged it."""
        while not self._link_lost:
            while self._waiting and not self._link_lost:
                topic, body = self._waiting[0]
                await client.publish(topic, body, qos=1, timeout=TIMEOUT_S)
                if self._waiting and self._waiting[0] == (topic, body):
                    self._waiting.popleft()
            if not await self._change(KEEP_ALIVE_S):  # Say it again: a connection that is gone is noticed by that.
                await client.publish(self._station.status_topic, ONLINE, qos=1, retain=True)
        self._cut(client)

    @staticmethod
    def _cut(client: Client) -> None:
        """Break the connection as a dead radio link does, without a word, so that the broker sends the last will."""
        connection = client._client.socket()  # The library offers only a polite end.
        if isinstance(connection, socket.socket):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    async def _change(self, within_s: float | None = None) -> bool:
        """Wait for the next frame; False where none came in time."""
        try:
            await asyncio.wait_for(self._changed.wait(), within_s)
        except TimeoutError:
            return False
        self._changed.clear()
        return True


async def serve(link: ChildLink, configuration: Message) -> None:
    """Publish until cancelled."""
    port = int(configuration["port"])
    publishers = {row["code"]: Publisher(Station(**row), port) for row in configuration["stations"]}

    def take(frame: Frame) -> None:
        if frame.code in publishers:
            publishers[frame.code].take(frame)

    feed = await open_feed(configuration["word"], take)

    async def hear() -> None:
        while True:
            for code, version in (await link.order()).get("firmware", {}).items():
                if code in publishers:
                    publishers[code].firmware = version

    link.tell(ready=True, feed=feed)
    async with asyncio.TaskGroup() as group:
        group.create_task(hear())
        for publisher in publishers.values():
            group.create_task(publisher.run())


if __name__ == "__main__":
    run_child(serve)
