"""HTTPS of the server: the context with its certificate, which is read again when its file changes, and a redirect.

A certificate that does not fit its key, as while two files are being replaced, is not taken up: the one before goes on
being shown, and the log says why once.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from typing import cast

from pdm_app.bootstrap.problems import SetupError
from pdm_app.domain.errors import PdmError
from pdm_app.services import acme_challenges
from pdm_app.services.acme_challenges import Challenges
from pdm_app.services.certificate_store import CertificateStore, Pair

log = logging.getLogger(__name__)

CHECK_TICKS = 10  # uvicorn ticks ten times a second, and two files are looked at.
TEND_TICKS = 36_000  # An hour.
HEAD_BYTES_MAX = 16_384
HEAD_S_MAX = 10.0
HOST = re.compile(rb"\r\nhost:[ \t]*([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?[ \t]*\r\n", re.IGNORECASE)
REQUEST = re.compile(rb"[A-Z]+ (/[\x21-\x7e]*) HTTP/1\.[01]\r\n")
# TLS 1.2 with what has forward secrecy and authenticates what it encrypts. Source: RFC 9325, section 4.2.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"

Stamp = tuple[tuple[int, int, int], ...]


class Https:
    """One TLS context for the life of the server."""

    def __init__(self, store: CertificateStore) -> None:
        """Make the certificate if need be, and load it.

        Raises:
            SetupError: It cannot be used; says which file and why.
        """
        self._store = store
        self.challenges = Challenges(store.folder)
        self._failed: Stamp | None = None
        try:
            store.tend()
        except PdmError as error:
            raise SetupError(f"HTTPS cannot be served: {error}") from error
        except OSError as error:
            raise SetupError(f"HTTPS cannot be served: {error.filename}: {error.strerror}.") from error
        self.context = _context()
        pair = store.pair
        self._loaded = _stamp(pair)
        problem = _load(self.context, pair)
        if problem:
            raise SetupError(f"HTTPS cannot be served with the certificate {pair.certificate}: {problem}")

    def tick(self, counter: int) -> None:
        """Look every second for another certificate, and every hour whether ours should be renewed."""
        if counter % TEND_TICKS == TEND_TICKS - 1:
            try:
                self._store.tend()
            except (OSError, PdmError) as error:
                log.warning("the certificate could not be renewed: %s", error)
        if counter % CHECK_TICKS == 0:
            self.reload()

    def reload(self) -> bool:
        """Take up the certificate if its file has changed; True if it was."""
        pair = self._store.pair
        stamp = _stamp(pair)
        if stamp in (self._loaded, self._failed):
            return False
        problem = _load(_context(), pair)  # In one of its own first: a half-loaded pair would fail every handshake.
        if problem:
            self._failed = stamp
            log.error("the certificate %s is not taken up, the one before stays: %s", pair.certificate, problem)
            return False
        _load(self.context, pair)
        self._loaded, self._failed = stamp, None
        log.info("certificate taken up", extra={"file": str(pair.certificate)})
        return True


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(context: ssl.SSLContext, pair: Pair) -> str:
    """Load certificate and key; return what is wrong with them, empty for nothing."""
    try:
        context.load_cert_chain(pair.certificate, pair.key, password=_no_pass_phrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key does not belong to it. Put both files in place again."
        return f"{error.reason or error}. It must be PEM, the key without a pass phrase."
    except OSError as error:
        return f"{error.strerror}. Check the path and who may read it."
    except ValueError as error:
        return str(error)
    return ""


def _no_pass_phrase() -> str:
    """Answer OpenSSL, which would otherwise ask at the terminal and wait."""
    raise ValueError("the key is protected by a pass phrase; remove it: openssl pkey -in KEY -out PLAIN")


def _stamp(pair: Pair) -> Stamp:
    """Tell one content of the files from another."""
    found = []
    for path in (pair.certificate, pair.key):
        try:
            state = path.stat() if path else None
        except OSError:
            state = None
        found.append((state.st_mtime_ns, state.st_ino, state.st_size) if state else (0, 0, 0))
    return tuple(found)


class Redirect(asyncio.Protocol):
    """Answers every request on the plain port with the same address under HTTPS, and closes.

    What an ACME directory asks is answered there, because it asks before HTTPS has a certificate anybody trusts.
    """

    def __init__(
        self, https_port: int, later: Callable[..., asyncio.TimerHandle], challenges: Challenges | None = None
    ) -> None:
        self._https_port = https_port
        self._challenges = challenges
        self._later = later
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class.
        self._patience = self._later(HEAD_S_MAX, self._transport.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._patience.cancel()

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head or len(self._head) > HEAD_BYTES_MAX:
            answer = challenge_answer(self._head, self._challenges) if self._challenges else b""
            self._transport.write(answer or redirection(self._head, self._https_port))
            self._transport.close()


def challenge_answer(head: bytes, challenges: Challenges) -> bytes:
    """Return the answer to what an ACME directory asks; empty where it is anything else.

    Source: RFC 8555, section 8.3.
    """
    request = REQUEST.match(head)
    path = request[1].decode("ascii") if request else ""
    if not path.startswith(acme_challenges.PATH) or not head.startswith(b"GET "):
        return b""
    found = challenges.answer(path.removeprefix(acme_challenges.PATH))
    if found is None:
        return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    body = found.encode("ascii")
    head_of_answer = (
        f"HTTP/1.1 200 OK\r\ncontent-type: {acme_challenges.TYPE}\r\ncontent-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head_of_answer.encode("ascii") + body


def redirection(head: bytes, https_port: int) -> bytes:
    """Return the answer to a request; what is not clearly a name and a path is not repeated back."""
    host, request = HOST.search(head), REQUEST.match(head)
    if host is None or request is None:
        return b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    port = b"" if https_port == 443 else b":%d" % https_port
    target = b"https://" + host[1] + port + request[1]
    return (
        b"HTTP/1.1 308 Permanent Redirect\r\nlocation: "
        + target
        + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
