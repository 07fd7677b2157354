"""Run the agent: ``python -m pdm_agent device.json``.

The file names the server, the token, the hardware, the keys and a command that says whether a release is healthy. A
restart of the device is the end of the process with code 3; whatever supervises it starts it again.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from pdm_agent.agent import Agent, Rebooting
from pdm_agent.ddi import DdiServer
from pdm_agent.disk import FolderDisk
from pdm_agent.trust import Trust

REBOOT_CODE = 3
HEALTH_S_MAX = 60.0
RETRY_S = 10.0


def main(words: list[str]) -> int:
    """Boot, then take turns until the device restarts."""
    if len(words) != 1:
        sys.stderr.write("Usage: python -m pdm_agent device.json\n")
        return 2
    said = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    server = DdiServer(said["server"], said["token"], said.get("piece_bytes", 0), said.get("pause_s", 0.0))
    trust = Trust(said["device_id"], said["model"], said["revision"], tuple(said["keys"]), said["director"])

    def is_healthy(version: str) -> bool:
        try:
            command = [*said["health"], version]
            return subprocess.run(command, check=False, timeout=HEALTH_S_MAX).returncode == 0
        except (subprocess.TimeoutExpired, OSError):
            return False

    agent = Agent(
        FolderDisk(Path(said["folder"])), trust, server, is_healthy, lambda: time.time_ns() // 1000, said["factory"]
    )
    sys.stdout.write(f"runs {agent.boot()} in slot {agent.slot}\n")
    sys.stdout.flush()
    try:
        server.attributes(agent.said())
    except OSError as error:
        sys.stderr.write(f"{error}\n")
    while True:
        try:
            agent.turn()
            time.sleep(min(server.sleep_s, said.get("poll_s_max", 86_400)))
        except OSError as error:
            sys.stderr.write(f"{error}\n")
            time.sleep(said.get("retry_s", RETRY_S))
        except Rebooting:
            return REBOOT_CODE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
