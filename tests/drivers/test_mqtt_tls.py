"""MQTT over TLS against a real broker: what it must prove, and what is said where it does not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.connections import Login
from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.link_security import CertificateRefusedError, KeyPair, LinkMaterial, TrustedBy
from pdm_app.drivers.mqtt import MqttDriver
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.device_certificates import DAY, Pair, authority, made
from tests.counterparts.mosquitto import Mosquitto, Tls, find_mosquitto
from tests.drivers.sinks import Sink, a_connection, a_signal

FLOW = a_signal(1, {"topic": "pune/P-501", "path": "Flow"})
PLANT = authority()
STRANGER = authority("Another authority", number=2)
BROKER = made("broker", signed_by=PLANT)


def trusting(*authorities: Pair, certificates: tuple[Pair, ...] = (), **more: Any) -> LinkMaterial:
    return LinkMaterial(
        authorities={one.fingerprint: one.pem for one in authorities},
        certificates={one.fingerprint: one.pem for one in certificates},
        **more,
    )


class Brokers:
    """Starts brokers that show what a test wants them to show."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[Mosquitto] = []

    def showing(self, shown: Pair, **more: Any) -> Mosquitto:
        broker = Mosquitto(self._folder / str(len(self._running)), tls=Tls(shown, **more))
        self._running.append(broker)
        broker.start()
        return broker

    def stop(self) -> None:
        for broker in self._running:
            broker.stop()


@pytest.fixture
def brokers(need: Callable[[str, object], None], tmp_path: Path) -> Iterator[Brokers]:
    need("mosquitto", find_mosquitto())
    brokers = Brokers(tmp_path)
    yield brokers
    brokers.stop()


@asynccontextmanager
async def connected(
    broker: Mosquitto, material: LinkMaterial, *, host: str = "127.0.0.1", login: Login | None = None, **options: Any
) -> AsyncIterator[MqttDriver]:
    driver = MqttDriver(a_connection("mqtt", f"mqtts://{host}:{broker.port}", **options), WallClock())
    driver.secure_with(material)
    if login is not None:
        driver.sign_in_as(login)
    try:
        await driver.connect()
        yield driver
    finally:
        await driver.close()


async def refusal(broker: Mosquitto, material: LinkMaterial, **more: Any) -> CertificateRefusedError:
    with pytest.raises(CertificateRefusedError) as refused:
        async with connected(broker, material, **more):
            pass
    assert refused.value.message.startswith("MQTT broker of 'Line 1' shows ")
    return refused.value


async def test_values_come_over_tls_and_the_link_says_what_protects_it(brokers: Brokers) -> None:
    broker = brokers.showing(BROKER)
    sink = Sink()
    async with connected(broker, trusting(PLANT)) as driver:
        await driver.subscribe([FLOW], sink)
        driver._link.client._client.publish("pune/P-501", '{"Flow": 41.5}', qos=1)
        await until(lambda: sink.values(1) == [41.5])
        security = driver.security()
    assert (security.encrypted, security.signed, security.protocol) == (True, True, "TLSv1.3")
    assert security.policy.startswith("TLS_")
    assert (security.peer, security.peer_subject) == (BROKER.fingerprint, "broker")
    assert (security.trusted_by, security.anchor) == (TrustedBy.AUTHORITY, PLANT.fingerprint)
    assert security.user == "anonymous"


async def test_a_broker_that_nobody_trusts_is_told_with_its_certificate(brokers: Brokers) -> None:
    broker = brokers.showing(BROKER)
    for material in (trusting(), trusting(STRANGER)):
        refused = await refusal(broker, material)
        assert refused.is_unknown
        assert (refused.pem, refused.fingerprint) == (BROKER.pem, BROKER.fingerprint)
        assert BROKER.fingerprint in refused.message
        assert "/settings/trust" in refused.message
    async with connected(broker, trusting(certificates=(BROKER,))) as driver:
        assert driver.security().trusted_by is TrustedBy.CERTIFICATE
        assert driver.security().anchor == BROKER.fingerprint


async def test_a_chain_over_an_authority_between_is_followed(brokers: Brokers) -> None:
    between = authority("Line authority", signed_by=PLANT, number=3)
    broker = brokers.showing(replace(made("broker", signed_by=between), above=(between.certificate,)))
    async with connected(broker, trusting(PLANT)) as driver:
        assert driver.security().anchor == PLANT.fingerprint
    assert (await refusal(broker, trusting(STRANGER))).is_unknown


async def test_a_certificate_that_is_trusted_as_itself_vouches_for_no_other(brokers: Brokers) -> None:
    """Tutorials make brokers' certificates that say they are authorities; their key is no authority's all the same."""
    device = made("gateway", number=4, is_authority=True, usages=None)
    assert (
        await refusal(brokers.showing(made("broker", signed_by=device)), trusting(certificates=(device,)))
    ).is_unknown
    async with connected(brokers.showing(device), trusting(certificates=(device,))) as driver:
        assert driver.security().trusted_by is TrustedBy.CERTIFICATE


