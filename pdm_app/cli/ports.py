"""Whether a TCP port can be listened on, and who has it if not."""

import errno
import socket

import psutil

from pdm_app.bootstrap.problems import SetupError

BACKLOG = 512


class PortTakenError(SetupError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int, holder: str) -> None:
        super().__init__(
            f"Port {port} on {host} is taken by {holder}.\nStop it, or choose another port with --port {port + 1}."
        )
        self.host = host
        self.port = port
        self.holder = holder


def listening_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens; the caller hands it to the server, so nobody can take the port in between.

    Args:
        host: An address of this machine.
        port: 0 takes a free one.

    Raises:
        PortTakenError: Somebody has it; the message says who, as far as the system tells this user.
        SetupError: The port or the address cannot be used at all.
    """
    if not 0 <= port <= 65535:  # The system would silently wrap it round.
        raise SetupError(f"Cannot listen on {host}:{port}: a port is a number from 0 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise SetupError(f"Cannot listen on {host}:{port}: {error}. Give an address of this machine.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # A port in TIME_WAIT counts as free, one with a listener does not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(host, port, error) from error
    return listener


def _refusal(host: str, port: int, error: OSError) -> SetupError:
    if error.errno == errno.EADDRINUSE:
        return PortTakenError(host, port, holder_of(port))
    if error.errno == errno.EACCES:
        return SetupError(f"Port {port} is reserved for administrators on this machine. Choose one above 1023.")
    return SetupError(f"Cannot listen on {host}:{port}: {error.strerror}. Is {host} an address of this machine?")


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
