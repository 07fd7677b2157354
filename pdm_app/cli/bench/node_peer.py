"""The peer of the benchmark of calls: a tRPC server on Node, installed from npm for one run."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pdm_app.bootstrap.checkout import find_checkout
from pdm_app.bootstrap.environment import node_environment
from pdm_app.cli.bench.processes import clean_environment, ended
from pdm_app.domain.errors import UnavailableError

SOURCES = Path(__file__).parent / "node"
INSTALL_S_MAX = 120.0
START_S_MAX = 30.0
SAID_LAST = 300


@dataclass(frozen=True, slots=True)
class NodePeer:
    """The running peer: its process, its address, a token it takes, and its version."""

    pid: int
    address: str
    token: str
    version: str


@asynccontextmanager
async def node_peer(folder: Path) -> AsyncIterator[NodePeer]:
    """Install the peer into ``folder`` and run it for as long as the block lasts.

    Raises:
        UnavailableError: Node is missing, npm reaches no registry, or the server does not start; says which.
    """
    node, npm = _program("node"), _program("npm")
    if node is None or npm is None:
        raise UnavailableError("Node is not installed here: `python3 -m pdm_app build` brings it.")
    environment = {
        **clean_environment({"NODE_ENV": "production", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}),
        "PATH": os.pathsep.join([str(Path(npm).parent), os.environ.get("PATH", "")]),
    }
    await asyncio.to_thread(shutil.copytree, SOURCES, folder)
    await _install(npm, folder, environment)
    log = folder / "peer.log"
    with log.open("wb") as lines:
        process = await asyncio.create_subprocess_exec(
            node, "server.mjs", cwd=folder, env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=lines,
        )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 - asked for above.
    assert process.stdout is not None  # noqa: S101
    try:
        try:
            said = json.loads(await asyncio.wait_for(process.stdout.readline(), START_S_MAX))
        except (TimeoutError, ValueError):
            raise UnavailableError(f"The peer did not start: {_last_words(log.read_bytes())}.") from None
        version = await _version(folder, node)
        yield NodePeer(process.pid, f"http://127.0.0.1:{said['port']}", said["token"], version)
    finally:
        process.stdin.close()
        await ended(process)


def _program(name: str) -> str | None:
    """Return Node or npm: beside this Python, where the front end is built, else the machine's."""
    folders = [Path(sys.executable).parent]
    checkout = find_checkout()
    if checkout is not None:
        folders.append(node_environment(checkout).scripts)
    beside = (shutil.which(name, path=str(folder)) for folder in folders)
    return next(filter(None, beside), None) or shutil.which(name)


async def _install(npm: str, folder: Path, environment: dict[str, str]) -> None:
    words = ("ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
    process = await asyncio.create_subprocess_exec(
        npm, *words, cwd=folder, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), INSTALL_S_MAX)
    except TimeoutError:
        raise UnavailableError(f"npm did not install the peer within {INSTALL_S_MAX:g} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise UnavailableError(f"npm could not install the peer: {_last_words(said)}.")


async def _version(folder: Path, node: str) -> str:
    asked = await asyncio.create_subprocess_exec(node, "--version", stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(asked.communicate(), START_S_MAX)
    trpc = json.loads((folder / "node_modules" / "@trpc" / "server" / "package.json").read_text(encoding="utf-8"))
    return f"@trpc/server {trpc['version']} on Node {said.decode().strip().removeprefix('v')}"


def _last_words(said: bytes) -> str:
    return " ".join(said.decode("utf-8", "replace").split())[-SAID_LAST:] or "it said nothing"
