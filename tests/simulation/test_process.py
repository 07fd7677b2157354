"""Child processes of the simulation: they never outlive the program that started them."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from pdm_app.simulation.plant import PlantPorts
from tests.simulation.conftest import until

PARENT = """
import asyncio, sys, time
from pathlib import Path
from pdm_app.simulation.fleet import running_fleet
from pdm_app.simulation.plant import PlantPorts
from tests.simulation.conftest import WallClock

async def main():
    async with running_fleet(Path(sys.argv[1]), WallClock(), PlantPorts(*map(int, sys.argv[2:5]))) as fleet:
        await fleet.ready()
        print(*[child.pid for child in fleet.children], flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_children_end_by_themselves_when_their_parent_is_killed(tmp_path: Path, ports: PlantPorts) -> None:
    parent = subprocess.Popen(  # noqa: ASYNC220 - returns at once; what it says is read in a thread.
        [sys.executable, "-c", PARENT, str(tmp_path), str(ports.opcua), str(ports.modbus), str(ports.mqtt)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert parent.stdout is not None
    try:
        line = await asyncio.wait_for(asyncio.to_thread(_line_with_pids, parent), 60)
        pids = [int(pid) for pid in line.split()]
        assert len(pids) == 5
        parent.send_signal(signal.SIGKILL)

        async def are_gone() -> bool:
            return not any(_is_alive(pid) for pid in pids)

        await until(are_gone, within_s=120, what="the children ended")
    finally:
        parent.kill()
        parent.wait(timeout=90)
        parent.stdout.close()


def _line_with_pids(parent: "subprocess.Popen[str]") -> str:
    assert parent.stdout is not None
    return next((line for line in parent.stdout if line.replace(" ", "").strip().isdigit()), "")


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
