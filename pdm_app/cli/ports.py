"""Whether a TCP port can be listened on, and who has it if not."""

import errno
import socket

import psutil

from pdm_app.bootstrap.problems import SetupError


class PortTakenError(SetupError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int, holder: str) -> None:
        super().__init__(
            f"Port {port} on {host} is taken by {holder}.\nStop it, or choose another port with --port {port + 1}."
        )
        self.host = host
        self.port = port
        self.holder = holder


def require_free_port(host: str, port: int) -> None:
    """Return if the port can be listened on at this moment.

    Raises:
        PortTakenError: Somebody has it; the message says who, as far as the system tells this user.
        SetupError: The port or the address cannot be used at all.
    """
    if not 1 <= port <= 65535:  # The system would silently wrap it round.
        raise SetupError(f"Cannot listen on {host}:{port}: a port is a number from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As uvicorn does it: a port in TIME_WAIT counts as free, one with a listener does not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror as error:
        raise SetupError(f"Cannot listen on {host}:{port}: {error}. Give an address of this machine.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(host, port, holder_of(port)) from error
        if error.errno == errno.EACCES:
            raise SetupError(
                f"Port {port} is reserved for administrators on this machine. Choose one above 1023."
            ) from error
        raise SetupError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Is {host} an address of this machine?"
        ) from error


def holder_of(port: int) -> str:
    """The process that listens on a TCP port, in words."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS tells only an administrator.
        connections = []
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            try:
                command = " ".join(psutil.Process(connection.pid).cmdline())
            except psutil.Error:
                command = ""
            return f"process {connection.pid}" + (f" ({command[:100]})" if command else "")
    return "another program (the system does not tell this user which)"
