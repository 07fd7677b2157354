"""Where a request comes from: this product's own pages, this machine, or elsewhere."""

from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_own_origin(origin: str | None, host: str, allowed: Collection[str] = ()) -> bool:
    """Say whether a page with this ``Origin`` may use the session cookie.

    Args:
        origin: The header, None where it was not sent: programs send none, browsers always do with what changes
            something.
        host: The ``Host`` header of the same request.
        allowed: Further origins of our own pages, behind a proxy that changes the host.

    The scheme is not compared: a TLS front ends before this program, which sees plain HTTP. The port is.
    """
    if origin is None:
        return True
    if origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
        return bool(parts.hostname) and parts.netloc.casefold() == host.casefold()
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Say whether an address is of this machine itself."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    # A socket that listens on both families shows IPv4 callers as IPv6 addresses.
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def is_on_this_machine(address: str, host: str, *, is_forwarded: bool) -> bool:
    """Say whether somebody at this machine asks, with a browser or program of theirs.

    A proxy on this machine asks for others, and so does a foreign page whose name was pointed at 127.0.0.1 (DNS
    rebinding): the first adds a forwarding header, the second keeps its own name in ``Host``.
    """
    if is_forwarded or not is_loopback(address):
        return False
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK_NAMES
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return what stands for one subscriber: an IPv4 address, or the /64 of an IPv6 one, who has all of it."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or f"{int(found) >> 64:x}")
    return str(found)
