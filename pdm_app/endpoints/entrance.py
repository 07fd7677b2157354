"""The outermost application: whom a request meets first.

Calls of programs go straight to the product. The front end's own layers (cross-origin headers, error pages, contexts)
take 65 µs of each request that passes them, and have nothing to say about an answer in JSON.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from pdm_app.endpoints.refusals import is_for_programs


class Entrance:
    """ASGI application in front of the product and of the front end that has the product inside.

    Attributes:
        product: Answers every address, pages included, with all checks around it.
        front_end: The front end with `product` inside; gets pages, their sockets, and start and end of the server.
    """

    def __init__(self, product: ASGIApp, front_end: ASGIApp) -> None:
        self.product = product
        self.front_end = front_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and is_for_programs(scope["path"]):
            await self.product(scope, receive, send)
        else:
            await self.front_end(scope, receive, send)
