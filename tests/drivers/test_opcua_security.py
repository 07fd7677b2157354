"""OPC UA under protection against a real server: what is chosen, what the server must prove, how a user is named."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.client import Client
from cryptography.x509.oid import ExtendedKeyUsageOID

from pdm_app.domain.connections import Login
from pdm_app.domain.errors import ConnectionFailedError
from pdm_app.domain.link_security import CertificateRefusedError, KeyPair, LinkMaterial, TrustedBy
from pdm_app.drivers.opcua import OpcuaDriver
from pdm_app.drivers.opcua_security import SecureClient
from pdm_app.services.application_identity import ApplicationIdentity, uri_of
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.device_certificates import DAY, Pair, authority, made
from tests.counterparts.opcua_secured import PASSWORD, USER, SecuredServer, shown_by_server
from tests.counterparts.ports import free_port
from tests.drivers.sinks import Sink, a_connection, a_signal

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLANT = authority()
SERVER = shown_by_server()
SIGNED = shown_by_server(signed_by=PLANT)
LOGIN = Login(USER, PASSWORD)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> ApplicationIdentity:
    return ApplicationIdentity(tmp_path_factory.mktemp("data"), WallClock())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def only_server() -> AsyncIterator[SecuredServer]:
    server = SecuredServer(free_port())
    await server.start(SERVER)
    yield server
    await server.stop()


@pytest.fixture
def server(only_server: SecuredServer) -> SecuredServer:
    only_server.show(SERVER)
    only_server.offer()
    only_server.let_in(None)
    only_server.users.came.clear()
    return only_server


@pytest.fixture
def trusting(identity: ApplicationIdentity) -> Any:
    def make(*certificates: Pair, authorities: tuple[Pair, ...] = (), **more: Any) -> LinkMaterial:
        return LinkMaterial(
            certificates={one.fingerprint: one.pem for one in certificates},
            authorities={one.fingerprint: one.pem for one in authorities},
            application=identity.pair,
            **more,
        )

    return make


@asynccontextmanager
async def connected(
    server: SecuredServer,
    material: LinkMaterial,
    *,
    login: Login | None = None,
    host: str = "127.0.0.1",
    **options: Any,
) -> AsyncIterator[OpcuaDriver]:
    patient = {"connect_timeout_s": 30.0, "timeout_s": 20.0}
    connection = a_connection("opcua", f"opc.tcp://{host}:{server.port}", **(patient | options))
    driver = OpcuaDriver(connection, WallClock())
    driver.secure_with(material)
    if login is not None:
        driver.sign_in_as(login)
    try:
        await driver.connect()
        yield driver
    finally:
        await driver.close()


async def refusal(server: SecuredServer, material: LinkMaterial, **more: Any) -> CertificateRefusedError:
    with pytest.raises(CertificateRefusedError) as refused:
        async with connected(server, material, **more):
            pass
    assert refused.value.message.startswith("OPC UA server of 'Line 1' ")
    return refused.value


async def failure(server: SecuredServer, material: LinkMaterial, **more: Any) -> str:
    with pytest.raises(ConnectionFailedError) as failed:
        async with connected(server, material, **more):
            pass
    assert not isinstance(failed.value, CertificateRefusedError)
    assert PASSWORD not in failed.value.message
    return failed.value.message


# --- which endpoint -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["Aes256_Sha256_RsaPss", "Basic256Sha256", "Aes128_Sha256_RsaOaep"])
@pytest.mark.parametrize("mode", ["SignAndEncrypt", "Sign"])
async def test_values_come_under_each_policy_and_mode(
    server: SecuredServer, trusting: Any, policy: str, mode: str
) -> None:
    sink = Sink()
    async with connected(server, trusting(SERVER), security=policy, security_mode=mode) as driver:
        await driver.subscribe([a_signal(1, {"node": "ns=2;s=Counter"})], sink)
        await until(lambda: sink.values(1) == [1.0])
        security = driver.security()
    assert (security.policy, security.mode, security.encrypted) == (policy, mode, mode == "SignAndEncrypt")
    assert (security.signed, security.protocol, security.user) == (True, "OPC UA", "anonymous")
    assert (security.peer, security.anchor) == (SERVER.fingerprint, SERVER.fingerprint)
    assert (security.trusted_by, security.peer_subject) == (TrustedBy.CERTIFICATE, "press-07")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [((), ("Aes256_Sha256_RsaPss", "SignAndEncrypt")),
     (("None", "Aes256_Sha256_RsaPss/Sign", "Aes128_Sha256_RsaOaep"), ("Aes128_Sha256_RsaOaep", "SignAndEncrypt")),
     (("None", "Basic256Sha256/Sign"), ("Basic256Sha256", "Sign"))],
)  # fmt: skip
async def test_the_strongest_that_is_offered_is_chosen(
    server: SecuredServer, trusting: Any, offered: tuple[str, ...], chosen: tuple[str, str]
) -> None:
    server.offer(*offered)
    async with connected(server, trusting(SERVER)) as driver:
        assert (driver.security().policy, driver.security().mode) == chosen


async def test_a_server_without_protection_is_used_only_where_that_was_said(
    server: SecuredServer, trusting: Any
) -> None:
    server.offer("None")
    for options in ({}, {"security": "Basic256Sha256"}, {"security_mode": "Sign"}):
        message = await failure(server, trusting(SERVER), **options)
        assert "offers None, and this connection wants" in message
        assert "option security" in message
    async with connected(server, LinkMaterial(), security="none") as driver:
        security = driver.security()
    assert (security.encrypted, security.signed, security.policy, security.peer) == (False, False, "None", "")


async def test_an_answer_from_which_somebody_has_taken_the_better_endpoints_is_noticed(
    server: SecuredServer, trusting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Client.connect_and_get_server_endpoints

    async def thinned_out(client: Client) -> list[ua.EndpointDescription]:
        return [one for one in await asked(client) if "Aes128" in one.SecurityPolicyUri]

    monkeypatch.setattr(Client, "connect_and_get_server_endpoints", thinned_out)
    assert "somebody on the way may have changed" in await failure(server, trusting(SERVER))


# --- the server's certificate -------------------------------------------------------------------------------------


async def test_a_server_that_nobody_trusts_gets_nothing_and_is_told_with_its_certificate(
    server: SecuredServer, trusting: Any
) -> None:
    for material in (trusting(), trusting(authorities=(PLANT,)), trusting(shown_by_server(number=2))):
        refused = await refusal(server, material, login=LOGIN)
        assert refused.is_unknown
        assert (refused.pem, refused.fingerprint) == (SERVER.pem, SERVER.fingerprint)
        assert "/settings/trust" in refused.message
    assert server.users.came == [], "nobody signed in"


async def test_an_authority_vouches_for_the_name_too(server: SecuredServer, trusting: Any) -> None:
    server.show(SIGNED)
    async with connected(server, trusting(authorities=(PLANT,))) as driver:
        assert (driver.security().trusted_by, driver.security().anchor) == (TrustedBy.AUTHORITY, PLANT.fingerprint)
    elsewhere = shown_by_server(signed_by=PLANT, hosts=("press-08",))
    server.show(elsewhere)
    assert (
        "good for press-08, and is reached as 127.0.0.1"
        in (await refusal(server, trusting(authorities=(PLANT,)))).message
    )
    async with connected(server, trusting(authorities=(PLANT,)), server_name="press-08"):
        pass
    async with connected(server, trusting(elsewhere)):
        pass


async def test_a_certificate_that_is_trusted_as_itself_vouches_for_no_other(
    server: SecuredServer, trusting: Any
) -> None:
    device = made("gateway", number=4, is_authority=True, usages=None)
    server.show(shown_by_server(signed_by=device))
    assert (await refusal(server, trusting(device))).is_unknown


async def test_a_rejected_certificate_is_refused_whoever_has_signed_it(server: SecuredServer, trusting: Any) -> None:
    server.show(SIGNED)
    refused = await refusal(server, trusting(authorities=(PLANT,), rejected=frozenset({SIGNED.fingerprint})))
    assert "was rejected" in refused.message
    assert not refused.is_unknown


FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "ended": ({"begins": -3 * DAY, "ends": -DAY}, ("which ended on", "or set this clock")),
    "not begun": ({"begins": timedelta(days=5)}, ("5 days earlier: one of the two clocks is wrong", "NTP")),
    "another application": ({"uri": "urn:plant:press-08"}, ("calls itself 'urn:plant:press-07'", "urn:plant:press-08")),
    "no application": ({"uri": ""}, ("made out to no application",)),
    "no server": ({"usages": (ExtendedKeyUsageOID.CLIENT_AUTH,)}, ("is not made out to a server",)),
    "may not receive keys": ({"may_encipher": False}, ("may not be used to sign and to receive keys",)),
    "short key": ({"bits": 1024, "number": 9}, ("no RSA key of 2048 bits",)),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_trusted_certificate_with_a_fault_is_refused_and_the_fault_is_named(
    server: SecuredServer, trusting: Any, fault: str
) -> None:
    settings, words = FAULTS[fault]
    shown = shown_by_server(**settings)
    server.show(shown)
    refused = await refusal(server, trusting(shown))
    assert all(each in refused.message for each in words), refused.message
    assert not refused.is_unknown


async def test_a_certificate_of_an_authority_that_has_ended_is_told_as_ended_and_not_as_unknown(
    server: SecuredServer, trusting: Any
) -> None:
    server.show(shown_by_server(signed_by=PLANT, begins=timedelta(hours=-12), ends=timedelta(hours=-2)))
    assert "which ended on" in (await refusal(server, trusting(authorities=(PLANT,)))).message


async def test_a_certificate_that_cannot_be_read_is_no_certificate(server: SecuredServer, trusting: Any) -> None:
    for endpoint in server.server.iserver.endpoints:
        endpoint.ServerCertificate = b"\x30\x82\xff\xff nonsense"
    assert "shows no certificate that can be read" in (await refusal(server, trusting(SERVER))).message


# --- who signs in -------------------------------------------------------------------------------------------------


async def test_a_user_signs_in_by_password_under_each_mode(server: SecuredServer, trusting: Any) -> None:
    for mode in ("SignAndEncrypt", "Sign"):
        async with connected(server, trusting(SERVER), login=LOGIN, security_mode=mode) as driver:
            assert driver.security().user == "password"
    assert server.users.came == ["password", "password"]
    message = await failure(server, trusting(SERVER), login=Login(USER, PASSWORD + "x"))
    assert "BadUserAccessDenied" in message or "Set the login" in message


class Wiretap:
    """Notes what the client sends, as somebody on the way would see it before encryption of the channel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passwords: list[bytes] = []
        add = SecureClient._add_user_auth

        def added(client: SecureClient, params: Any, username: str | None, password: str | None) -> None:
            add(client, params, username, password)
            self.passwords.append(params.UserIdentityToken.Password)

        monkeypatch.setattr(SecureClient, "_add_user_auth", added)


