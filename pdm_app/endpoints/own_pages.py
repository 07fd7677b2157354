"""Keep pages of other sites away from what a browser would open for them with this product's cookies.

The endpoints and the RPC server check the Origin themselves; this covers everything else, above all the event socket
of the front end, which accepts any origin by default. Browsers say twice who asks: ``Origin`` with whatever changes
something, ``Sec-Fetch-Site`` with every request. Programs say neither, and have no cookie that a page could borrow.
"""

import re
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from pdm_app.endpoints.answers import HttpError
from pdm_app.endpoints.refusals import is_for_programs, refusal
from pdm_app.services.origins import is_own_origin

READING = frozenset({"GET", "HEAD", "OPTIONS"})
CLOSED_PATHS = ("/_upload",)  # The front end's own upload takes posts from anybody and is not used.
ARRIVING = re.compile(r"/api/auth/oidc/[a-z0-9-]{1,24}/callback")
POLICY_VIOLATION = 1008
HEADERS = frozenset({b"origin", b"host", b"sec-fetch-site", b"cookie"})
OWN_FETCH_SITES = frozenset({"same-origin", "none"})
SECURE = frozenset({"https", "wss"})


class OwnPages:
    """ASGI middleware: refuses sockets and changing requests from foreign pages, and closes unused doors."""

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str]) -> None:
        self._app = app
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self._is_own(scope):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif scope["type"] == "http" and (error := self._fault_of(scope)) is not None:
            await refusal(scope, error)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _fault_of(self, scope: Scope) -> HttpError | None:
        if scope["path"].startswith(CLOSED_PATHS):
            return HttpError(403, "closed", "This address is closed.")
        if scope["method"] in READING and ARRIVING.fullmatch(scope["path"]):
            return None  # A provider sends a browser here, which proves by a cookie of its own that it was asked for.
        # A page of another site may read nothing here either; that its browser sends no cookie along is not relied on.
        is_guarded = scope["method"] not in READING or is_for_programs(scope["path"])
        if not is_guarded or self._is_own(scope):
            return None
        return HttpError(403, "foreign_page", "This page belongs to another site and may not send here.")

    def _is_own(self, scope: Scope) -> bool:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in HEADERS}
        origin = headers.get(b"origin")
        if origin is None:
            # Without a cookie nothing is borrowed: a link from elsewhere may lead to an address for programs.
            return b"cookie" not in headers or headers.get(b"sec-fetch-site", "none") in OWN_FETCH_SITES
        if origin in self._allowed_origins:
            return True
        if scope.get("scheme") in SECURE and not origin.startswith("https://"):
            return False  # Of the same name without TLS: anybody between could have written that page.
        return is_own_origin(origin, headers.get(b"host", ""))
