"""Messages published to a real broker, whose PUBACK is the receipt; and to brokers that fail in each way they can."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from pydantic import SecretStr, ValidationError

from pdm_app.channels.mqtt import MqttChannel
from pdm_app.domain.notice_channels import MqttBroker
from pdm_app.domain.notices import DeliveryError, OutgoingMessage
from tests.counterparts.clocks import NOON
from tests.counterparts.cutting_proxy import cutting_proxy
from tests.counterparts.device_certificates import authority, made
from tests.counterparts.mosquitto import Mosquitto, Tls, find_mosquitto
from tests.counterparts.ports import free_port

LOGIN = ("pdm", "s3cret")
WAIT_S = 30.0
MESSAGE = OutgoingMessage(
    id="m-1", to="mqtt://broker", subject="P2 Bearing hot ☂", body="86 °C", at=NOON, priority=2, site_id="graz",
    alarms=3, alarm_id="a-7",
)  # fmt: skip


@pytest.fixture
def broker(tmp_path: Path, need: Callable[[str, object], None]) -> Iterator[Mosquitto]:
    need("mosquitto", find_mosquitto())
    broker = Mosquitto(tmp_path / "broker", login=LOGIN)
    broker.start()
    yield broker
    broker.stop()


def channel(port: int, *, password: str = LOGIN[1], scheme: str = "mqtt", **more: Any) -> MqttChannel:
    given = {"url": f"{scheme}://127.0.0.1:{port}", "username": LOGIN[0], "timeout_s": WAIT_S, **more}
    return MqttChannel(MqttBroker.model_validate(given), SecretStr(password))


async def refusal(over: MqttChannel, message: OutgoingMessage = MESSAGE) -> DeliveryError:
    with pytest.raises(DeliveryError) as refused:
        await over.send(message)
    return refused.value


@asynccontextmanager
async def listening(port: int, topic: str) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", port, username=LOGIN[0], password=LOGIN[1]) as client:
        await client.subscribe(topic, qos=1)
        yield client


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_message_arrives_on_its_topic_and_the_receipt_is_the_brokers(broker: Mosquitto, version: str) -> None:
    over = channel(broker.port, topic=f"plant/{{site}}/{version}/p{{priority}}", version=version)
    async with asyncio.timeout(WAIT_S), listening(broker.port, f"plant/+/{version}/#") as client:
        assert await over.send(MESSAGE) == f"PUBACK 0 on plant/graz/{version}/p2"
        assert (await over.send(MESSAGE.model_copy(update={"is_repeat": True}))).startswith("PUBACK 0")
        first, second = [await anext(client.messages) for _ in range(2)]
    assert (str(first.topic), first.qos, bool(first.retain)) == (f"plant/graz/{version}/p2", 1, False)
    told = [json.loads(bytes(each.payload)) for each in (first, second)]
    assert told[0] == {
        "type": "alarm.notice", "id": "m-1", "at": NOON, "site": "graz", "priority": 2, "alarms": 3, "alarm_id": "a-7",
        "subject": "P2 Bearing hot ☂", "text": "86 °C", "is_repeat": False,
    }  # fmt: skip
    assert told[1] == told[0] | {"is_repeat": True}, "the id tells a receiver that it is the same"


async def test_the_receipt_says_where_nobody_listens(broker: Mosquitto) -> None:
    assert "nobody listens" in await channel(broker.port, topic="to/nobody").send(MESSAGE)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_wrong_login_is_said_and_the_message_waits_for_the_right_one(broker: Mosquitto, version: str) -> None:
    error = await refusal(channel(broker.port, password="wrong", version=version))
    assert "Correct the login" in error.message
    assert "wrong" not in error.message + error.reply
    assert not error.is_final
    assert not error.is_unknown


async def test_a_broker_that_is_not_there_is_said() -> None:
    port = free_port()
    error = await refusal(channel(port))
    assert error.message.startswith(f"The MQTT broker 127.0.0.1:{port} cannot be reached")
    assert (error.is_final, error.is_unknown) == (False, False)
    assert "cannot be reached" in (await refusal(channel(99_999))).message, "there is no such port"


async def test_a_broker_that_hangs_up_before_its_receipt_may_have_taken_the_message(broker: Mosquitto) -> None:
    for accepted, answer in ((b"\x20\x03\x00\x00\x00", b""), (b"\x20\x03\x00\x00\x00", b"\xff\xff\xff\xff\xff")):

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                        accepted: bytes = accepted, answer: bytes = answer) -> None:  # fmt: skip
            await reader.read(4096)
            writer.write(accepted)
            await reader.read(4096)  # The message.
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            error = await refusal(channel(server.sockets[0].getsockname()[1]))
        assert error.is_unknown
        assert "published again" in error.message


async def test_a_broker_that_says_nothing_more_is_given_up_in_time(broker: Mosquitto) -> None:
    async with cutting_proxy(broker.port) as proxy:
        proxy.freeze()
        error = await refusal(channel(proxy.port, timeout_s=0.5))
        proxy.thaw()
    assert not error.is_unknown, "it never answered the connection"


async def test_a_broker_is_believed_only_with_a_certificate_that_is_vouched_for(
    need: Callable[[str, object], None], tmp_path: Path
) -> None:
    need("mosquitto", find_mosquitto())
    plant, stranger = authority(), authority("Another authority", number=2)
    files = {}
    for name, pair in (("plant", plant), ("stranger", stranger)):
        files[name] = tmp_path / f"{name}.pem"
        files[name].write_text(pair.pem)
    secured = Mosquitto(tmp_path / "broker", login=LOGIN, tls=Tls(made("broker", signed_by=plant)))
    secured.start()
    try:
        good = channel(secured.port, scheme="mqtts", ca_file=files["plant"])
        assert (await good.send(MESSAGE)).startswith("PUBACK")
        error = await refusal(channel(secured.port, scheme="mqtts", ca_file=files["stranger"]))
        assert "certificate verify failed" in error.message
        assert not error.is_unknown
        error = await refusal(channel(secured.port, scheme="mqtts", ca_file=tmp_path / "missing.pem"))
        assert "cannot be reached" in error.message
    finally:
        secured.stop()


@pytest.mark.parametrize("given", [
    {"url": "http://broker"}, {"url": "mqtt://me:secret@broker"}, {"url": "mqtt://broker/topic"}, {"topic": "a/+/b"},
    {"topic": "a/#"}, {"topic": ""}, {"version": "4"},
])  # fmt: skip
def test_what_cannot_work_is_refused_where_it_is_typed(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        MqttBroker.model_validate(given)


def test_ports_are_those_of_the_protocol_where_none_is_said() -> None:
    assert MqttBroker(url="mqtt://broker").port == 1883
    assert MqttBroker(url="mqtts://[::1]/").port == 8883
    assert MqttBroker(url="mqtts://[::1]/").host == "::1"