@pytest.mark.parametrize("uri", ["", None])
async def test_a_token_without_a_policy_of_its_own_is_under_that_of_the_channel(
    server: SecuredServer, trusting: Any, monkeypatch: pytest.MonkeyPatch, uri: str | None
) -> None:
    """Empty means the policy of the channel; taken for none, a signed channel would carry the password in the clear."""
    tokens = [each for one in server.server.iserver.endpoints for each in one.UserIdentityTokens]
    for token in tokens:
        monkeypatch.setattr(token, "SecurityPolicyUri", uri)
    tap = Wiretap(monkeypatch)
    async with connected(server, trusting(SERVER), login=LOGIN, security_mode="Sign"):
        pass
    assert server.users.came == ["password"]
    assert [PASSWORD.encode() in each for each in tap.passwords] == [False]


async def test_a_password_does_not_go_out_in_the_clear(
    server: SecuredServer, trusting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint in server.server.iserver.endpoints:
        for token in endpoint.UserIdentityTokens:
            monkeypatch.setattr(token, "SecurityPolicyUri", "http://opcfoundation.org/UA/SecurityPolicy#None")
    for options in ({"security": "none"}, {"security_mode": "Sign"}):
        message = await failure(server, trusting(SERVER), login=LOGIN, **options)
        assert "it was not sent" in message
        assert "plain_password" in message
    assert server.users.came == []
    async with connected(server, LinkMaterial(), login=LOGIN, security="none", plain_password=True):
        assert server.users.came == ["password"]


async def test_without_a_protected_channel_a_password_is_encrypted_for_a_trusted_server_only(
    server: SecuredServer, trusting: Any
) -> None:
    refused = await refusal(server, trusting(), login=LOGIN, security="none")
    assert refused.is_unknown
    assert server.users.came == []
    async with connected(server, trusting(SERVER), login=LOGIN, security="none") as driver:
        assert server.users.came == ["password"]
        assert driver.security().encrypted is False


async def test_a_password_too_long_for_the_key_says_so(server: SecuredServer, trusting: Any) -> None:
    long = Login(USER, "x" * 400)
    assert "longer than the server's key encrypts" in await failure(
        server, trusting(SERVER), login=long, security_mode="Sign"
    )


async def test_a_user_signs_in_by_certificate(server: SecuredServer, trusting: Any) -> None:
    user = made("collector", number=6, hosts=())
    server.let_in(user.certificate)
    own = KeyPair(user.chain, user.key)
    for mode in ("SignAndEncrypt", "Sign"):
        async with connected(server, trusting(SERVER, own=own), security_mode=mode) as driver:
            assert driver.security().user == "certificate"
    assert server.users.came == ["certificate", "certificate"]
    stranger = made("stranger", number=7, hosts=())
    assert "Set the login" in await failure(server, trusting(SERVER, own=KeyPair(stranger.chain, stranger.key)))
    assert "cannot be read" in await failure(server, trusting(SERVER, own=KeyPair("nonsense", "nonsense")))


# --- who we are ---------------------------------------------------------------------------------------------------


async def test_our_own_certificate_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    first = ApplicationIdentity(tmp_path, WallClock())
    assert await first.known() is None
    pair = await first.pair()
    file = tmp_path / "opcua" / "application.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await ApplicationIdentity(tmp_path, WallClock()).pair() == pair
    uri = uri_of(pair.certificates)
    assert uri is not None
    assert uri.startswith("urn:")
    renewed = await first.renew()
    assert renewed != pair
    assert uri_of(renewed.certificates) == uri
    assert "PRIVATE" not in repr(renewed)


async def test_a_server_that_does_not_trust_us_is_told_with_what_to_have_trusted(
    server: SecuredServer, trusting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def distrust(*_: Any) -> None:
        raise ua.uaerrors.BadCertificateUntrusted

    monkeypatch.setattr(server.server.iserver, "certificate_validator", distrust)
    message = await failure(server, trusting(SERVER))
    assert "may not trust the certificate of this program" in message
    assert "SHA-256 " in message
