"""Ports on loopback for the plant's servers: the usual ones, or the next that nobody has."""

import contextlib
import socket
from collections.abc import Iterator

from pdm_app.domain.errors import UnavailableError
from pdm_app.simulation.plant import HOST

PORTS_TRIED = 20  # From the usual one upwards, so that a second demo finds the same ports again; then any.


def free_port(usual: int) -> int:
    """Return ``usual``, or the next port on loopback where nobody listens and that no other plant has reserved.

    Raises:
        UnavailableError: There is none.
    """
    with reserved(usual) as port:
        return port


@contextlib.contextmanager
def reserved(usual: int) -> Iterator[int]:
    """Keep a free port from other plants during the block, while the server that is to listen there starts or is down.

    What reserves it is the UDP port of the same number, which nobody can have twice: two plants that start at once
    would find the same TCP port free, and one of them would never get it.

    Raises:
        UnavailableError: No port is free.
    """
    for wanted in (*range(usual, usual + PORTS_TRIED), 0):
        with contextlib.ExitStack() as held:
            try:
                port = _free(wanted)
                claim = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                claim.bind((HOST, port))
            except OSError:
                continue
            yield port
            return
    raise UnavailableError(f"No port is free on {HOST} for the demo plant.")


def _free(port: int) -> int:
    """Return the port, or any for 0; an `OSError` where somebody listens on it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])
