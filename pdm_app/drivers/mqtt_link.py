"""One client of one MQTT broker: connecting with version, sign-in and TLS, losing the connection, leaving.

``MqttLink(connection, clock, on_message)``; whoever uses it makes of messages what it wants. Options as in
`pdm_app.drivers.mqtt`.

The message callback of aiomqtt is replaced: its queue makes a task per message and is unbounded. There is no queue
here; a message is taken apart where it is read, and TCP holds back a broker that is faster than us.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from pdm_app.domain.connections import Connection, Login
from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.link_security import CertificateRefusedError, LinkMaterial, LinkSecurity
from pdm_app.domain.ports import Clock
from pdm_app.drivers.endpoint import cause, endpoint_of
from pdm_app.drivers.mqtt_tls import TlsLink

# What goes wrong on a link is raised from here, once, and not logged at each try.
logging.getLogger("mqtt").setLevel(logging.CRITICAL)

TOPICS_PER_SUBSCRIBE = 100
CLOSE_S_MAX = 1.5
SCHEMES = {"mqtt": 1883, "tcp": 1883, "mqtts": 8883}
VERSIONS = {"3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}


class MqttLink:
    """One attempt at one broker."""

    def __init__(self, connection: Connection, clock: Clock, on_message: Callable[[Any, Any, Any], None]) -> None:
        """Reach nothing yet.

        Args:
            connection: Endpoint and options.
            clock: Judges certificates.
            on_message: Called by paho where it reads the socket; must not raise.
        """
        self._connection = connection
        self._clock = clock
        self._on_message = on_message
        self._tls: TlsLink | None = None
        self._client: aiomqtt.Client | None = None
        self.login: Login | None = None
        self.material = LinkMaterial()
        self.timeout_s = float(connection.options.get("connect_timeout_s", 5.0))
        self.is_connected = False

    def security(self) -> LinkSecurity:
        user = "password" if self.login else "certificate" if self._tls and self.material.own else "anonymous"
        if self._tls is None or self._client is None:
            return LinkSecurity(encrypted=False, user=user)
        return self._tls.security(self._client._client.socket(), user)

    async def connect(self, will: aiomqtt.Will | None = None) -> None:
        """Sign in.

        Args:
            will: What the broker says for us when we are gone.

        Raises:
            ConnectionFailedError: Within the time for it.
        """
        options = self._connection.options
        endpoint = endpoint_of(self._connection, SCHEMES)
        client_id = options.get("client_id")
        version = VERSIONS.get(str(options.get("version", "3.1.1")))
        if version is None:
            raise self.failed(f"is set to MQTT {options.get('version')!r}; choose one of {', '.join(VERSIONS)}")
        keep_session: dict[str, Any] = {}
        if version is aiomqtt.ProtocolVersion.V5:
            keep_session = {"clean_start": not client_id, "properties": _kept_for_a_day() if client_id else None}
        else:
            keep_session = {"clean_session": not client_id}
        if endpoint.scheme == "mqtts":
            self._tls = TlsLink(self._connection, endpoint, self.material, self._clock)
        self._client = client = aiomqtt.Client(
            endpoint.host,
            endpoint.port,
            identifier=str(client_id) if client_id else None,
            protocol=version,
            username=self.login.username if self.login else None,
            password=self.login.password if self.login else None,
            keepalive=int(options.get("keepalive_s", 4)),
            timeout=self.timeout_s,
            will=will,
            tls_context=await self._tls_context(),
            **keep_session,
        )
        paho = client._client
        paho.connect_timeout = self.timeout_s
        paho.manual_ack_set(on=True)
        paho.on_message = self._on_message
        try:
            async with asyncio.timeout(self.timeout_s + 1):
                await client.__aenter__()
        except (aiomqtt.MqttError, CertificateRefusedError, OSError, TimeoutError) as error:
            raise await self._explained(error, f"could not be reached at {endpoint}: {cause(error)}") from error
        self.is_connected = True

    async def _tls_context(self) -> Any:
        if self._tls is None:
            return None
        try:
            return await asyncio.to_thread(self._tls.context)
        except ConnectionFailedError as error:
            raise self.failed(error.message) from None

    async def _explained(self, error: Exception, otherwise: str) -> ConnectionFailedError:
        """Say what became of an attempt; a certificate that is not accepted is fetched to be shown."""
        if self._tls is None:
            return self.failed(otherwise)
        began_with = error.__context__ if isinstance(error, aiomqtt.MqttError) and error.__context__ else error
        why = await asyncio.to_thread(self._tls.explained, began_with, self.timeout_s)
        if isinstance(why, CertificateRefusedError):
            return why.told_of(f"MQTT broker of {self._connection.name!r}", self._connection.id)
        return self.failed(otherwise if why is None else why.message)

    async def subscribe(self, topics: Sequence[str], qos: int) -> list[tuple[str, int]]:
        """Subscribe to topics in turn; return those that the broker refused, with its code.

        Raises:
            ConnectionFailedError: The broker does not answer.
        """
        client, refused = self.client, []
        try:
            for start in range(0, len(topics), TOPICS_PER_SUBSCRIBE):
                chunk = topics[start : start + TOPICS_PER_SUBSCRIBE]
                granted = await client.subscribe([(topic, qos) for topic in chunk], timeout=self.timeout_s)
                answers: Sequence[Any] = granted
                codes = [int(getattr(answer, "value", answer)) for answer in answers]
                refused += [(topic, code) for topic, code in zip(chunk, codes, strict=False) if code >= 128]
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            raise self.failed(f"did not accept the subscription: {cause(error)}") from error
        return refused

    async def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        """Publish.

        Raises:
            ConnectionFailedError: The broker does not take it.
        """
        try:
            await self.client.publish(topic, payload, qos=qos, retain=retain, timeout=self.timeout_s)
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            raise self.failed(f"did not take a message: {cause(error)}") from error

    def acknowledge(self, tokens: Sequence[tuple[int, int]]) -> None:
        """Tell the broker that messages, by id and QoS, are safe here."""
        if self._client is not None:
            for message_id, qos in tokens:
                self._client._client.ack(message_id, qos)

    async def lost(self) -> str:
        """Wait on aiomqtt's message iterator, which stays empty here and ends with the connection."""
        try:
            async for _ in self.client.messages:
                pass
        except aiomqtt.MqttError as error:
            self.is_connected = False
            why = cause(error.__cause__ or error)
            return "The broker closed the connection" + ("." if "Unspecified" in why else f": {why}.")
        return "The connection ended."

    @property
    def client(self) -> aiomqtt.Client:
        if self._client is None:
            raise self.failed("is not connected")
        return self._client

    def failed(self, what: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"MQTT broker of {self._connection.name!r} {what}.", connection_id=self._connection.id
        )

    async def close(self) -> None:
        """Leave; never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_S_MAX):
                if self.is_connected:
                    await client.__aexit__(None, None, None)
        self.is_connected = False
        with suppress(Exception):
            client._client.disconnect()  # Frees the socket of an attempt that was never answered.
        await asyncio.sleep(0)


def _kept_for_a_day() -> Any:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 86_400
    return properties
