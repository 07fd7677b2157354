"""Gateways with the reference agent, in threads, that ask a running product for firmware as fast as a test wants it."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pdm_agent.agent import Agent, Rebooting
from pdm_agent.ddi import DdiServer
from pdm_agent.disk import FolderDisk
from pdm_agent.trust import Trust

TURN_EVERY_S = 0.3
JOIN_S_MAX = 60.0


@dataclass
class UpdateAgent:
    """One gateway; its files outlive its restarts.

    Args:
        folder: Its disk.
        base: Its address at the product, up to its code.
        token: Its key there.
        trust: Whom it believes.
        factory: What it left the factory with.
    """

    folder: Path
    base: str
    token: str
    trust: Trust
    factory: str
    version: str = ""
    is_held: bool = False
    """It does nothing meanwhile, and asks nobody."""

    def live(self, is_over: threading.Event) -> None:
        """Boot, take turns and restart until it is over."""
        while not is_over.is_set():
            server = DdiServer(self.base, self.token)
            agent = Agent(
                FolderDisk(self.folder), self.trust, server, lambda _version: True, lambda: time.time_ns() // 1000,
                self.factory,
            )  # fmt: skip
            self.version = agent.boot()
            with suppress(OSError):
                server.attributes(agent.said())
            with suppress(Rebooting):
                self._turns(agent, is_over)

    def _turns(self, agent: Agent, is_over: threading.Event) -> None:
        while not is_over.wait(TURN_EVERY_S):
            with suppress(OSError):  # Nobody answers just now; the next turn tries again.
                if not self.is_held:
                    agent.turn()


@contextmanager
def living_agents(agents: Sequence[UpdateAgent]) -> Iterator[Mapping[str, UpdateAgent]]:
    """Have gateways live as long as the block lasts; by their names."""
    is_over = threading.Event()
    threads = [threading.Thread(target=agent.live, args=(is_over,), daemon=True) for agent in agents]
    for thread in threads:
        thread.start()
    try:
        yield {agent.folder.name: agent for agent in agents}
    finally:
        is_over.set()
        for thread in threads:
            thread.join(JOIN_S_MAX)
