"""A program in Node that uses the real ``@trpc/client``, run to its end."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

from tests.counterparts.npm import find_program, install_locked

HERE = Path(__file__).parent / "client"
SCENARIO_TIMEOUT_S = 180.0


def installed_client() -> Path | str:
    """Install the locked packages; return their folder, or why they are not there."""
    return install_locked(HERE, "trpc-client")


class Node:
    """Runs scenarios of one program against one server.

    Attributes:
        events: Of the subscription that the running scenario collects, how many have arrived.
        said: The words that the running scenario has said about how far it is.
    """

    def __init__(self, folder: Path, program: str, http_url: str, ws_url: str) -> None:
        shutil.copy(HERE / program, folder)
        self._folder = folder
        self._words = (program, http_url, ws_url)
        self.events = 0
        self.said: list[str] = []

    async def run(self, scenario: str) -> dict[str, Any]:
        """Run one scenario to its end and return what it printed."""
        node = find_program("node")
        assert node is not None
        program, *urls = self._words
        process = await asyncio.create_subprocess_exec(
            node,
            program,
            scenario,
            *urls,
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        noise: list[str] = []

        async def watch(stderr: asyncio.StreamReader) -> None:
            async for line in stderr:
                if line.startswith(b"event "):
                    self.events = int(line.split()[1])
                elif line.startswith(b"say "):
                    self.said.append(line.decode().removeprefix("say ").strip())
                else:
                    noise.append(line.decode())

        try:
            async with asyncio.timeout(SCENARIO_TIMEOUT_S):
                _, printed, _ = await asyncio.gather(watch(process.stderr), process.stdout.read(), process.wait())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, "".join(noise)
        result: dict[str, Any] = json.loads(printed)
        return result
