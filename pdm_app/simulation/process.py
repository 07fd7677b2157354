"""One child process: started, listened to, and started again whenever it ends.

The child gets its configuration as the first line of its standard input; closing that line is how it is asked to end.
What it writes to standard error goes to a file of its own, of which only the last start is kept.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

import pdm_app
from pdm_app.domain.ports import Clock

log = structlog.get_logger(__name__)

RESTART_AFTER_S = 2.0
END_WITHIN_S = 3.0
SAID_LAST_MAX = 400  # Characters of the error file that are quoted.
PACKAGE_PARENT = Path(next(iter(pdm_app.__path__))).resolve().parent

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """What can be said of one child now."""

    name: str
    pid: int | None
    port: int | None
    restarts: int
    is_ready: bool


class ChildProcess:
    """Keeps one child alive from `keep` being run until it is cancelled."""

    def __init__(
        self,
        name: str,
        module: str,
        configuration: Callable[[], Message],
        heard: Callable[[str, Message], Awaitable[None]],
        folder: Path,
        clock: Clock,
        port: int | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self._module = module
        self._configuration = configuration
        self._heard = heard
        self._error_file = folder / f"{name}.log"
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._restarts = 0
        self._ready = asyncio.Event()
        self._loss_told = False
        self._allowed = asyncio.Event()
        self._allowed.set()

    @property
    def status(self) -> ChildStatus:
        pid = self._process.pid if self._process is not None else None
        return ChildStatus(self.name, pid, self.port, self._restarts, self._ready.is_set())

    async def ready(self) -> None:
        """Return once the child serves."""
        await self._ready.wait()

    def said_last(self) -> str:
        """Return the last thing the child wrote to standard error, for messages about its end."""
        with contextlib.suppress(OSError):
            lines = [line.strip(" |+-") for line in self._error_file.read_text("utf-8", "replace").splitlines()]
            return next((line[:SAID_LAST_MAX] for line in reversed(lines) if line), "")
        return ""

    def kill(self) -> None:
        """End the child at once, as a crash would; it is started again after ``RESTART_AFTER_S``."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def cut(self) -> None:
        """End the child and keep it down until `mend`."""
        if self._allowed.is_set():
            self._allowed.clear()
            self.kill()

    def mend(self) -> None:
        """Let a child that was cut off start again."""
        self._allowed.set()

    def send(self, message: Message) -> bool:
        """Give the child an order; False where it does not run or does not read."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing() or not self._ready.is_set():
            return False
        process.stdin.write(json.dumps(message).encode() + b"\n")
        return True

    async def keep(self) -> None:
        """Run the child, again and again, until cancelled; then the child has ended."""
        try:
            await self._allowed.wait()
            while True:
                try:
                    self._tell_loss(f"ended with code {await self._run_once()}")
                except OSError as error:
                    self._tell_loss(f"could not be started: {error}")
                await self._clock.sleep(RESTART_AFTER_S)
                await self._allowed.wait()
                self._restarts += 1
        finally:
            await self._end()

    def _tell_loss(self, what: str) -> None:
        """Log a loss once, not on every attempt to start again."""
        if not self._loss_told:
            self._loss_told = True
            log.warning("demo process is lost", process=self.name, what=what, said=self.said_last())

    async def _run_once(self) -> int:
        """Return the exit code of one life; a negative one is the signal that ended it."""
        with self._error_file.open("wb") as errors:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                cwd=PACKAGE_PARENT,
                env=_environment(),
                start_new_session=True,  # Ctrl-C in a terminal is answered by us, who then end the child in order.
            )
        assert process.stdin is not None  # noqa: S101 - asked for above.
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(self._configuration()).encode() + b"\n")
            async for line in process.stdout:
                message = json.loads(line)
                if message.get("ready"):
                    self._ready.set()
                    self._loss_told = False
                    log.info("demo process serves", process=self.name, pid=process.pid, port=self.port)
                await self._heard(self.name, message)
        finally:
            self._ready.clear()
        return await process.wait()

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), END_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _environment() -> dict[str, str]:
    """Return the environment of a child: ours without the product's settings, among which are secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PDM_")}
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), kept.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
