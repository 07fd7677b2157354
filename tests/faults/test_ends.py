"""How the product ends: on SIGTERM in order, on a fatal error loudly, and at once where it cannot begin."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psutil
import pytest

from pdm_app.trpc.client import TrpcClient
from tests.counterparts.installation import SIGNALS
from tests.counterparts.mariadb import MariadbServer, database_on, execute
from tests.counterparts.product import RunningProduct
from tests.faults.installations import Installation, post, prepared
from tests.faults.sending import NOTHING_WRONG, difference, promised, sending, unanswered
from tests.faults.test_kill import FIRST, LAST, acknowledged, senders
from tests.faults.waiting import eventually

DRAIN_S_MAX = 10.0
DEMO_CHILDREN = 5
FATAL_EXIT = 70
TAKE_OVER_S_MAX = 20.0  # The lease of a killed holder runs for up to 15 s more.


async def test_sigterm_drains_within_ten_seconds_whoever_holds_on(
    tmp_path: Path, database_url: str, within: Callable[[float], float]
) -> None:
    installation = await prepared(tmp_path / "data", database_url)
    devices = senders(installation, Random(1))
    try:
        await installation.start()
        async with await installation.client() as olga, sending(devices, installation.url):
            watching = asyncio.create_task(watch_for_ever(olga))
            slow = await begun_call(installation)
            await acknowledged(devices, 0)
            began = time.monotonic()
            assert await installation.stop() == 0, installation.product.output
            assert time.monotonic() - began < within(DRAIN_S_MAX)
            slow.close()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        rows = await installation.stored(FIRST, LAST)
        assert difference(promised(devices), rows, unanswered(devices)) == NOTHING_WRONG, "the history has it already"
    finally:
        installation.product.kill()


async def test_ctrl_c_in_the_demo_ends_it_and_all_its_processes_in_order(
    tmp_path: Path, within: Callable[[float], float]
) -> None:
    product = RunningProduct(tmp_path / "data", "demo")
    try:
        await asyncio.to_thread(product.start)
        me = psutil.Process(product.pid)

        async def plant_runs() -> bool:
            return len(me.children(recursive=True)) >= DEMO_CHILDREN

        await eventually(plant_runs, within_s=120, what="the processes of the plant")
        everybody = [me, *me.children(recursive=True)]
        os.kill(product.pid, signal.SIGINT)
        _, left = await asyncio.to_thread(psutil.wait_procs, everybody, within(DRAIN_S_MAX))
        assert left == []
        assert product.exit_code == 0, product.output
        assert "Traceback" not in product.output + (tmp_path / "data" / "log.jsonl").read_text()
    finally:
        product.kill()


@pytest.mark.long
@pytest.mark.mariadb
async def test_sigterm_ends_within_ten_seconds_while_the_database_hangs(
    tmp_path: Path, own_mariadb_server: MariadbServer, within: Callable[[float], float]
) -> None:
    server = own_mariadb_server
    execute(server.url, "CREATE DATABASE plant CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    installation = await prepared(tmp_path / "data", database_on(server.url, "plant"))
    devices = senders(installation, Random(2))
    try:
        await installation.start()
        async with sending(devices, installation.url):
            await acknowledged(devices, 0)
            with frozen(server.pid):
                before = len(promised(devices))
                await acknowledged(devices, before)
                began = time.monotonic()
                await installation.stop()
                assert time.monotonic() - began < within(DRAIN_S_MAX)
        await installation.start()
        await asyncio.gather(*(device.send_again(installation.url) for device in devices))
        await installation.recorded_everything()
        assert difference(promised(devices), await installation.stored(FIRST, LAST)) == NOTHING_WRONG
    finally:
        installation.product.kill()


async def test_a_lost_lease_ends_the_process_with_a_code_for_the_service_manager(
    tmp_path: Path, database_url: str, within: Callable[[float], float]
) -> None:
    installation = await prepared(tmp_path / "data", database_url)
    product = installation.product
    try:
        await installation.start()
        await post(installation, SIGNALS[0].name, 1.0)
        await installation.execute(
            "UPDATE leases SET holder = 'another installation', token = token + 1, expires_at = expires_at + 3600000000"
        )
        seen: list[int] = []

        async def has_ended() -> bool:
            seen.append((await installation.health())[0])
            return product.exit_code is not None

        await eventually(has_ended, within_s=within(TAKE_OVER_S_MAX), what="the end of the process")
        assert product.exit_code == FATAL_EXIT, product.output
        assert set(seen) <= {200, 503, 0}
        assert seen[-1] == 0
        assert "Another process" in product.output
    finally:
        product.kill()


@pytest.mark.long
@pytest.mark.mariadb
async def test_a_second_product_on_one_database_waits_and_takes_over(
    tmp_path: Path, mariadb_url: str, within: Callable[[float], float]
) -> None:
    first = await prepared(tmp_path / "first", mariadb_url)
    second = Installation(
        RunningProduct(tmp_path / "second", "serve", {"PDM_DATABASE_URL": mariadb_url}),
        mariadb_url, first.device_key, first.people,
    )  # fmt: skip
    name = SIGNALS[0].name
    try:
        await first.start()
        await second.start()
        await post(first, name, 1.0)
        await first.recorded_everything()
        with pytest.raises(AssertionError, match="another process collects"):
            await post(second, name, 2.0)
        first.product.kill()
        await eventually(lambda: takes(second, name, 3.0), within_s=within(TAKE_OVER_S_MAX), what="the take-over")
        await second.recorded_everything()
        assert [value for *_, value in sorted(await second.stored(FIRST, LAST))] == [1.0, 3.0]
        assert (await second.health())[0] == 200

        await first.start()
        with pytest.raises(AssertionError, match="another process collects"):
            await post(first, name, 4.0)
        assert await first.stop() == 0
        assert await second.stop() == 0
    finally:
        first.product.kill()
        second.product.kill()


async def test_a_second_product_on_one_data_directory_says_who_holds_it(tmp_path: Path) -> None:
    installation = await prepared(tmp_path / "data")
    try:
        await installation.start()
        pid = installation.product.pid
        with pytest.raises(RuntimeError, match=f"is in use by process {pid}"):
            await asyncio.to_thread(RunningProduct(tmp_path / "data", "serve").start)
        assert (await installation.health())[0] == 200
    finally:
        installation.product.kill()


async def test_a_taken_port_is_said_before_anything_else_begins(tmp_path: Path, free_port: int) -> None:
    product = RunningProduct(tmp_path / "data", "serve")
    product.port = free_port
    with socket.create_server(("127.0.0.1", free_port)):
        with pytest.raises(RuntimeError, match=f"Port {free_port}"):
            await asyncio.to_thread(product.start)
        assert product.exit_code not in {0, None}


async def watch_for_ever(client: TrpcClient) -> None:
    """A page that stays open."""
    async for _ in client.subscribe("live.values", {"signals": [one.id for one in SIGNALS[:10]]}):
        pass


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Have a process accept connections and answer nothing during the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def begun_call(installation: Installation) -> asyncio.StreamWriter:
    """A device that stops in the middle of its call."""
    _, slow = await asyncio.open_connection("127.0.0.1", installation.product.port)
    head = f"POST /api/ingest HTTP/1.1\r\nHost: plant\r\nAuthorization: Bearer {installation.device_key}\r\n"
    slow.write(f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode())
    await slow.drain()
    return slow


async def takes(installation: Installation, name: str, value: float) -> bool:
    try:
        await post(installation, name, value)
    except AssertionError:
        return False
    return True
