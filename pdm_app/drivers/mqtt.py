"""MQTT 3.1.1 and 5: JSON objects on topics, pushed by the broker.

``MqttDriver(connection, clock)``. Endpoint ``mqtt://host:1883``, or ``mqtts://host:8883`` for TLS, whose options are in
`pdm_app.drivers.mqtt_tls`; options ``version`` ("3.1.1" or "5"), ``qos`` (0 or 1, default 1), ``client_id`` (set it to
have the broker keep messages while we are away: it makes the session persistent), ``keepalive_s`` (4),
``status_suffix`` ("/status", "" for none), ``connect_timeout_s`` (5). A signal's address is a
`pdm_app.drivers.mqtt_payloads.MqttAddress`.

With QoS 1 a message is acknowledged only when its samples are on disk. aiomqtt has no switch for that, so its paho
client is told directly (`pdm_app.drivers.mqtt_link`).

Source: OASIS MQTT 3.1.1 and 5.0, chapters 3.3–3.4 and 4.4; aiomqtt 2.5, paho-mqtt 2.1.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from pdm_app.domain.connections import Connection, Login
from pdm_app.domain.errors import NotSupportedError
from pdm_app.domain.link_security import LinkMaterial, LinkSecurity
from pdm_app.domain.ports import BrowsedNode, Clock, DriverHealth, Sink, WriteResult
from pdm_app.domain.samples import Batch, Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.mqtt_link import MqttLink
from pdm_app.drivers.mqtt_payloads import (
    PayloadError,
    ValuePlace,
    address_of,
    parsed,
    place_of,
    reading,
    time_in,
)
from pdm_app.drivers.mqtt_rows import Gathered, Token

GATHER_S = 0.010  # Messages that come within this time of each other make one batch; the first does not wait.
ROWS_MAX = 5000
REFUSED_MAX = 1000  # Above the brokers' usual windows of unacknowledged messages (20 in mosquitto, 65,535 at most).
EARLY_MAX = 100_000  # The broker's window of unacknowledged messages bounds it; the rest stays with the broker.
OFFER_AGAIN_S = 1.0
OFFLINE_WORDS = frozenset({"offline", "0", "false", "disconnected", "lost"})


class MqttDriver:
    """One client of one broker."""

    pushes = True

    def __init__(self, connection: Connection, clock: Clock) -> None:
        options = connection.options
        self._connection = connection
        self._clock = clock
        self._qos = 1 if int(options.get("qos", 1)) else 0
        self._status_suffix = str(options.get("status_suffix", "/status"))
        self._link = MqttLink(connection, clock, self._received)
        self._sink: Sink | None = None
        self._places: dict[str, list[ValuePlace]] = {}
        self._status_of: dict[str, list[int]] = {}  # status topic -> signals of the gateway behind it
        self._faults: dict[int, str] = {}
        self._gathered = Gathered()
        self._flush_due: asyncio.TimerHandle | asyncio.Handle | None = None
        self._flushed_at = -math.inf  # On the event loop's clock.
        self._early: list[Any] = []  # What a persistent session sends before `subscribe` has said what is wanted.
        self._refused: list[tuple[Batch, list[Token]]] = []
        self._loop = asyncio.get_running_loop()

    def sign_in_as(self, login: Login) -> None:
        self._link.login = login

    def secure_with(self, material: LinkMaterial) -> None:
        self._link.material = material

    def security(self) -> LinkSecurity:
        return self._link.security()

    async def connect(self) -> None:
        await self._link.connect()

    # --- subscribing ----------------------------------------------------------------------------------------------

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        self._sink = sink
        for signal in signals:
            address = address_of(signal)
            if isinstance(address, str):
                self._faults[signal.id] = address
                self._gathered.add(signal.id, self._clock.now(), math.nan, Quality.BAD_CONFIGURATION)
                continue
            self._places.setdefault(address.topic, []).append(place_of(signal, address))
            if address.status or self._status_suffix:
                status_topic = address.status or address.topic + self._status_suffix
                self._status_of.setdefault(status_topic, []).append(signal.id)
        self._flush()
        early, self._early = self._early, []
        for message in early:
            self._received(None, None, message)
        topics = [*self._status_of, *self._places]  # The status first: a retained "offline" then precedes old values.
        now = self._clock.now()
        for topic, code in await self._link.subscribe(topics, self._qos):
            for place in self._places.get(topic, ()):
                self._faults[place.signal] = (
                    f"The broker refused topic {topic!r} (code {code}). Allow this client to read it."
                )
                self._gathered.add(place.signal, now, math.nan, Quality.BAD_CONFIGURATION)
        self._flush()

    # --- messages -------------------------------------------------------------------------------------------------

    def _received(self, _client: Any, _userdata: Any, message: Any) -> None:
        """Take one message apart. Called by paho where it reads the socket; must not raise."""
        if self._sink is None:
            if message.qos and len(self._early) < EARLY_MAX:
                self._early.append(message)
            return
        now = self._clock.now()
        topic: str = message.topic
        if message.dup != self._gathered.is_sent_again:  # What lacked its receipt, and what has come since.
            self._flush()
        gathered = self._gathered
        gathered.is_sent_again = message.dup
        gateway = self._status_of.get(topic)
        if gateway is not None:
            self._note_status(topic, gateway, message.payload, now)
        places = self._places.get(topic)
        if places is not None:
            self._take_apart(topic, places, message.payload, now)
        if message.qos:
            gathered.tokens.append((message.mid, message.qos))
        self._flush_soon()

    def _take_apart(self, topic: str, places: Sequence[ValuePlace], payload: bytes, now: int) -> None:
        try:
            found = parsed(payload)
        except PayloadError as error:
            for place in places:
                self._faults[place.signal] = f"Topic {topic!r}: {error}."
            return
        times: dict[tuple[str, ...], int] = {}
        for place in places:
            try:
                if place.time not in times:
                    times[place.time] = time_in(found, place.time, now)
                read = reading(found, place)
            except PayloadError as error:
                self._faults[place.signal] = f"Topic {topic!r}: {error}."
                continue
            self._faults.pop(place.signal, None)
            self._gathered.add(place.signal, times[place.time], read.value, read.quality, read.text)

    def _note_status(self, topic: str, signals: Sequence[int], payload: bytes, now: int) -> None:
        """Mark a gateway's signals bad when it, or its last will, says that it is gone."""
        words = payload[:200].decode("utf-8", "replace").strip().strip('"').lower()
        with suppress(PayloadError):
            found = parsed(payload)
            if isinstance(found, dict):
                words = str(found.get("status", found.get("state", ""))).lower()
        offline = words in OFFLINE_WORDS
        for signal in signals:
            if offline:
                self._faults[signal] = f"The gateway reports {words!r} on {topic!r}."
                self._gathered.add(signal, now, math.nan, Quality.BAD_CONNECTION_LOST)
            elif signal in self._faults and self._faults[signal].startswith("The gateway reports"):
                del self._faults[signal]

    def _flush_soon(self) -> None:
        if len(self._gathered.signal) >= ROWS_MAX:
            self._flush()
        elif self._flush_due is None:
            wait_s = max(0.0, self._flushed_at + GATHER_S - self._loop.time())
            self._flush_due = (
                self._loop.call_later(wait_s, self._flush) if wait_s else self._loop.call_soon(self._flush)
            )

    def _flush(self) -> None:
        if self._flush_due is not None:
            self._flush_due.cancel()
            self._flush_due = None
        gathered, self._gathered = self._gathered, Gathered()
        if self._sink is None:
            return
        self._flushed_at = self._loop.time()
        if gathered.signal:
            self._offer(gathered.batch(self._connection.id, self._clock.now()), gathered.tokens)
        else:
            self._link.acknowledge(
                gathered.tokens
            )  # Nothing of ours in it, or nothing legible: sent again it is no better.

    # --- acknowledging --------------------------------------------------------------------------------------------

    def _offer(self, batch: Batch, tokens: list[Token]) -> None:
        if self._sink is None:
            return
        durable = self._sink(batch)
        if not tokens:
            return
        if durable is None:
            self._offer_later(batch, tokens)
        elif durable.done():
            self._settled(durable, batch, tokens)
        else:
            durable.add_done_callback(lambda done: self._settled(done, batch, tokens))

    def _settled(self, durable: "asyncio.Future[None]", batch: Batch, tokens: list[Token]) -> None:
        if durable.cancelled():
            return
        if durable.exception() is None:
            self._link.acknowledge(tokens)
        else:
            self._offer_later(batch, tokens)

    def _offer_later(self, batch: Batch, tokens: list[Token]) -> None:
        """Keep what the buffer refused: the broker sends it again only after a reconnection."""
        if len(self._refused) >= REFUSED_MAX:
            self._refused.pop(0)  # Stays unacknowledged, so the broker still has it.
        if not self._refused:
            self._loop.call_later(OFFER_AGAIN_S, self._offer_refused)
        self._refused.append((batch, tokens))

    def _offer_refused(self) -> None:
        waiting, self._refused = self._refused, []
        for batch, tokens in waiting:
            self._offer(batch, tokens)

    # --- the link -------------------------------------------------------------------------------------------------

    async def lost(self) -> str:
        return await self._link.lost()

    async def poll(self, signals: Sequence[Signal]) -> Batch:  # noqa: ARG002
        raise NotSupportedError("An MQTT broker is not polled; it sends when there is news.")

    async def write(self, signal: Signal, value: float | str) -> WriteResult:  # noqa: ARG002
        raise NotSupportedError("MQTT has no write that is read back; publish commands are a later part.")

    async def browse(self, address: Mapping[str, object] | None) -> Sequence[BrowsedNode]:  # noqa: ARG002
        raise NotSupportedError("A broker does not list its topics.")

    def health(self) -> DriverHealth:
        return DriverHealth(
            self._link.is_connected, "" if self._link.is_connected else "not connected", None, dict(self._faults)
        )

    async def close(self) -> None:
        """Leave without acknowledging what is not durable: a persistent session gets it again."""
        self._sink = None
        if self._flush_due is not None:
            self._flush_due.cancel()
        self._refused.clear()
        await self._link.close()
