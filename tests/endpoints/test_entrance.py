"""Whom a request meets first."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from pdm_app.endpoints.entrance import Entrance


class Door:
    """Notes who came."""

    def __init__(self) -> None:
        self.came: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.came.append(scope.get("path", scope["type"]))


async def nothing() -> Message:
    return {"type": "http.request"}


async def nowhere(message: Message) -> None:
    return None


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("path", ["/trpc", "/trpc/alarms.active", "/api", "/api/v1/assets", "/health/live", "/metrics"])
async def test_what_is_for_programs_goes_straight_to_the_product(kind: str, path: str) -> None:
    product, front_end = Door(), Door()
    await Entrance(product, front_end)({"type": kind, "path": path}, nothing, nowhere)
    assert (product.came, front_end.came) == ([path], [])


@pytest.mark.parametrize("path", ["/", "/plant", "/_event", "/assets/a.js", "/trpcs", "/apis/v1", "*", ""])
async def test_pages_and_their_socket_go_through_the_front_end(path: str) -> None:
    product, front_end = Door(), Door()
    for kind in ("http", "websocket"):
        await Entrance(product, front_end)({"type": kind, "path": path}, nothing, nowhere)
    assert (product.came, front_end.came) == ([], [path, path])


async def test_start_and_end_of_the_server_are_the_front_ends() -> None:
    product, front_end = Door(), Door()
    await Entrance(product, front_end)({"type": "lifespan"}, nothing, nowhere)
    assert (product.came, front_end.came) == ([], ["lifespan"])
