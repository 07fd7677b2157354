"""Runs ``client/superjson.mjs``, which speaks with the superjson package from npm."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

from tests.counterparts.npm import find_program, install_locked

HERE = Path(__file__).parent / "client"
SCENARIO_TIMEOUT_S = 180.0


def installed_folder() -> Path | str:
    """Return the folder in which the real packages and the script are, or what is missing."""
    installed = install_locked(HERE, "trpc-client")
    if isinstance(installed, Path):
        shutil.copy(HERE / "superjson.mjs", installed)
    return installed


async def node(folder: Path, *arguments: str, given: Any = None) -> dict[str, Any]:
    """Run the script and return what it printed."""
    program = find_program("node")
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        program,
        "superjson.mjs",
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SCENARIO_TIMEOUT_S):
            printed, noise = await process.communicate(json.dumps(given).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, noise.decode()
    result: dict[str, Any] = json.loads(printed)
    return result
