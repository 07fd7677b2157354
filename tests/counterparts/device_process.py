"""A protocol server in a process of its own, that can be frozen, killed and started again on the same port."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from typing_extensions import override

from tests.counterparts.ports import free_port, free_udp_port, wait_for_datagram, wait_for_port

HERE = Path(__file__).parent


class DeviceProcess:
    """Runs ``<script> <port>`` from this folder."""

    host = "127.0.0.1"

    def __init__(self, script: str, port: int | None = None) -> None:
        self._script = HERE / script
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False
        self.port = port or free_port()

    @property
    def is_well(self) -> bool:
        """It runs and has neither been frozen nor killed."""
        return self._process is not None and self._process.poll() is None and not self._frozen

    def start(self) -> None:
        self._frozen = False
        process = subprocess.Popen(
            [sys.executable, str(self._script), str(self.port)],
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        )
        self._process = process
        self._wait(process)

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        wait_for_port(self.port, within_s=120, still_running=lambda: process.poll() is None)

    def freeze(self) -> None:
        """Stop it in its tracks: connections stay open and nothing answers."""
        self._frozen = True
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End it as a power cut would; safe to call twice."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=90)
            self._process = None

    stop = kill


class SendingProcess(DeviceProcess):
    """One that sends to its port, and listens nowhere."""

    def __init__(self, script: str) -> None:
        super().__init__(script, free_udp_port())

    @override
    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        wait_for_datagram(self.port, within_s=120, still_running=lambda: process.poll() is None)
