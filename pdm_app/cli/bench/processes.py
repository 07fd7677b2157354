"""Processes that take part in a benchmark: each is started for a block, heard, and ended with it.

A child that generates load is a module run by `pdm_app.simulation.children.child.run_child`: it gets its configuration
and orders as lines of JSON, answers likewise, and ends when its line is closed, so it cannot outlive this process.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pdm_app.domain.errors import UnavailableError
from pdm_app.simulation.process import PACKAGE_PARENT

END_WITHIN_S = 15.0
LOOK_EVERY_S = 0.05
SERVES_WITHIN_S = 300.0  # The first start compiles the front end.
SAID_LAST_LINES = 15
ADDRESS = re.compile(rb"(?:Open the pages|The pages are open in the browser): (http://[\d.]+:\d+)")

Message = dict[str, Any]


class Child:
    """One load process."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, within_s: float, **order: object) -> Message:
        """Give an order and return the answer; see `hear`."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe.
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self.hear(within_s)

    async def hear(self, within_s: float) -> Message:
        """Return the next thing it says.

        Raises:
            UnavailableError: It ended or said nothing in time; holds what it wrote last.
        """
        assert self._process.stdout is not None  # noqa: S101 - a pipe.
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), within_s)
        except TimeoutError:
            raise UnavailableError(_silent(self._name, f"said nothing for {within_s:g} s", self._log)) from None
        if not line:
            raise UnavailableError(_silent(self._name, "ended by itself", self._log))
        answer: Message = json.loads(line)
        return answer


@asynccontextmanager
async def child(name: str, module: str, configuration: Message, folder: Path) -> AsyncIterator[Child]:
    """Run ``python -m module`` for as long as the block lasts."""
    log = folder / f"{name}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, cwd=PACKAGE_PARENT, env=clean_environment({}),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 - asked for above.
    try:
        process.stdin.write(json.dumps(configuration).encode() + b"\n")
        yield Child(name, process, log)
    finally:
        process.stdin.close()
        await ended(process)


@asynccontextmanager
async def serving(data_dir: Path, settings: Mapping[str, str], log: Path) -> AsyncIterator[tuple[int, str]]:
    """Run ``pdm_app serve`` for as long as the block lasts; yields its process id and address.

    Args:
        data_dir: Its data directory.
        settings: Further variables, such as ``PDM_DATABASE_URL``; the caller's own PDM_* are not passed on.
        log: Gets what it prints.

    Raises:
        UnavailableError: It did not come to serve; holds what it printed last.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pdm_app", "serve", "--port", "0", "--data", os.fspath(data_dir),
            cwd=PACKAGE_PARENT, env=clean_environment(settings), start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process.pid, await _address(process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await ended(process)


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    give_up_at = time.monotonic() + SERVES_WITHIN_S
    while process.returncode is None and time.monotonic() < give_up_at:
        found = ADDRESS.search(await asyncio.to_thread(log.read_bytes))
        if found:
            return found[1].decode()
        await asyncio.sleep(LOOK_EVERY_S)
    what = f"ended with code {process.returncode}" if process.returncode is not None else "did not come to serve"
    raise UnavailableError(_silent("The product", what, log))


async def ended(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that was told to end, and end it if it does not."""
    try:
        await asyncio.wait_for(process.wait(), END_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def allow_files(count: int) -> None:
    """Let this process, and those it starts from now on, hold ``count`` files and sockets open.

    Raises:
        UnavailableError: The system does not allow so many.
    """
    if sys.platform == "win32":  # Has no such limit.
        return
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now == resource.RLIM_INFINITY or now >= count:
        return
    if most != resource.RLIM_INFINITY and most < count:
        raise UnavailableError(
            f"This needs {count:,} open files and sockets, and the system allows {most:,}. "
            "Ask for fewer connections, or raise the limit (ulimit -Hn)."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without the caller's settings of the product, among which may be a plant's database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PDM_")}
    return {**kept, **settings}


def _silent(name: str, what: str, log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()[-SAID_LAST_LINES:]
    return f"{name} {what}. It wrote last:\n" + "\n".join(lines or ["nothing"])
