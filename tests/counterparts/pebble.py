"""An ACME directory of the tests' own on loopback: Pebble, the test server of the authority that runs Let's Encrypt.

It proves names for real, over HTTP on a port of its choice, rejects some nonces on purpose, and forgets all at its end.
"""

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx

from pdm_app.services.certificate_files import make_authority, make_server
from tests.counterparts.clocks import WallClock
from tests.counterparts.ports import free_port, wait_for_port


def find_pebble() -> str | None:
    return shutil.which("pebble")


class Pebble:
    """One directory process.

    Args:
        folder: Its files.
        http_port: Where it asks for what proves a name.
        external_keys: Key ids and keys of external accounts; without one of them nobody is let in then.
        more: Environment variables of Pebble.
    """

    def __init__(
        self,
        folder: Path,
        http_port: int,
        external_keys: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._http_port = http_port
        self._external_keys = external_keys
        self._more = more or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self._management = free_port(), free_port()
        self.ca_file = folder / "authority.pem"

    @property
    def directory(self) -> str:
        return f"https://127.0.0.1:{self.port}/dir"

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        now = WallClock().now()
        authority, key = make_authority(now, "Pebble of the tests")
        self.ca_file.write_text(authority)
        pair = make_server(now, authority, key, ["127.0.0.1"])
        (self._folder / "pair.pem").write_text(pair)
        settings: dict[str, object] = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self._folder / "pair.pem"),
            "privateKey": str(self._folder / "pair.pem"),
            "httpPort": self._http_port,
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": self._external_keys is not None,
            "externalAccountMACKeys": dict(self._external_keys or {}),
        }
        (self._folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", **self._more}
        with (self._folder / "pebble.log").open("ab") as log:
            self._process = subprocess.Popen(
                [find_pebble() or "pebble", "-config", str(self._folder / "pebble.json")],
                stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        process = self._process
        wait_for_port(self.port, within_s=120, still_running=lambda: process.poll() is None)

    def root(self) -> str:
        """Return the certificate of the authority that signs here."""
        with httpx.Client(verify=ssl.create_default_context(cafile=self.ca_file), timeout=90) as client:
            return client.get(f"https://127.0.0.1:{self._management}/roots/0").raise_for_status().text

    def stop(self) -> None:
        """End it; safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=90)
            self._process = None
