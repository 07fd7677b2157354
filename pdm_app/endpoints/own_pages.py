"""Keep pages of other sites away from what a browser would open for them with this product's cookies.

The endpoints and the RPC server check the Origin themselves; this covers everything else, above all the event socket
of the front end, which accepts any origin by default.
"""

from collections.abc import Collection

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pdm_app.services.origins import is_own_origin

READING = frozenset({"GET", "HEAD", "OPTIONS"})
CLOSED_PATHS = ("/_upload",)  # The front end's own upload takes posts from anybody and is not used.
POLICY_VIOLATION = 1008


class OwnPages:
    """ASGI middleware: refuses sockets and changing requests from foreign pages, and closes unused doors."""

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str]) -> None:
        self._app = app
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self._is_own(scope):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif scope["type"] == "http" and self._is_refused(scope):
            refusal = PlainTextResponse("This page belongs to another site and may not send here.", status_code=403)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_refused(self, scope: Scope) -> bool:
        if scope["path"].startswith(CLOSED_PATHS):
            return True
        return scope["method"] not in READING and not self._is_own(scope)

    def _is_own(self, scope: Scope) -> bool:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"origin", b"host")}
        return is_own_origin(headers.get(b"origin"), headers.get(b"host", ""), self._allowed_origins)
