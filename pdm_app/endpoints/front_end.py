"""Serve the compiled pages under their own addresses at once, and let browsers keep what never changes.

The static file server of the front end answers `/plant` with a redirect to `/plant/`; a page a second away does not
need another round trip. Files under `/assets/` carry their content's hash in their name.
"""

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pdm_app.endpoints.content_policy import ContentPolicy

FOREVER = (b"cache-control", b"public, max-age=31536000, immutable")
ASK_AGAIN = (b"cache-control", b"no-cache")
OK = 200


class FrontEnd:
    """ASGI middleware around the compiled front end.

    Args:
        app: Serves the files and the event socket.
        pages: Addresses of the pages that have a file of their own, such as ``/plant``.
        policy: What the pages may load and run.
    """

    def __init__(self, app: ASGIApp, pages: Collection[str], policy: ContentPolicy) -> None:
        self._app = app
        self._policy = policy
        self._file_of = {page: f"{page}.html" for page in pages if page != "/"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        caching = FOREVER if path.startswith("/assets/") else ASK_AGAIN
        file = self._file_of.get(path.rstrip("/") or "/")
        if file is not None:
            scope = {**scope, "path": file, "raw_path": file.encode()}
        policy = (b"content-security-policy", self._policy.of("/index.html" if path == "/" else file or path))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [policy, caching] if message["status"] == OK else [policy]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        await self._app(scope, receive, send_with_headers)
