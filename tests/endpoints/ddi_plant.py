"""A real server for devices' firmware questions, with gateways that have keys and an image that can be loaded."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Router

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.firmware_bundles import Bundle, BundleKind
from pdm_app.endpoints.answers import Handler, nothing_here
from pdm_app.endpoints.ddi import TENANTS, Ddi, ddi_routes
from pdm_app.services.artifacts import ArtifactStore
from pdm_app.services.devices import DeviceService
from pdm_app.services.director import DirectorService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock, until
from tests.engine.rollout_plant import RolloutPlant, release

IMAGE = b"firmware of a gateway " * 50_000


@dataclass
class DdiPlant:
    """Where devices ask, and what is behind it."""

    plant: RolloutPlant
    devices: DeviceService
    address: str
    keys: dict[str, str]

    def client(self, code: str = "gw-1", key: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Return a device's client, with its own key unless another one is given."""
        token = self.keys.get(code, "") if key is None else key
        given = {"authorization": f"TargetToken {token}", **headers}
        return httpx.AsyncClient(base_url=self.base(code), headers=given, timeout=30)

    def base(self, code: str = "gw-1") -> str:
        return f"{self.address}/DEFAULT/controller/v1/{code}"

    async def offered(self, client: httpx.AsyncClient) -> dict[str, Any]:
        """Return the deployment that a device finds."""
        root = (await client.get(str(client.base_url).rstrip("/"))).json()
        found: dict[str, Any] = (await client.get(root["_links"]["deploymentBase"]["href"])).json()
        return found

    async def artifact(self, client: httpx.AsyncClient) -> str:
        """Return where the image of a device's deployment is."""
        (chunk,) = (await self.offered(client))["deployment"]["chunks"]
        (artifact,) = chunk["artifacts"]
        return str(artifact["_links"]["download-http"]["href"])


def feedback(execution: str = "closed", finished: str = "success", *details: str) -> dict[str, Any]:
    """Return what a client says of an action."""
    return {"id": "1", "status": {"execution": execution, "result": {"finished": finished}, "details": list(details)}}


@asynccontextmanager
async def ddi_plant(
    work: SqlUnitOfWork, clock: HandClock, folder: Path, image: bytes = IMAGE, poll_s: int = 300
) -> AsyncIterator[DdiPlant]:
    """Serve a plant of gateways whose release 2.4.1 has a real image."""
    plant, devices = await RolloutPlant.made(work, clock), DeviceService(work, clock)
    store = ArtifactStore(folder / "artifacts", lambda _path: Bundle(kind=BundleKind.OTHER))
    (folder / "image.swu").write_bytes(image)
    artifact = await store.take(folder / "image.swu", "gw-2.4.1.swu")
    assert artifact.sha1 == hashlib.sha1(image, usedforsecurity=False).hexdigest()
    async with work(EVERY_SITE) as w:
        await w.releases.put(release("2.4.1", artifact=artifact, revision=1))
        await w.commit()
    keys = {code: (await devices.create_key(SYSTEM, code)).secret for code in ("gw-1", "gw-2")}
    async with ddi_server(plant, devices, store, folder, poll_s=poll_s) as address:
        yield DdiPlant(plant, devices, address, keys)


@asynccontextmanager
async def ddi_server(
    plant: RolloutPlant,
    devices: DeviceService,
    store: ArtifactStore,
    folder: Path,
    listener: socket.socket | None = None,
    poll_s: int = 300,
) -> AsyncIterator[str]:
    """Serve the interface of a plant's devices, on a socket that listens already or on a free port."""
    work, clock = plant.work, plant.clock
    services: Any = SimpleNamespace(
        devices=devices, device_updates=plant.updates, device_confirmations=plant.confirmations,
        releases=SimpleNamespace(artifacts=store),
        director=DirectorService(work, clock, SecretStore(work, clock, key_ring(folder))),
    )  # fmt: skip

    def served(serve: Any) -> Handler:
        async def handler(request: Request) -> Response:
            answer: Response = await serve(request, services)
            return answer

        return handler

    ddi = Ddi(poll_s=poll_s)
    app = Starlette(routes=[
        Mount(f"/{tenant}", app=Router(ddi_routes(ddi, served, tenant), redirect_slashes=False, default=nothing_here))
        for tenant in TENANTS
    ])  # fmt: skip
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(None if listener is None else [listener]))
    try:
        await until(lambda: server.started, within_s=30)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
