"""The product as a user starts it: one command in a process of its own, to be talked to, killed and started again."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from pdm_app.domain.plant_size import PlantSize

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 90.0
STOP_S_MAX = 60.0
LINK = re.compile(r"http://127\.0\.0\.1:(?P<port>\d+)(?P<setup>/setup\?token=[\w-]+)?")


class RunningProduct:
    """``pdm_app demo`` or ``serve`` on a free port of loopback.

    Args:
        data_dir: Where it keeps everything; the same directory again continues where it was.
        command: ``demo`` or ``serve``.
        environment: Further variables, such as ``PDM_DATABASE_URL``.
        plant: How much of the plant a demo runs; the whole one takes a quarter of a processor, the small one a tenth of
            that.
        history_days: What a demo has behind it; a month is a minute of work for the processors.
    """

    def __init__(
        self,
        data_dir: Path,
        command: str = "demo",
        environment: Mapping[str, str] | None = None,
        plant: PlantSize = PlantSize.SMALL,
        history_days: int = 0,
    ) -> None:
        self.data_dir = data_dir
        self._command = command
        self._plant = plant
        self._history_days = history_days
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._serves = False
        self.port = 0
        self.setup_path = ""
        self.first_page_s = 0.0
        self.lines: list[str] = []

    def start(self) -> None:
        """Start and return once the pages are served.

        Raises:
            RuntimeError: It ended or did not serve in time; holds what it printed.
        """
        words = [self._command, "--port", str(self.port), "--data", str(self.data_dir)]
        if self._command == "demo":
            words += ["--no-browser", "--plant", self._plant, "--history", str(self._history_days)]
        began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pdm_app", *words],
            cwd=ROOT, env={**os.environ, **self._environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.lines = []
        self._serves = False
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self._process, ready), daemon=True).start()
        if not ready.wait(START_S_MAX) or not self._serves:
            said = "\n".join(self.lines[-40:])
            self._give_up()
            raise RuntimeError(f"`pdm_app {' '.join(words)}` did not serve:\n{said}")
        page = httpx.get(f"{self.url}/login", timeout=START_S_MAX)
        if page.status_code != httpx.codes.OK:
            self.kill()
            raise RuntimeError(f"The first page was answered with {page.status_code}:\n{page.text[:500]}")
        self.first_page_s = time.monotonic() - began

    def _give_up(self) -> None:
        """Let a process that refuses to start end by itself, so that its exit code is its own."""
        assert self._process is not None
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()

    def _read(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip())
                found = LINK.search(line) if "Open the pages" in line or "The pages are open" in line else None
                if found:
                    self.port = int(found["port"])
                    self.setup_path = found["setup"] or ""
                    self._serves = True
                    ready.set()
        ready.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def exit_code(self) -> int | None:
        """With which it ended, None while it runs; negative for the signal that ended it."""
        return self._process.poll() if self._process is not None else None

    def kill(self) -> None:
        """End it as a power cut would; children end by themselves."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to end in order and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
