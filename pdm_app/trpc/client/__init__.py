"""Clients in Python, asynchronous and blocking; ``python_client`` writes a typed one for a given router.

The modules of this package need httpx and websockets and nothing else of this program: a generated client carries them
along. ``TrpcClient`` is for programs that have the models at hand::

    async with TrpcClient("http://127.0.0.1:8000/trpc", headers={"authorization": f"Bearer {token}"}) as client:
        asset = await client.query("assets.by_id", "P-101A", result=Asset)
        async with aclosing(client.subscribe("assets.state", result=AssetState)) as events:
            async for event in events:
                ...

Tracked events arrive as ``Tracked(id, data)``. A lost connection is opened again with capped, jittered back-off, and
every live subscription goes on after its last id; calls are never repeated by themselves.
"""

from pdm_app.trpc.client.errors import RpcConnectionError as TrpcConnectionError
from pdm_app.trpc.client.validating import TrpcClient

__all__ = ["TrpcClient", "TrpcConnectionError"]
