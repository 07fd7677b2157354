"""Where a connection points: scheme, host and port out of what an engineer typed."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConnectionFailedError

REFUSED = "the connection was refused; nothing listens there"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and port, and the scheme in front of them."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def endpoint_of(connection: Connection, schemes: dict[str, int]) -> Endpoint:
    """Read ``scheme://host:port`` or ``host:port``.

    Args:
        connection: Its ``endpoint`` is read.
        schemes: Allowed schemes with their usual port; the first is meant where none is written.

    Raises:
        ConnectionFailedError: It is no such thing; names an example.
    """
    written = connection.endpoint.strip()
    usual = next(iter(schemes))
    try:
        parts = urlsplit(written if "://" in written else f"{usual}://{written}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(connection, usual, schemes, str(error)) from None
    if parts.scheme not in schemes:
        raise _wrong(connection, usual, schemes, f"the scheme {parts.scheme!r} is not one of {', '.join(schemes)}")
    if not host:
        raise _wrong(connection, usual, schemes, "there is no host name")
    return Endpoint(parts.scheme, host, port or schemes[parts.scheme])


def _wrong(connection: Connection, usual: str, schemes: dict[str, int], problem: str) -> ConnectionFailedError:
    return ConnectionFailedError(
        f"The endpoint {connection.endpoint!r} of connection {connection.name!r} cannot be used: {problem}. "
        f"Write it like {usual}://192.168.0.10:{schemes[usual]}.",
        connection_id=connection.id,
    )


def cause(error: BaseException) -> str:
    """Say in a few words what a failed attempt came back with, for the middle of a sentence."""
    text = str(error).strip()
    if isinstance(error, ConnectionRefusedError) or "Connection refused" in text:
        return REFUSED
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionResetError | BrokenPipeError | EOFError):
        return "the other side closed the connection"
    return text or type(error).__name__
