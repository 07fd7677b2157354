"""The update clients of the gateways: the reference agent of ``firmware/``, once for each, in threads of one process.

Each has its own files, its own token and its own line, a slow one, so that a campaign can be watched. A restart of a
gateway is a new agent on the same files. Two things go wrong as they are told: a release that does not run on one of
them, and a line that spoils what it carries.
"""

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pdm_app
from pdm_app.simulation.children.child import ChildLink, Message, run_child

if TYPE_CHECKING:
    from pdm_agent.agent import Agent

PACKAGE = Path(next(iter(pdm_app.__path__))).resolve()
PIECE_BYTES, PAUSE_S = 40_000, 1.2
BUSY_S, IDLE_S, RETRY_S, BOOT_S = 4.0, 20.0, 5.0, 3.0
"""How long a gateway waits: while it is being updated, otherwise, where nobody answers, and for its restart."""
BUSY_SAYS_S = 60.0
"""A server that wants to be asked again sooner has something for the device."""
THREAD_BYTES = 256 * 1024


def agent_folder() -> Path:
    """Return the folder that has the agent: of an installed wheel, or of a checkout.

    Raises:
        FileNotFoundError: Neither has it.
    """
    for folder in (PACKAGE / "_bundle", PACKAGE.parent / "firmware"):
        if (folder / "pdm_agent" / "agent.py").is_file():
            return folder
    raise FileNotFoundError(f"The device agent is missing beside {PACKAGE}. Install the package again.")


class Gateway:
    """One gateway, from its first boot on.

    Args:
        said: Its code, token, hardware, the releases that do not run on it, and how many downloads its line spoils.
        common: What all of them share: the server, keys, director, folder, the version of the factory, and how long
            they wait where that is not as usual.
    """

    def __init__(self, said: Message, common: Message) -> None:
        self._said = said
        self._common = common
        self._spoils = int(said.get("spoils", 0))

    def live(self, tell: Any) -> None:
        """Boot, take turns, restart, for ever; ``tell`` hears of each boot."""
        from pdm_agent.agent import Rebooting

        time.sleep(float(self._said.get("begins_s", 0.0)))
        while True:
            try:
                agent, server = self._switched_on()
                tell(gateway=self._said["code"], version=agent.version)
                while True:
                    time.sleep(self._turn(agent, server))
            except Rebooting:
                time.sleep(self._common.get("boot_s", BOOT_S))
            except OSError as error:  # Of its files: a full disk, most likely.
                sys.stderr.write(f"{self._said['code']}: {error}\n")
                time.sleep(self._common.get("idle_s", IDLE_S))

    def _switched_on(self) -> tuple["Agent", Any]:
        from pdm_agent.agent import Agent
        from pdm_agent.ddi import DdiServer
        from pdm_agent.disk import FolderDisk
        from pdm_agent.trust import Trust

        gateway, said, common = self, self._said, self._common

        class Line(DdiServer):
            def download(self, action_id: str, at: int) -> Iterator[bytes]:
                for number, piece in enumerate(super().download(action_id, at)):
                    yield piece if at or number else gateway._carried(piece)

        base = f"{common['server']}/DEFAULT/controller/v1/{said['code']}"
        server = Line(base, said["token"], PIECE_BYTES, common.get("pause_s", PAUSE_S))
        trust = Trust(said["code"], said["model"], said["revision"], tuple(common["keys"]), common["director"])
        agent = Agent(
            FolderDisk(Path(common["folder"]) / said["code"]), trust, server,
            lambda version: version not in said.get("ill_with", ()), lambda: time.time_ns() // 1000, common["factory"],
        )  # fmt: skip
        agent.boot()
        with contextlib.suppress(OSError):  # Where nobody hears what runs now, it is asked for later.
            server.attributes(agent.said())
        return agent, server

    def _turn(self, agent: "Agent", server: Any) -> float:
        """Take a turn and return how long to wait, in seconds."""
        try:
            agent.turn()
        except OSError:
            return float(self._common.get("busy_s", RETRY_S))
        if server.sleep_s <= BUSY_SAYS_S:
            return float(self._common.get("busy_s", BUSY_S))
        return float(self._common.get("idle_s", IDLE_S))

    def _carried(self, piece: bytes) -> bytes:
        if self._spoils and piece:
            self._spoils -= 1
            return bytes([piece[0] ^ 0xFF]) + piece[1:]
        return piece


async def serve(link: ChildLink, configuration: Message) -> None:
    """Run every gateway until the parent is gone."""
    sys.path.insert(0, str(agent_folder()))
    threading.stack_size(THREAD_BYTES)
    for said in configuration["gateways"]:
        gateway = Gateway(said, configuration)
        threading.Thread(target=gateway.live, args=(link.tell,), name=said["code"], daemon=True).start()
    link.tell(ready=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_child(serve)
