"""The whole product inside the test's own process: it starts, serves, and leaves nothing behind."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from pdm_app.domain.access import SYSTEM
from pdm_app.domain.connections import ConnectionState
from pdm_app.domain.errors import FencedError, UnavailableError
from pdm_app.domain.history import HistoryQuery
from pdm_app.domain.pumps import PUMP_KEYS
from pdm_app.runtime import BUFFER_FILE, Product, running
from pdm_app.services.connections import ConnectionView
from pdm_app.services.metrics import Metrics
from pdm_app.settings import Settings
from tests.counterparts.clocks import WallClock, until
from tests.counterparts.installation import PUMP, SIGNALS, stored_plant
from tests.faults.installations import interfere
from tests.faults.waiting import eventually

LIVE_S_MAX = 60.0
FENCED_S_MAX = 60.0
SIGNAL = next(one for one in SIGNALS if one.name == PUMP_KEYS[0])


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path / "data", database_url=database_url)


@asynccontextmanager
async def leaving_nothing_behind() -> AsyncIterator[None]:
    """Check that the block ends every task, thread and child process that it began."""
    tasks, threads, me = asyncio.all_tasks(), set(threading.enumerate()), psutil.Process()
    children = set(me.children(recursive=True))
    yield
    await until(lambda: asyncio.all_tasks() == tasks)
    await until(lambda: set(me.children(recursive=True)) == children)
    await until(lambda: not (threads_of_its_own() - threads))


def threads_of_its_own() -> set[threading.Thread]:
    """Every thread but those of the loop's own pool, which keeps them for the next one who asks."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


def fail(child: str, error: BaseException) -> None:
    pytest.fail(f"{child} ended the product: {error}")


async def test_it_takes_samples_answers_from_history_and_leaves_nothing_behind(settings: Settings) -> None:
    async with stored_plant(settings.database_url):
        pass
    async with leaving_nothing_behind():
        async with running(settings, on_fatal=fail) as product:
            key = await product.services.devices.create_key(SYSTEM, PUMP.id)
            pump = await product.services.devices.actor_of_key(key.secret)
            at = WallClock().now()
            samples = [
                {"signal": SIGNAL.name, "value": float(number), "source_at": at - 1_000 * number} for number in range(3)
            ]
            assert (await product.services.ingest.take(pump, {"samples": samples})).kept == 3
            assert (await product.services.system.health()).ready
        async with running(settings, on_fatal=fail) as product:
            query = HistoryQuery(signals=(SIGNAL.id,), start_at=at - 10_000, end_at=at + 1)
            [envelope] = (await product.services.history.envelope(SYSTEM, query)).series
            assert envelope.last == [2.0, 1.0, 0.0], "what the first run was given was recorded before it ended"
            await eventually(lambda: is_drained(product), within_s=120, what="a buffer that everybody has confirmed")


async def test_the_demo_delivers_on_all_protocols_and_ends_its_children(tmp_path: Path) -> None:
    metrics = Metrics()
    async with leaving_nothing_behind():
        async with running(Settings(data_dir=tmp_path, demo=True), metrics=metrics, on_fatal=fail) as product:
            views: list[ConnectionView] = []

            async def all_online() -> bool:
                views[:] = await product.services.connections.all(SYSTEM)
                return {view.status.state for view in views} == {ConnectionState.ONLINE}

            await eventually(all_online, within_s=LIVE_S_MAX, what="every connection stands")
            assert len(views) == 6
            assert len(psutil.Process().children(recursive=True)) >= 5
            assert b"sensor_readings_total" in metrics.page()
        assert b"sensor_readings_total" not in metrics.page(), "figures of a product that has ended are gone"


async def test_a_database_that_is_away_stops_the_start_and_nothing_is_left(tmp_path: Path, free_port: int) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"mysql+asyncmy://root@127.0.0.1:{free_port}/plant")
    async with leaving_nothing_behind():
        with pytest.raises(UnavailableError, match=str(free_port)):
            async with running(settings, on_fatal=fail):
                pytest.fail("it cannot run without its database")
    assert not (tmp_path / BUFFER_FILE).exists()


async def test_a_lost_lease_is_fatal_and_still_ends_in_order(settings: Settings) -> None:
    ended: dict[str, BaseException] = {}
    async with leaving_nothing_behind(), running(settings, on_fatal=ended.__setitem__) as product:
        await eventually(lambda: leads(product), within_s=FENCED_S_MAX, what="the lease")
        await interfere(
            settings.database_url,
            "UPDATE leases SET holder = 'another', token = token + 1, expires_at = expires_at + 3600000000",
        )
        await until(lambda: ended, within_s=FENCED_S_MAX)
    [error] = ended.values()
    assert isinstance(error, FencedError)


async def is_drained(product: Product) -> bool:
    return (await product.services.system.info(SYSTEM)).buffer_samples == 0


async def leads(product: Product) -> bool:
    return any(check.ok for check in (await product.services.system.health()).checks if check.name == "lease")


async def test_what_a_block_raises_comes_out_as_it_is(settings: Settings) -> None:
    async with leaving_nothing_behind():
        with pytest.raises(ZeroDivisionError):
            async with running(settings, on_fatal=fail):
                raise ZeroDivisionError