async def test_a_rejected_certificate_is_refused_whoever_has_signed_it(brokers: Brokers) -> None:
    broker = brokers.showing(BROKER)
    refused = await refusal(broker, trusting(PLANT, rejected=frozenset({BROKER.fingerprint})))
    assert not refused.is_unknown
    assert "was rejected" in refused.message
    pinned = await refusal(broker, trusting(rejected=frozenset({BROKER.fingerprint})), pin=BROKER.fingerprint)
    assert "was rejected" in pinned.message


async def test_a_wrong_name_is_told_with_the_names_it_is_good_for(brokers: Brokers) -> None:
    broker = brokers.showing(made("broker", signed_by=PLANT, hosts=("broker.plant.example",)))
    for material in (trusting(PLANT), trusting(certificates=(broker.tls.shown,))):  # type: ignore[union-attr]
        refused = await refusal(broker, material)
        assert "good for broker.plant.example, and is reached as 127.0.0.1" in refused.message
        assert not refused.is_unknown
        async with connected(broker, material, server_name="broker.plant.example") as driver:
            assert driver.security().encrypted


async def test_a_pin_stands_for_name_and_issuer_and_for_nothing_else(brokers: Brokers) -> None:
    other = made("broker", hosts=("elsewhere",), number=5)
    broker = brokers.showing(other)
    async with connected(broker, trusting(), pin=other.fingerprint.lower()) as driver:
        assert driver.security().trusted_by is TrustedBy.PIN
    refused = await refusal(broker, trusting(certificates=(other,)), pin=BROKER.fingerprint)
    assert f"the option pin wants {BROKER.fingerprint}" in refused.message
    ended = made("broker", number=5, begins=-2 * DAY, ends=-DAY)
    assert "ended on" in (await refusal(brokers.showing(ended), trusting(), pin=ended.fingerprint)).message


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [(-3 * DAY, -DAY, ("which ended on", "or set this clock")),
     (timedelta(hours=3), 9 * DAY, ("hours earlier: one of the two clocks is wrong", "NTP"))],
)  # fmt: skip
async def test_a_certificate_out_of_its_time_names_both_clocks(
    brokers: Brokers, begins: timedelta, ends: timedelta, words: tuple[str, ...]
) -> None:
    shown = made("broker", signed_by=PLANT, begins=begins, ends=ends)
    broker = brokers.showing(shown)
    for material in (trusting(PLANT), trusting(certificates=(shown,))):
        message = (await refusal(broker, material)).message
        assert all(each in message for each in words), message


async def test_a_broker_that_asks_for_a_certificate_gets_the_connections_own(brokers: Brokers) -> None:
    broker = brokers.showing(BROKER, clients_of=PLANT.pem)
    own = made("collector", signed_by=PLANT, number=6, hosts=())
    async with connected(broker, trusting(PLANT, own=KeyPair(own.chain, own.key))) as driver:
        await driver.subscribe([FLOW], Sink())
        assert driver.security().user == "certificate"
    for material in (trusting(PLANT), trusting(PLANT, own=KeyPair(*_of(made("collector", number=7))))):
        with pytest.raises(ConnectionFailedError, match="client certificate"):
            async with connected(broker, material, connect_timeout_s=3):
                pass
    unfit = KeyPair(own.chain, made("other", number=8).key)
    with pytest.raises(ConnectionFailedError, match="cannot be used") as refused:
        async with connected(broker, trusting(PLANT, own=unfit)):
            pass
    assert "PRIVATE" not in refused.value.message


def _of(pair: Pair) -> tuple[str, str]:
    return pair.chain, pair.key


async def test_an_unknown_broker_that_asks_for_a_certificate_can_still_be_shown(brokers: Brokers) -> None:
    broker = brokers.showing(BROKER, clients_of=PLANT.pem)
    assert (await refusal(broker, trusting())).fingerprint == BROKER.fingerprint


async def test_a_broker_without_tls_is_no_broker_with_it(mosquitto: Mosquitto) -> None:
    with pytest.raises(ConnectionFailedError) as refused:
        async with connected(mosquitto, trusting(PLANT), connect_timeout_s=3):
            pass
    assert not isinstance(refused.value, CertificateRefusedError)


async def test_tls_older_than_1_2_is_not_spoken(tmp_path: Path) -> None:
    (tmp_path / "pair.pem").write_text(BROKER.key + BROKER.chain)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(tmp_path / "pair.pem")
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.deprecated_call():
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", ssl=old) as server:
        broker = Mosquitto(tmp_path)
        broker.port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionFailedError, match="did not agree on TLS"):
            async with connected(broker, trusting(PLANT)):
                pass
