"""Messages published to an MQTT broker: a JSON object on a topic, QoS 1; the broker's PUBACK is the receipt.

Each message has a connection of its own: a message is rare, and one that is kept open could be dead without our knowing
until the next alarm needs it. The broker keeps nothing for us, so the session is clean.

With MQTT 5 the receipt says why a message was not taken, and whether anybody listens. With 3.1.1 a broker that forbids
the topic may acknowledge it all the same.

Source: OASIS MQTT 5.0, 3.1.4 and 3.4.2.1 (reason codes), 4.3.2 (QoS 1); 3.1.1, 3.2.2.3 (return codes).
"""

import asyncio
import json
import logging
import ssl
from typing import Any

import aiomqtt
from pydantic import SecretStr

from pdm_app.domain.notice_channels import MqttBroker
from pdm_app.domain.notices import ChannelKind, DeliveryError, OutgoingMessage

logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # What goes wrong is raised from here, once.

QOS = 1
KEEPALIVE_S = 10
VERSIONS = {"3.1.1": aiomqtt.ProtocolVersion.V311, "5": aiomqtt.ProtocolVersion.V5}
REFUSED_FROM = 0x80  # Reason codes from here on are errors.
NOBODY_LISTENS = 0x10
SIGN_IN = frozenset({0x86, 0x87, 4, 5})  # Bad login and not authorised, in MQTT 5 and in 3.1.1.
FOR_GOOD = frozenset({0x90, 0x95, 0x99})  # Topic name invalid, packet too large, payload format invalid.


class MqttChannel:
    """Publishes messages."""

    kind = ChannelKind.MQTT

    def __init__(self, broker: MqttBroker, password: SecretStr | None = None) -> None:
        self._broker = broker
        self._password = password

    async def send(self, message: OutgoingMessage) -> str:
        """See `Channel.send`; goes where the broker is set up now, so what waits follows it."""
        topic = self._broker.topic_of(message)
        taken: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        client = self._client(message.id)
        paho = client._client

        def note(_client: Any, _userdata: Any, _mid: int, reason: Any, _properties: Any) -> None:
            """Keep what the broker answers, which aiomqtt throws away, as it does not tell of a link that is lost."""
            if not taken.done():
                taken.set_result(reason)

        paho.on_publish = note
        was_sent = False
        try:
            async with asyncio.timeout(self._broker.timeout_s):
                async with client:
                    was_sent = True
                    paho.publish(topic, payload_of(message), QOS)
                    await asyncio.wait({taken, client._disconnected}, return_when=asyncio.FIRST_COMPLETED)
            if not taken.done():
                raise client._disconnected.exception() or aiomqtt.MqttError("the broker has ended the connection")
        except (aiomqtt.MqttError, OSError, TimeoutError, ValueError) as error:
            if not taken.done():
                raise self._failure(error, was_sent=was_sent) from error
        return self._receipt(topic, taken.result())

    async def close(self) -> None:
        """There is nothing to give back."""

    def _client(self, message_id: str) -> aiomqtt.Client:
        broker = self._broker
        try:
            tls = self._tls() if broker.is_secured else None
        except (OSError, ValueError) as error:
            raise self._failure(error, was_sent=False) from error
        client = aiomqtt.Client(
            broker.host, broker.port, identifier=f"pdm-{message_id}", protocol=VERSIONS[broker.version],
            username=broker.username or None,
            password=self._password.get_secret_value() if self._password is not None and broker.username else None,
            keepalive=KEEPALIVE_S, timeout=broker.timeout_s, tls_context=tls,
        )  # fmt: skip
        client._client.connect_timeout = broker.timeout_s
        return client

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._broker.ca_file) if self._broker.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Socket
        return context

    @property
    def _place(self) -> str:
        return f"The MQTT broker {self._broker.host}:{self._broker.port}"

    def _receipt(self, topic: str, reason: Any) -> str:
        code = _code(reason)
        if code < REFUSED_FROM:
            heard = ", and nobody listens to it" if code == NOBODY_LISTENS else ""
            return f"PUBACK {code} on {topic}{heard}"
        reply = f"PUBACK {code} {reason}"
        if code in SIGN_IN:
            raise DeliveryError(
                f"{self._place} does not let {self._broker.username or 'anybody without a login'!r} publish on "
                f"{topic!r}: {reason}. Allow it there; the message waits.",
                reply=reply,
            )  # fmt: skip
        raise DeliveryError(
            f"{self._place} does not take a message on {topic!r}: {reason}.", reply=reply, is_final=code in FOR_GOOD
        )

    def _failure(self, error: BaseException, *, was_sent: bool) -> DeliveryError:
        words = str(error) or type(error).__name__
        code = _code(getattr(error, "rc", None)) if isinstance(error, aiomqtt.MqttCodeError) else 0
        if not was_sent and code in SIGN_IN:
            return DeliveryError(
                f"{self._place} does not let {self._broker.username or 'anybody without a login'!r} in: {words}. "
                "Correct the login; the message waits.",
                reply=words,
            )  # fmt: skip
        if was_sent:
            return DeliveryError(
                f"{self._place} has hung up or did not acknowledge in time: {words}. The message is published again.",
                reply=words, is_unknown=True,
            )  # fmt: skip
        return DeliveryError(
            f"{self._place} cannot be reached: {words}. The message waits and is tried again.", reply=words
        )


class _Socket(ssl.SSLSocket):
    """A socket that is closed when its handshake fails; paho leaves it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _code(reason: Any) -> int:
    """Return the number of a reason: paho gives objects for either version."""
    try:
        return int(getattr(reason, "value", reason) or 0)
    except (TypeError, ValueError):
        return 0


def payload_of(message: OutgoingMessage) -> bytes:
    """Return the JSON that is published; ``id`` is the same in every attempt, by which a repeat is recognised."""
    said = {
        "type": "alarm.notice",
        "id": message.id,
        "at": message.at,
        "site": message.site_id,
        "priority": message.priority,
        "alarms": message.alarms,
        "alarm_id": message.alarm_id,
        "subject": message.subject,
        "text": message.body,
        "is_repeat": message.is_repeat,
    }
    return json.dumps(said, ensure_ascii=False).encode()
