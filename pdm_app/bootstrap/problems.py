"""What can go wrong before the product runs, said so that the reader can mend it."""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SetupError(Exception):
    """Set-up cannot go on; the message says who, what was tried, what came back and what to do next."""

    exit_code = 1


class NoSpaceError(SetupError):
    """The disk is full."""


class NoPermissionError(SetupError):
    """A folder cannot be written."""


class NoNetworkError(SetupError):
    """The package index cannot be reached."""


def free_mb(path: Path) -> int:
    """Free space in MB on the disk of a path, which itself need not exist yet."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // 1_000_000


@contextmanager
def explained(doing: str, path: Path, advice: str = "") -> Iterator[None]:
    """Turn the operating system's refusals inside the block into a SetupError about ``path``.

    Args:
        doing: What the block does, as the beginning of a sentence.
        path: What it does it to.
        advice: What to do next, where it is not the checkout that is in trouble.
    """
    try:
        yield
    except OSError as error:
        where = Path(error.filename) if isinstance(error.filename, str) else path
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpaceError(_no_space(doing, where, advice)) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise NoPermissionError(_no_permission(doing, where, advice)) from error
        raise SetupError(f"{doing} failed at {where}: {error.strerror or error}.\n{advice}".rstrip()) from error


def require_space(doing: str, path: Path, needed_mb: int) -> None:
    """Refuse early rather than fail half-way, where the disk clearly cannot hold what is coming."""
    if free_mb(path) < needed_mb:
        raise NoSpaceError(
            f"{doing} needs about {needed_mb} MB in {path}, and the disk has {free_mb(path)} MB free.\n"
            "Free some space, or move the checkout to a larger disk, and start again."
        )


def _no_space(doing: str, where: Path, advice: str = "") -> str:
    advice = advice or "Free about 1500 MB and start again; what is half-made is repaired by itself."
    return f"{doing} stopped: no space left on the disk of {where} ({free_mb(where)} MB free).\n{advice}"


def _no_permission(doing: str, where: Path, advice: str = "") -> str:
    advice = advice or "Start as the user who owns the checkout, or copy the checkout to a folder of your own."
    return f"{doing} stopped: no permission to write {where}.\n{advice}"


NETWORK = re.compile(
    r"name resolution|name or service not known|nodename nor servname|failed to establish a new connection|dns error"
    r"|network is unreachable|no route to host|connection refused|connection reset|tcp connect error|connecttimeout"
    r"|read timed out|operation timed out|client error \(connect\)|cannot connect to proxy|error sending request"
    r"|(?-i:\b(?:ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET)\b)",
    re.IGNORECASE,
)
CERTIFICATE = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|UnknownIssuer|SELF_SIGNED_CERT", re.IGNORECASE
)
SPACE = re.compile(r"no space left on device|errno 28\b|os error 28\b|ENOSPC|disk quota exceeded", re.IGNORECASE)
PERMISSION = re.compile(r"permission denied|errno 13\b|os error 13\b|EACCES|read-only file system", re.IGNORECASE)
HASHES = re.compile(r"do not match the hashes|hash mismatch|EINTEGRITY", re.IGNORECASE)
NO_WHEEL = re.compile(
    r"no matching distribution|no wheels with a matching|no solution found|has no usable wheels", re.IGNORECASE
)


def explain_log(doing: str, output: str, log: Path) -> SetupError:
    """Read from a failed tool's output why it failed; the tail of the output is part of the message."""
    tail = "\n".join("    " + line for line in output.splitlines()[-12:])
    rest = f"\nLast lines of {log}:\n{tail}"
    if SPACE.search(output):
        return NoSpaceError(_no_space(doing, log.parent) + rest)
    if CERTIFICATE.search(output):
        return NoNetworkError(
            f"{doing} stopped: the package index presented a certificate this machine does not trust.\n"
            "Behind a company proxy, set PIP_CERT, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS to the proxy's certificate."
            + rest
        )
    if HASHES.search(output):
        return SetupError(
            f"{doing} stopped: a downloaded package differs from the one the lock names. Nothing of it was installed.\n"
            "A mirror may hold a rebuilt file: compare it with the public index before you trust it." + rest
        )
    if NETWORK.search(output):
        return NoNetworkError(
            f"{doing} stopped: the package index cannot be reached.\n"
            "Check the network, or name your mirror (pip config set global.index-url …; npm config set registry …).\n"
            "A machine without any network runs the installed wheel instead." + rest
        )
    if PERMISSION.search(output):
        return NoPermissionError(_no_permission(doing, log.parent.parent) + rest)
    if NO_WHEEL.search(output):
        return SetupError(
            f"{doing} stopped: the index has no ready-made package for this Python and machine.\n"
            "Known to work: Python 3.11 to 3.14 on x86-64 and aarch64 Linux, macOS and Windows." + rest
        )
    return SetupError(f"{doing} failed." + rest)
