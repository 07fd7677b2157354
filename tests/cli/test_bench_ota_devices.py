"""The fleet of `bench ota` asks a real server of devices, each with its own key, and loads from it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.cli.bench.ota_devices import Fleet, loader, poll, summary
from pdm_app.cli.bench.ota_fleet import IMAGE, install_fleet
from pdm_app.documents.firmware_bundles import bundle_of
from pdm_app.services.artifacts import FOLDER, ArtifactStore
from pdm_app.services.devices import DeviceService
from pdm_app.storage.lease import SqlLease
from tests.counterparts.clocks import HandClock, until
from tests.counterparts.installation import stored_plant
from tests.endpoints.ddi_plant import ddi_server
from tests.engine.rollout_plant import RolloutPlant


@pytest.fixture
async def fleet(sqlite_url: str, tmp_path: Path) -> AsyncIterator[tuple[Fleet, list[tuple[str, str]]]]:
    clock = HandClock()
    async with stored_plant(sqlite_url) as work:
        keys = await install_fleet(3, 1, 50_000, tmp_path, sqlite_url, "pune", clock)
        fence = await SqlLease(work._database, clock).acquire("tests", 86_400)
        assert fence is not None
        store = ArtifactStore(tmp_path / FOLDER, bundle_of)
        plant = RolloutPlant(work, clock, fence)
        async with ddi_server(plant, DeviceService(work, clock), store, tmp_path) as address:
            host, _, port = address.removeprefix("http://").partition(":")
            paths = [(f"/DEFAULT/controller/v1/{code}", secret) for code, secret in keys]
            yield Fleet(host, int(port), is_measuring=True), paths


async def test_each_device_asks_with_its_own_key_and_what_is_refused_is_counted(
    fleet: tuple[Fleet, list[tuple[str, str]]],
) -> None:
    measured, devices = fleet
    bodies = [await poll(measured, path, token) for path, token in devices]
    assert [b"deploymentBase" in body for body in bodies] == [True, False, False]
    assert await poll(measured, devices[0][0], devices[1][1]) == b""
    told = summary(measured, 2.0)
    assert (told["polls_per_s"], told["failed"], told["polls"]["count"]) == (2.0, 1, 4)


async def test_an_image_is_loaded_again_and_again(fleet: tuple[Fleet, list[tuple[str, str]]]) -> None:
    measured, devices = fleet
    path, token = devices[0]
    loading = asyncio.create_task(loader(measured, f"{path}/{IMAGE}", token, 1e9))
    await until(lambda: measured.loaded_bytes > 100_000)
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    assert measured.failed == 0
