"""An MQTT broker of the tests' own, on a free loopback port, that can be stopped and started again."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts.device_certificates import Pair
from tests.counterparts.ports import free_port, wait_for_port

SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def find_mosquitto() -> str | None:
    return shutil.which("mosquitto", path=SEARCH_PATH)


@dataclass(frozen=True, slots=True)
class Tls:
    """What a broker shows, and by whom clients must be vouched for; all PEM.

    Attributes:
        clients_of: An authority; a client without a certificate of it is turned away. None for anybody.
        version: The only version of TLS that is spoken, such as ``tlsv1.1``; empty for the usual ones.
    """

    shown: Pair
    clients_of: str | None = None
    version: str = ""


class Mosquitto:
    """One broker process; sessions and queued QoS 1 messages survive ``stop`` and ``start``."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, login: tuple[str, str] | None = None, tls: Tls | None = None) -> None:
        self._folder = folder
        self._login = login
        self.tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("The broker is not running.")
        return self._process.pid

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        user = "user root\n" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} {self.host}\n{self._shown()}{self._who_may()}{user}"
            f"persistence true\npersistence_location {self._folder}/\nmax_queued_messages 100000\n"
        )
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [find_mosquitto() or "mosquitto", "-c", str(config)], stdout=log, stderr=log
            )
        process = self._process
        wait_for_port(self.port, within_s=120, still_running=lambda: process.poll() is None)

    def _shown(self) -> str:
        if self.tls is None:
            return ""
        lines = []
        files = {"certfile": self.tls.shown.chain, "keyfile": self.tls.shown.key, "cafile": self.tls.clients_of}
        for option, text in files.items():
            if text is not None:
                file = self._folder / f"{option}.pem"
                file.write_text(text)
                lines.append(f"{option} {file}")
        lines += ["require_certificate true"] if self.tls.clients_of else []
        lines += [f"tls_version {self.tls.version}"] if self.tls.version else []
        return "\n".join([*lines, ""])

    def _who_may(self) -> str:
        if self._login is None:
            return "allow_anonymous true\n"
        file = self._folder / "passwords"
        file.touch(mode=0o600)
        passwd = shutil.which("mosquitto_passwd", path=SEARCH_PATH) or "mosquitto_passwd"
        subprocess.run([passwd, "-b", str(file), *self._login], check=True, capture_output=True)
        return f"allow_anonymous false\npassword_file {file}\n"

    def stop(self) -> None:
        """Shut down in order; safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=90)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=90)
            self._process = None
