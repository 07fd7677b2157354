"""A certified OpenID Connect provider of the tests' own, in Node, over HTTPS under a private authority."""

import base64
import json
import ssl
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa

from pdm_app.domain.samples import Micros
from pdm_app.services.certificate_files import make_authority, make_server
from tests.counterparts.npm import find_program, install_locked
from tests.counterparts.ports import free_port, wait_for_port

HERE = Path(__file__).parents[1] / "directories" / "oidc"
CLIENT, SECRET = "pdm", "a secret, with: signs/%"
PEOPLE: dict[str, dict[str, Any]] = {
    "u-ada": {
        "preferred_username": "Ada.Lovelace@plant.example",
        "name": "Ada Łovelace",
        "email": "Ada@plant.example",
        "email_verified": True,
        "groups": ["Engineers", "Staff"],
    },
    "u-bob": {"preferred_username": "bob", "name": "Bob", "groups": ["Guests"]},
}


def installed_provider() -> Path | str:
    """Install the locked packages; return their folder, or why they are not there."""
    return install_locked(HERE, "oidc-provider")


class OidcProviderServer:
    """One provider process.

    Attributes:
        ca_file: The authority that signed its certificate.
        packages: Where its program is installed.
        tells_by_userinfo: Whether names and groups are told by the userinfo endpoint alone.
    """

    def __init__(
        self, packages: Path, folder: Path, redirect_uris: list[str], *, tells_by_userinfo: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.packages, self._folder = packages, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._keys = [make_key()]
        self.port = free_port()
        self.ca_file = folder / "ca.pem"
        self.redirect_uris = redirect_uris
        self.back_to = "http://127.0.0.1:8000/login"
        self.backchannel = ""
        self.tells_by_userinfo = tells_by_userinfo
        now = Micros(time.time_ns() // 1000)
        authority, key = make_authority(now, "OIDC test authority")
        self.ca_file.write_text(authority)
        (folder / "server.pem").write_text(make_server(now, authority, key, ["127.0.0.1"]))

    @property
    def issuer(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def kid(self) -> str:
        """Name of the key it signs with."""
        return self._keys[0]["kid"]

    def start(self) -> None:
        client: dict[str, Any] = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": self.redirect_uris,
            "post_logout_redirect_uris": [self.back_to],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }
        if self.backchannel:
            client |= {"backchannel_logout_uri": self.backchannel, "backchannel_logout_session_required": True}
        given = {
            "issuer": self.issuer,
            "port": self.port,
            "keys": self._keys,
            "tls": str(self._folder / "server.pem"),
            "clients": [client],
            "people": PEOPLE,
            "tells_by_userinfo": self.tells_by_userinfo,
        }
        (self._folder / "given.json").write_text(json.dumps(given))
        program = self.packages / f"provider-{uuid.uuid4().hex[:8]}.mjs"
        program.write_text((HERE / "provider.mjs").read_text())
        node = find_program("node")
        assert node is not None
        with (self._folder / "provider.log").open("ab") as log:
            self._process = subprocess.Popen(
                [node, str(program), str(self._folder / "given.json")],
                cwd=self.packages,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        process = self._process
        try:
            wait_for_port(self.port, within_s=120, still_running=lambda: process.poll() is None)
        finally:
            program.unlink()

    def stop(self) -> None:
        """End it; safe to call twice."""
        if self._process is not None:
            self._process.communicate(timeout=90)  # The end of its input; what starts Node may be another process.
            self._process = None

    def change_keys(self) -> None:
        """Sign with other keys from now on, as providers do every few months; sessions there are gone."""
        self.stop()
        self._keys = [make_key()]
        self.start()

    def know(self, people: dict[str, dict[str, Any]]) -> None:
        """Have it know these people from now on, and no others."""
        tls = ssl.create_default_context(cafile=str(self.ca_file))
        httpx.post(f"{self.issuer}/people", json=people, verify=tls, timeout=90).raise_for_status()


def make_key() -> dict[str, str]:
    """Make a signing key as a provider is given it, private part and all."""
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    parts = {
        "n": numbers.public_numbers.n,
        "e": numbers.public_numbers.e,
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    words = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": uuid.uuid4().hex[:8]}
    return words | {name: _words(number) for name, number in parts.items()}


def _words(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
