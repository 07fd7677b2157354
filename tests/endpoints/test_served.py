"""Ingest through a real server, intake and buffer: what is acknowledged is on disk, what is cut short is nowhere."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
import orjson
import pytest
import uvicorn
from starlette.applications import Starlette

from pdm_app.domain.access import SYSTEM
from pdm_app.domain.samples import moment
from pdm_app.endpoints.callers import HttpServices
from pdm_app.endpoints.routes import routes
from pdm_app.endpoints.wrapping import Wrapping
from pdm_app.engine.intake import Intake
from pdm_app.services.audit import AuditService
from pdm_app.services.auth import AuthService
from pdm_app.services.devices import DeviceService
from pdm_app.services.ingest import IngestService
from pdm_app.services.metrics import Metrics
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.system import SystemInfo, SystemService
from pdm_app.settings import Settings
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.installation import SIGNALS
from tests.counterparts.pumps import HasRoom, PumpRoom


@dataclass(frozen=True)
class Parts(HasRoom):
    audit: AuditService
    auth: AuthService
    devices: DeviceService
    ingest: IngestService
    room: PumpRoom
    system: SystemService


@dataclass(frozen=True)
class Server:
    port: int
    key: str
    buffer: DiskBuffer
    latest: Latest
    clock: WallClock

    def head(self, length: int) -> bytes:
        return (
            f"POST /api/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Device-Key: {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ).encode()

    async def alive(self) -> bool:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=90) as client:
            return (await client.get("/health/live")).status_code == 200


def _no_info() -> SystemInfo:
    raise NotImplementedError


@pytest.fixture
async def server(work: SqlUnitOfWork, room: PumpRoom, hasher: PasswordHasher, tmp_path: Path) -> AsyncIterator[Server]:
    clock, latest, metrics, settings = WallClock(), Latest(), Metrics(), Settings(data_dir=tmp_path / "data")
    buffer = DiskBuffer(tmp_path / "buffer.sqlite", bytes_max=10_000_000)
    parts = Parts(
        AuditService(work, clock, settings.audit.entries_warn),
        AuthService(work, clock, settings, hasher),
        DeviceService(work, clock),
        IngestService(work, Intake(SIGNALS, Bus(), latest, buffer, clock), clock, settings.ingest),
        room,
        SystemService({}, _no_info, clock),
    )
    app = Wrapping(Starlette(routes=routes(lambda: cast("HttpServices", parts), settings, metrics)), metrics)
    listener = socket.create_server(("127.0.0.1", 0))
    served = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    serving = asyncio.ensure_future(served.serve([listener]))
    await until(lambda: served.started)
    key = (await parts.devices.create_key(SYSTEM, "dev-p-501")).secret
    yield Server(listener.getsockname()[1], key, buffer, latest, clock)
    served.should_exit = True
    await serving
    await buffer.close()


async def test_what_is_acknowledged_is_on_disk_and_on_screen(server: Server) -> None:
    samples = [
        {"signal": "Vibration_mm_s", "value": 2.0 + number, "source_at": server.clock.now() - 1000 + number}
        for number in range(100)
    ]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=90) as device:
        response = await device.post(
            "/api/ingest", json={"samples": samples}, headers={"authorization": f"Bearer {server.key}"}
        )
    assert response.json()["kept"] == 100
    (batch,) = await server.buffer.read(0, 1000)
    assert batch.value.tolist() == [sample["value"] for sample in samples]
    newest = server.latest.sample(44)
    assert newest is not None
    assert newest.value == 101.0


async def test_a_connection_that_breaks_within_a_body_leaves_nothing(server: Server) -> None:
    at = moment(server.clock.now()).isoformat()
    body = orjson.dumps({"samples": [{"signal": "Vibration_mm_s", "value": 2.5, "source_at": at}]})
    for length in (0, 1, len(body) // 2, len(body) - 1):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(server.head(len(body)) + body[:length])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""
    assert await server.alive()
    assert server.buffer.depth == 0


async def test_a_body_longer_than_announced_is_refused_and_the_server_serves_on(server: Server) -> None:
    at = moment(server.clock.now()).isoformat()
    body = orjson.dumps({"samples": [{"signal": "Vibration_mm_s", "value": 2.5, "source_at": at}]})
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(server.head(len(body)) + body + b"garbage\r\n\r\n")
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400")
    assert await server.alive()


async def test_a_sender_without_a_key_is_refused_before_it_sends_its_body(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = server.head(1_000_000).replace(server.key.encode(), b"none")
    writer.write(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    await writer.drain()
    line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    await writer.wait_closed()
    assert line.startswith(b"HTTP/1.1 401")
