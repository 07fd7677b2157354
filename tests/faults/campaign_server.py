"""What moves a campaign on and answers its devices, in a process that can be killed.

The line ``listen`` is answered with a port; who asks there waits for a server. A line with a URL and a folder starts
one, and is answered with its process id as soon as it answers devices. Each server is a fork of the process that has
loaded everything and does nothing else: so a start costs next to nothing, and none finds its port taken.
"""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, cast

from pdm_app.domain.firmware_bundles import Bundle, BundleKind
from pdm_app.engine import rollout
from pdm_app.services import device_updates
from pdm_app.services.artifacts import ArtifactStore
from pdm_app.services.devices import DeviceService
from pdm_app.storage.lease import SqlLease
from tests.counterparts.clocks import HandClock, WallClock
from tests.counterparts.installation import opened_plant
from tests.endpoints.ddi_plant import ddi_server
from tests.engine.rollout_plant import RolloutPlant

LEASE_S = 86_400_000
TICK_S = 0.1


def store_of(folder: Path) -> ArtifactStore:
    return ArtifactStore(folder / "artifacts", lambda _path: Bundle(kind=BundleKind.OTHER))


async def serve(url: str, folder: Path, listener: socket.socket) -> None:
    """Serve until killed; says so on a line once it answers."""
    clock = cast("HandClock", WallClock())  # The same two questions are asked of it.
    async with opened_plant(url) as work:
        fence: Any = await SqlLease(work._database, clock).acquire("tests", LEASE_S)
        plant = RolloutPlant(work, clock, fence)
        plant.updates = device_updates.DeviceUpdateService(work, clock, plant.idle.get, plant.rollout.wake)
        async with ddi_server(plant, DeviceService(work, clock), store_of(folder), folder, listener, poll_s=1):
            sys.stdout.write(f"{os.getpid()}\n")
            sys.stdout.flush()
            await plant.rollout.run()


if __name__ == "__main__":
    rollout.TICK_S, device_updates.WATCHED_NOTED_S = TICK_S, 0  # Nobody waits here for what a plant takes minutes for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders = os.fdopen(0, "rb", buffering=0)  # Unbuffered: a fork has nothing of what comes later.
    while line := orders.readline():
        words = line.decode().split()
        if words == ["listen"]:
            listening = socket.create_server(("127.0.0.1", 0))
            sys.stdout.write(f"{listening.getsockname()[1]}\n")
            sys.stdout.flush()
        elif os.fork() == 0:
            asyncio.run(serve(words[0], Path(words[1]), listening))
