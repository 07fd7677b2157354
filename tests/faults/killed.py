"""A process that works on a database and is killed in the middle of it."""

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


async def killed_after(program: str, seconds: float | None, url: str, folder: Path) -> bytes:
    """Run a program on a database in a process of its own, and kill it so long after it has said "ready".

    Returns:
        What it said last.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, url, str(folder), cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(120):
        assert await process.stdout.readline() == b"ready\n"
        if seconds is not None:
            await asyncio.sleep(seconds)  # The moment is the point here, not a condition.
            if process.returncode is None:
                process.kill()
        said = await process.stdout.read()
        await process.wait()
    return said
