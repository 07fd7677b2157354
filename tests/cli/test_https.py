"""HTTPS as a browser or program meets it: our own authority is enough, and a new certificate needs no restart."""

import asyncio
import logging
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pdm_app.bootstrap.problems import SetupError
from pdm_app.cli.https import CHECK_TICKS, Https, Redirect, redirection
from pdm_app.cli.main import main
from pdm_app.services.certificate_files import make_authority, make_server
from pdm_app.services.certificate_store import CertificateStore
from pdm_app.settings import TlsSettings
from tests.counterparts.certificates import signed
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.ports import free_port
from tests.counterparts.product import ROOT

ON = TlsSettings(enabled=True)
START_S_MAX = 90.0


def pair(*names: str) -> tuple[str, str]:
    """Certificates and key of another authority."""
    now = WallClock().now()
    key, _, rest = make_server(now, *make_authority(now, "Works IT"), names or ("127.0.0.1",)).partition("-----BEGIN C")
    return f"-----BEGIN C{rest}", key


class Served:
    """A server with our HTTPS on loopback."""

    def __init__(self, https: Https, store: CertificateStore, port: int) -> None:
        self.https, self.store, self.port = https, store, port

    async def shown(self) -> str:
        """Fingerprint of what a new connection is shown."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=_trusting_anybody())
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return ":".join(f"{byte:02X}" for byte in sha256(der).digest())

    def on_file(self) -> str:
        return self.store.shown().certificates[0].fingerprint


def _trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    store = CertificateStore(tmp_path, ON, WallClock())
    https = Https(store)
    listener = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("safe"))])
    config = uvicorn.Config(app, log_config=None, lifespan="off", ssl_context_factory=lambda *_: https.context)
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve([listener]))
    await until(lambda: server.started)
    yield Served(https, store, listener.getsockname()[1])
    server.should_exit = True
    await serving


async def test_who_trusts_our_authority_is_served_and_who_does_not_is_warned(served: Served) -> None:
    trusting = ssl.create_default_context(cafile=served.store.authority_file)
    for host in ("127.0.0.1", "localhost"):
        async with httpx.AsyncClient(verify=trusting, timeout=90) as client:
            assert (await client.get(f"https://{host}:{served.port}/")).text == "safe"
    async with httpx.AsyncClient(verify=ssl.create_default_context(), timeout=90) as stranger:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get(f"https://127.0.0.1:{served.port}/")


async def test_what_is_not_safe_any_more_is_not_spoken(served: Served) -> None:
    assert served.https.context.minimum_version == ssl.TLSVersion.TLSv1_2
    weak = _trusting_anybody()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES256-SHA:AES128-SHA:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", served.port, ssl=weak)


async def test_a_new_certificate_is_shown_without_a_restart_and_open_connections_stay(served: Served) -> None:
    first = served.on_file()
    assert await served.shown() == first
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=_trusting_anybody())
    served.store.bring(*pair())
    served.https.tick(CHECK_TICKS)
    assert await served.shown() == served.on_file() != first
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"safe")
    writer.close()
    served.store.drop()
    served.https.tick(CHECK_TICKS)
    assert await served.shown() == served.on_file() == first


async def test_half_a_replacement_is_not_taken_up_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (certificate, key), (other, other_key) = pair(), pair()
    files = tmp_path / "given.pem", tmp_path / "given.key"
    files[0].write_text(certificate)
    files[1].write_text(key)
    store = CertificateStore(tmp_path, TlsSettings(enabled=True, certificate=files[0], key=files[1]), WallClock())
    https = Https(store)
    files[0].write_text(other)
    assert [https.reload() for _ in range(3)] == [False] * 3
    said = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1
    assert "the key does not belong to it" in said[0]
    assert https.context.get_ca_certs() == []
    files[1].write_text(other_key)
    assert https.reload()
    files[0].unlink()
    assert not https.reload()


@pytest.mark.parametrize("case", ["missing", "no PEM", "another key", "a locked key"])
def test_a_start_with_a_certificate_that_cannot_be_used_says_which_and_why(tmp_path: Path, case: str) -> None:
    certificate, key = pair()
    files = tmp_path / "given.pem", tmp_path / "given.key"
    files[0].write_text("hello" if case == "no PEM" else certificate)
    files[1].write_text(pair()[1] if case == "another key" else key)
    if case == "missing":
        files[0].unlink()
    if case == "a locked key":
        words = ["openssl", "pkey", "-aes256", "-passout", "pass:word", "-out", str(files[1])]
        subprocess.run(words, check=True, capture_output=True, input=key.encode())
    with pytest.raises(SetupError) as caught:
        Https(CertificateStore(tmp_path, TlsSettings(enabled=True, certificate=files[0], key=files[1]), WallClock()))
    assert str(files[0]) in str(caught.value)
    expected = {
        "missing": "No such file",
        "no PEM": "PEM",
        "another key": "does not belong",
        "a locked key": "pass phrase",
    }
    assert expected[case] in str(caught.value)


@pytest.mark.parametrize(
    ("head", "location"),
    [
        (b"GET /plant?a=1 HTTP/1.1\r\nHost: plant.example:8080\r\n\r\n", b"https://plant.example:8443/plant?a=1"),
        (b"POST /api/x HTTP/1.0\r\nhost: [::1]\r\n\r\n", b"https://[::1]:8443/api/x"),
        (b"GET / HTTP/1.1\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: user@evil.example\r\n\r\n", None),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"GET /\r\nX: y HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"\x16\x03\x01", None),
    ],
)
def test_the_plain_port_sends_to_the_same_address_under_https(head: bytes, location: bytes | None) -> None:
    answer = redirection(head, 8443)
    assert answer.startswith(b"HTTP/1.1 308 " if location else b"HTTP/1.1 400 ")
    found = re.search(rb"location: (.*)\r\n", answer)
    assert (found[1] if found else None) == location
    if location:
        assert b":443" not in redirection(head, 443)


async def test_the_plain_port_answers_a_real_client_and_lets_go_of_a_silent_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pdm_app.cli.https.HEAD_S_MAX", 2.0)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Redirect(8443, loop.call_later), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(timeout=90) as client:
        response = await client.get(f"http://127.0.0.1:{port}/plant")
    assert (response.status_code, response.headers["location"]) == (308, "https://127.0.0.1:8443/plant")
    async with asyncio.timeout(90):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
    server.close()
    await server.wait_closed()


def test_the_command_shows_renews_imports_and_drops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> tuple[int, str]:
        code = main(["cert", *words, "--data", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out + said.err

    code, first = run("show")
    assert code == 0
    assert re.search(r"39[67] days, renewed by itself", first)
    assert "localhost, 127.0.0.1" in first
    assert run("show")[1] == first
    assert run("renew")[1] != first
    certificate, key = pair("pdm.works.example")
    (tmp_path / "c.pem").write_text(certificate)
    (tmp_path / "k.pem").write_text(key)
    code, said = run("import", str(tmp_path / "c.pem"), str(tmp_path / "c.pem"))
    assert (code, "is no private key in PEM" in said) == (1, True)
    assert "names         pdm.works.example" in run("import", str(tmp_path / "c.pem"), str(tmp_path / "k.pem"))[1]
    assert run("renew")[0] == 1
    assert "renewed by itself" in run("drop")[1]
    assert run("import", str(tmp_path / "gone"), str(tmp_path / "k.pem"))[0] == 1
    assert "No certificate was requested here" in run("import", str(tmp_path / "c.pem"))[1]
    code, said = run("request", "scada.example", "192.0.2.9", "--organization", "Works", "--country", "AT")
    assert code == 0
    (tmp_path / "r.pem").write_text(signed(WallClock(), said))
    assert "scada.example waits" in run("request", "other.example")[1]
    assert "names         scada.example, 192.0.2.9" in run("import", str(tmp_path / "r.pem"))[1]
    assert "country" in run("request", "scada.example", "--country", "Austria")[1]


def _shown_at(url: str) -> str:
    """Fingerprint of what a new handshake with the running product shows."""
    port = int(url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 30) as plain,
        _trusting_anybody().wrap_socket(plain, server_hostname="127.0.0.1") as tls,
    ):
        der = tls.getpeercert(binary_form=True) or b""
    return ":".join(f"{byte:02X}" for byte in sha256(der).digest())


def _replaced_by_an_admin(client: httpx.Client, url: str, token: str) -> None:
    """Upload a certificate over a connection that stays open, and see it in the next handshake."""
    admin = {"token": token, "choice": "empty", "username": "ada", "password": "copper lantern drifts"}
    client.post("/api/auth/setup", json=admin).raise_for_status()
    assert all(cookie.secure for cookie in client.cookies.jar)
    certificate, key = pair("127.0.0.1")
    before = _shown_at(url)
    answer = client.put("/api/v1/certificates/served", json={"certificate": certificate, "key": key})
    expected = answer.raise_for_status().json()["shown"]["certificates"][0]["fingerprint"]
    deadline = time.monotonic() + 120
    while _shown_at(url) != expected:
        assert time.monotonic() < deadline, "the new certificate is not shown"
        time.sleep(0.1)
    assert before != expected
    state = client.get("/api/v1/certificates").raise_for_status().json()  # Over the connection of before.
    assert (state["shown"]["source"], state["is_served"]) == ("brought", True)
    assert "PRIVATE" not in answer.text


@pytest.fixture
def product(tmp_path: Path) -> Iterator[tuple[str, int, str]]:
    """``serve --https`` with a redirect, as a user starts it: its address, the plain port, the token of set-up."""
    plain = free_port()
    words = ["serve", "--https", "--port", str(free_port()), "--data", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pdm_app", *words], cwd=ROOT, text=True, start_new_session=True,
        env={**os.environ, "PDM_TLS__REDIRECT_PORT": str(plain)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    watchdog = threading.Timer(START_S_MAX, process.kill)
    watchdog.start()
    said, url, token = [], "", ""
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        found = re.search(r"Open the pages: (https://127\.0\.0\.1:\d+)/setup\?token=([\w-]+)", line)
        if found:
            url, token = found.groups()
            break
    emptying = threading.Thread(target=process.stdout.read, daemon=True)
    emptying.start()
    assert url, "".join(said)
    yield url, plain, token
    process.terminate()
    process.wait(30)
    watchdog.cancel()
    emptying.join()
    process.stdout.close()


def test_the_product_serves_pages_sockets_and_cookies_over_https(product: tuple[str, int, str], tmp_path: Path) -> None:
    url, plain, token = product
    trusting = ssl.create_default_context(cafile=tmp_path / "tls" / "authority.pem")
    with httpx.Client(verify=trusting, base_url=url, headers={"origin": url}, timeout=90) as client:
        page = client.get("/login")
        assert page.status_code == 200
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        authority = client.get("/api/certificates/authority")
        assert authority.text == (tmp_path / "tls" / "authority.pem").read_text()
        assert authority.headers["content-type"] == "application/x-x509-ca-cert"
        downgraded = client.post("/api/auth/login", json={}, headers={"origin": url.replace("https", "http")})
        assert downgraded.json()["error"]["code"] == "foreign_page"
        refused = client.post("/api/auth/login", json={"username": "a", "password": "b"})
        assert refused.json()["error"]["code"] == "unauthenticated"
        _replaced_by_an_admin(client, url, token)
    moved = httpx.get(f"http://127.0.0.1:{plain}/plant", follow_redirects=False, timeout=90)
    assert (moved.status_code, moved.headers["location"]) == (308, f"{url}/plant")
