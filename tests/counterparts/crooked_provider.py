"""A provider that says what a test has it say: the attacks that a good one never makes."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "pdm"
FORM = "application/json"


@cache
def good_key() -> rsa.RSAPrivateKey:
    """Make the key of all providers here; making one takes a quarter of a second."""
    return rsa.generate_private_key(65537, 2048)


@dataclass
class CrookedProvider:
    """What it answers at which path; change anything.

    Attributes:
        issuer: Its own address.
        answers: By path: status and JSON, or bytes.
        asked: Paths it was asked for.
    """

    issuer: str
    key: rsa.RSAPrivateKey = field(default_factory=good_key)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers["/.well-known/openid-configuration"] = (200, self.description())
        self.answers["/keys"] = (200, {"keys": [self.public(self.key)]})

    def description(self, **more: Any) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **more,
        }

    def describe(self, **more: Any) -> None:
        self.answers["/.well-known/openid-configuration"] = (200, self.description(**more))

    @staticmethod
    def public(key: rsa.RSAPrivateKey, **more: Any) -> dict[str, Any]:
        told: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {**told, "kid": "k1", "use": "sig", **more}

    def claims(self, **more: Any) -> dict[str, Any]:
        """Claims that are good, but for ``more``; None leaves one out."""
        now = int(time.time())
        good = {"iss": self.issuer, "aud": CLIENT, "sub": "mallory", "iat": now, "exp": now + 300, "nonce": "nonce-1"}
        return {name: value for name, value in {**good, **more}.items() if value is not None}

    def signed(self, claims: Mapping[str, Any], algorithm: str = "RS256", key: Any = None, **headers: Any) -> str:
        chosen = self.key if key is None else key
        return jwt.encode(dict(claims), chosen, algorithm=algorithm, headers={"kid": "k1", **headers})

    def hand_over(self, token: str, **more: Any) -> None:
        self.answers["/token"] = (200, {"access_token": "access", "token_type": "Bearer", "id_token": token, **more})


@contextmanager
def crooked_provider() -> Iterator[CrookedProvider]:
    """A provider on loopback, without TLS, which is taken there alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path.partition("?")[0]
            provider.asked.append(path)
            status, told = provider.answers.get(path, (404, {}))
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", FORM)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider = CrookedProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
