"""Free TCP ports on loopback for the servers that tests start."""

import socket
import time
from collections.abc import Callable


def free_port() -> int:
    """Ask the system for a TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_udp_port() -> int:
    """Ask the system for a UDP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, *, within_s: float, still_running: Callable[[], bool]) -> None:
    """Return as soon as something accepts connections on 127.0.0.1.

    Raises:
        TimeoutError: Nobody listened in time, or the process that should have is gone.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and still_running():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"Nobody listens on 127.0.0.1:{port} (waited up to {within_s:g} s).")


def wait_for_datagram(port: int, *, within_s: float, still_running: Callable[[], bool]) -> None:
    """Return as soon as something has sent to this UDP port of 127.0.0.1, which is free again then.

    Raises:
        TimeoutError: Nobody sent in time, or the process that should have is gone.
    """
    deadline = time.monotonic() + within_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", port))
        listening.settimeout(0.2)
        while time.monotonic() < deadline and still_running():
            try:
                listening.recv(1)
            except TimeoutError:
                continue
            return
    raise TimeoutError(f"Nothing came to 127.0.0.1:{port} (waited up to {within_s:g} s).")
