"""MQTT against a real broker: acknowledgement after the commit, gateways that go offline, payloads that are wrong."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
import pytest

from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.samples import Quality
from pdm_app.domain.signals import Signal
from pdm_app.drivers.mqtt import MqttDriver
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.mosquitto import Mosquitto
from tests.drivers.sinks import Sink, a_connection, a_signal

FLOW = a_signal(1, {"topic": "pune/P-501", "path": "Flow"})
PERSISTENT = {"client_id": "collector-1"}


@asynccontextmanager
async def subscribed(broker: Mosquitto, sink: Sink, *signals: Signal, **options: Any) -> AsyncIterator[MqttDriver]:
    driver = MqttDriver(a_connection("mqtt", f"mqtt://127.0.0.1:{broker.port}", **options), WallClock())
    await driver.connect()
    await driver.subscribe(signals or [FLOW], sink)
    try:
        yield driver
    finally:
        await driver.close()


@asynccontextmanager
async def publisher(broker: Mosquitto) -> AsyncIterator[Callable[..., Any]]:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:

        async def publish(topic: str, payload: Any, qos: int = 1, *, retain: bool = False) -> None:
            text = payload if isinstance(payload, bytes | str) else json.dumps(payload)
            await client.publish(topic, text, qos=qos, retain=retain)

        yield publish


async def test_what_was_not_committed_comes_again_after_a_crash(mosquitto: Mosquitto) -> None:
    """The promise of QoS 1: acknowledged means on disk. It holds the private calls into paho as well."""
    before, after = Sink(commits=False), Sink()
    async with publisher(mosquitto) as publish:
        async with subscribed(mosquitto, before, **PERSISTENT):
            for value in range(5):
                await publish("pune/P-501", {"Flow": value})
            await until(lambda: len(before.samples(1)) == 5)
        for value in range(5, 8):
            await publish("pune/P-501", {"Flow": value})
        async with subscribed(mosquitto, after, **PERSISTENT):
            await until(lambda: len(after.samples(1)) == 8)
    assert after.values(1) == [0, 1, 2, 3, 4, 5, 6, 7]
    again = [sample.value for batch in after.batches if batch.may_repeat for sample in batch.samples()]
    assert again == [0, 1, 2, 3, 4], "what is sent once more is no word on what holds now"


async def test_what_was_committed_does_not_come_again(mosquitto: Mosquitto) -> None:
    before, after = Sink(commits=False), Sink()
    async with publisher(mosquitto) as publish:
        async with subscribed(mosquitto, before, **PERSISTENT):
            for value in range(5):
                await publish("pune/P-501", {"Flow": value})
            await until(lambda: len(before.samples(1)) == 5)
            before.commit()
            await publish("pune/P-501", {"Flow": 5})
            await until(lambda: len(before.samples(1)) == 6)
        async with subscribed(mosquitto, after, **PERSISTENT):
            await publish("pune/P-501", {"Flow": 6})
            await until(lambda: 6.0 in after.values(1))
    assert after.values(1) == [5, 6], "the sixth was never committed, so the broker still had it"


async def test_more_messages_than_the_brokers_window_flow_on_as_they_are_committed(mosquitto: Mosquitto) -> None:
    sink = Sink()
    async with publisher(mosquitto) as publish, subscribed(mosquitto, sink):
        for value in range(300):
            await publish("pune/P-501", {"Flow": value})
        await until(lambda: len(sink.samples(1)) == 300)
    assert sink.values(1) == list(range(300))
    assert len(sink.batches) < 300, "neighbours share a batch"


async def test_what_a_full_buffer_refused_is_offered_again_and_not_lost(mosquitto: Mosquitto) -> None:
    sink = Sink()
    sink.refuses = True
    async with publisher(mosquitto) as publish, subscribed(mosquitto, sink):
        for value in range(3):
            await publish("pune/P-501", {"Flow": value})
        await publish("pune/other", {})
        sink.refuses = False
        await until(lambda: len(sink.samples(1)) == 3)
    assert sink.values(1) == [0, 1, 2]


async def test_a_gateway_that_goes_offline_takes_its_signals_with_it_and_brings_them_back(
    mosquitto: Mosquitto,
) -> None:
    sink = Sink()
    one, other = a_signal(1, {"topic": "gw/G-3", "path": "rssi"}), a_signal(2, {"topic": "gw/G-4", "path": "rssi"})
    async with publisher(mosquitto) as publish, subscribed(mosquitto, sink, one, other) as driver:
        await publish("gw/G-3", {"rssi": -60})
        await publish("gw/G-4", {"rssi": -70})
        await publish("gw/G-3/status", "offline", retain=True)
        await until(lambda: Quality.BAD_CONNECTION_LOST in sink.qualities(1))
        assert "gw/G-3/status" in driver.health().faults[1]
        assert sink.qualities(2) == [Quality.GOOD]
        await publish("gw/G-3/status", {"status": "online"}, retain=True)
        await publish("gw/G-3", {"rssi": -61})
        await until(lambda: sink.qualities(1)[-1] is Quality.GOOD)
        assert driver.health().faults == {}


async def test_a_signal_on_a_topic_of_its_own_goes_bad_with_the_gateway_it_names(mosquitto: Mosquitto) -> None:
    state = a_signal(1, {"topic": "gw/G-3/state", "path": "state", "status": "gw/G-3/status"})
    sink = Sink()
    async with publisher(mosquitto) as publish, subscribed(mosquitto, sink, state):
        await publish("gw/G-3/state", {"state": 2})
        await until(lambda: sink.values(1) == [2])
        await publish("gw/G-3/status", "offline", retain=True)
        await until(lambda: sink.samples(1)[-1].quality is Quality.BAD_CONNECTION_LOST)


async def test_a_last_will_is_enough(mosquitto: Mosquitto) -> None:
    sink = Sink()
    signal = a_signal(1, {"topic": "gw/G-3", "path": "rssi"})
    async with subscribed(mosquitto, sink, signal):
        will = aiomqtt.Will("gw/G-3/status", "offline", qos=1, retain=True)
        gateway = aiomqtt.Client("127.0.0.1", mosquitto.port, will=will)
        await gateway.__aenter__()
        gateway._client.socket().close()  # type: ignore[union-attr]  # The power goes.
        await until(lambda: Quality.BAD_CONNECTION_LOST in sink.qualities(1))


async def test_a_retained_offline_is_known_at_once_after_a_new_start(mosquitto: Mosquitto) -> None:
    sink = Sink()
    async with publisher(mosquitto) as publish:
        await publish("gw/G-3/status", "offline", retain=True)
    async with subscribed(mosquitto, sink, a_signal(1, {"topic": "gw/G-3", "path": "rssi"})):
        await until(lambda: Quality.BAD_CONNECTION_LOST in sink.qualities(1))


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"{", b"[]", b'{"Flow": {}}', b'{"Flow": "high"}', b'{"Flow": 1, "timestamp": "x"}']
)
async def test_a_malformed_payload_is_a_fault_of_its_signals_and_heals_with_the_next(
    mosquitto: Mosquitto, payload: bytes
) -> None:
    sink = Sink()
    async with publisher(mosquitto) as publish, subscribed(mosquitto, sink) as driver:
        await publish("pune/P-501", payload)
        await until(lambda: 1 in driver.health().faults)
        assert "pune/P-501" in driver.health().faults[1]
        assert driver.health().connected
        await publish("pune/P-501", {"Flow": 3})
        await until(lambda: sink.values(1) == [3.0])
        assert driver.health().faults == {}


async def test_an_object_may_carry_only_what_changed(mosquitto: Mosquitto) -> None:
    sink = Sink()
    flow, level = FLOW, a_signal(2, {"topic": "pune/P-501", "path": "Level"})
    async with publisher(mosquitto) as publish, subscribed(mosquitto, sink, flow, level):
        await publish("pune/P-501", {"Flow": 1})
        await publish("pune/P-501", {"Level": 2})
        await until(lambda: sink.values(2) == [2.0])
    assert sink.values(1) == [1.0]


async def test_mqtt_5_keeps_its_session_too(mosquitto: Mosquitto) -> None:
    before, after = Sink(commits=False), Sink()
    options = PERSISTENT | {"version": "5"}
    async with publisher(mosquitto) as publish:
        async with subscribed(mosquitto, before, **options):
            await publish("pune/P-501", {"Flow": 1})
            await until(lambda: len(before.samples(1)) == 1)
        async with subscribed(mosquitto, after, **options):
            await until(lambda: after.values(1) == [1.0])


async def test_qos_0_is_taken_as_it_comes(mosquitto: Mosquitto) -> None:
    sink = Sink()
    async with publisher(mosquitto) as publish, subscribed(mosquitto, sink, qos=0):
        await publish("pune/P-501", {"Flow": 1}, 0)
        await until(lambda: sink.values(1) == [1.0])


async def test_an_unknown_version_names_the_known_ones() -> None:
    driver = MqttDriver(a_connection("mqtt", "127.0.0.1:1", version="4"), WallClock())
    with pytest.raises(ConnectionFailedError, match=r"3\.1\.1, 5"):
        await driver.connect()


@pytest.mark.parametrize("endpoint", ["ftp://broker:21", "mqtt://", "mqtt://host:99999", "://"])
async def test_an_endpoint_that_cannot_be_is_refused_with_an_example(endpoint: str) -> None:
    driver = MqttDriver(a_connection("mqtt", endpoint), WallClock())
    with pytest.raises(ConnectionFailedError, match="mqtt://192"):
        await driver.connect()
