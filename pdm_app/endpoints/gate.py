"""What every request must pass before anything of the product looks at it: size of the head, and rate of the caller.

Callers are counted by address, and once more by the credential they send (session cookie, bearer token, device key), so
that many people behind one address do not starve because of one of them, and one stolen key is not quicker from many
addresses. Whoever sits at this machine is not counted by address. A WebSocket counts once, when it opens.
"""

import logging
from hashlib import blake2b
from http.cookies import CookieError, SimpleCookie

from starlette.types import ASGIApp, Receive, Scope, Send

from pdm_app.domain.ports import Clock
from pdm_app.endpoints.answers import HttpError
from pdm_app.endpoints.callers import ACCESS_COOKIE, DEVICE_KEY_HEADER, FORWARDING_HEADERS
from pdm_app.endpoints.refusals import head_bytes, refusal, url_bytes
from pdm_app.services.origins import is_loopback, network_of
from pdm_app.services.rates import Rate
from pdm_app.settings import HttpSettings

log = logging.getLogger(__name__)

TRY_AGAIN_LATER = 1013
KEY_HEADERS = (b"authorization", DEVICE_KEY_HEADER.encode())
COOKIE = ACCESS_COOKIE.encode()
FORWARDING = frozenset(name.encode() for name in FORWARDING_HEADERS)


class Gate:
    """ASGI middleware: 414 and 431 for too long a head, 429 with Retry-After for too many calls.

    Attributes:
        refused_total: Requests refused for their rate, for the metrics.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings, clock: Clock) -> None:
        self._app = app
        self._per_address = Rate(clock, settings.address_per_minute)
        self._per_credential = Rate(clock, settings.credential_per_minute)
        self.apply(settings)
        self._warned = False
        self.refused_total = 0

    def apply(self, settings: HttpSettings) -> None:
        """Go by these settings from the next request on."""
        self._settings = settings
        self._per_address.limit(settings.address_per_minute)
        self._per_credential.limit(settings.credential_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        error = self._fault_of(scope)
        if error is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": error.message[:120]})
        else:
            await refusal(scope, error)(scope, receive, send)

    def _fault_of(self, scope: Scope) -> HttpError | None:
        url_max, head_max = self._settings.url_bytes_max, self._settings.head_bytes_max
        if url_bytes(scope) > url_max:
            return HttpError(414, "url_too_long", f"The address is longer than {url_max} bytes. Send a body instead.")
        if head_bytes(scope) > head_max:
            return HttpError(431, "headers_too_long", f"The headers are longer than {head_max} bytes. Clear cookies.")
        wait_s = self._wait(scope)
        if not wait_s:
            return None
        self.refused_total += 1
        return HttpError(
            429,
            "too_many_requests",
            f"Too many calls in a short time. Try again in {wait_s} s, and spread calls or put several into one.",
            Retry_After=str(wait_s),
        )

    def _wait(self, scope: Scope) -> int:
        client = scope.get("client")
        address = client[0] if client else ""
        if is_loopback(address):
            self._warn_of_proxy(scope, address)
            wait_s = 0
        else:
            wait_s = self._per_address.take(network_of(address))
        credential = credential_of(scope)
        return wait_s or (self._per_credential.take(credential) if credential else 0)

    def _warn_of_proxy(self, scope: Scope, address: str) -> None:
        """Say once that a proxy hides who calls: everybody then looks like somebody at this machine."""
        if not self._warned and any(name in FORWARDING for name, _ in scope["headers"]):
            self._warned = True
            log.warning(
                "a proxy at %s forwards requests but is not trusted; name it in PDM_HTTP__TRUSTED_PROXIES so that "
                "callers are told apart and limits hold for each of them",
                address,
            )


def credential_of(scope: Scope) -> str:
    """Return a digest of what the caller shows, empty for nothing; it is not looked at whether it is any good."""
    found = b""
    for name, value in scope["headers"]:
        if name in KEY_HEADERS:
            found = value
            break
        if name == b"cookie" and COOKIE in value:
            found = _cookie(value)
    return blake2b(found, digest_size=16).hexdigest() if found else ""


def _cookie(header: bytes) -> bytes:
    try:
        morsel = SimpleCookie(header.decode("latin-1")).get(ACCESS_COOKIE)
    except CookieError:
        return b""
    return morsel.value.encode("latin-1", "replace") if morsel else b""
