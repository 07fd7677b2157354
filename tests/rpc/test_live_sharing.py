"""What many viewers watch is encoded once, over WebSocket and event streams alike."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
from websockets.asyncio.client import connect

from pdm_app.domain.access import Role
from pdm_app.rpc.live import _shared
from pdm_app.rpc.server import PATH
from tests.counterparts.whole_product import WholeProduct

VIEWERS = 5  # Of each kind.
FRAMES = 2
WITHIN_S = 90.0


async def over_websocket(url: str, token: str, signals: list[int]) -> AsyncIterator[Any]:
    """Yield the frames that one socket gets."""
    headers = {"authorization": f"Bearer {token}"}
    async with connect(url.replace("http", "ws", 1) + PATH, additional_headers=headers) as socket:
        call = {"id": 1, "method": "subscription", "params": {"path": "live.values", "input": {"signals": signals}}}
        await socket.send(json.dumps(call))
        async for text in socket:
            result = json.loads(text)["result"]
            if result["type"] == "data":
                yield result["data"]


async def over_event_stream(url: str, token: str, signals: list[int]) -> AsyncIterator[Any]:
    """Yield the frames that one event stream gets."""
    params = {"input": json.dumps({"signals": signals})}
    async with (
        httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=WITHIN_S) as client,
        client.stream("GET", f"{url}{PATH}/live.values", params=params) as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith('data: {"now"'):
                yield json.loads(line.removeprefix("data: "))


async def test_a_frame_is_encoded_once_for_all_viewers_of_the_same_signals(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    token = (await product.sign_in(Role.VIEWER)).access_token
    frames = product.services.live._frames
    _shared.cache_clear()
    ways = (over_websocket, over_event_stream)
    async with asyncio.timeout(WITHIN_S), AsyncExitStack() as stack:
        viewers: list[Any] = [way(product.url, token, [product.ours.signal_id]) for way in ways for _ in range(VIEWERS)]
        for viewer in viewers:
            stack.push_async_callback(viewer.aclose)
            await anext(viewer)  # The snapshot.
        assert frames.watchers == len(viewers)
        encoded, made = frames.encoded, _shared.cache_info().misses
        seen = [[(await anext(viewer))["now"] for _ in range(FRAMES)] for viewer in viewers]
        published = {now for several in seen for now in several}
        assert frames.encoded - encoded <= len(published) + 1  # One may have left since the last was read.
        assert _shared.cache_info().misses - made <= len(published) + 1
        assert len(published) < len(viewers)
