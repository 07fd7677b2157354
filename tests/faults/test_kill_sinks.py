"""kill -9 of the product while it sends copies away: what was acknowledged is in every sink.

A server keeps one of a signal and time, so there each is once. A device that was not answered sends again, which makes
it late and has it sent again: in files such a line stands twice.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.sinks import FileOptions
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.services.sinks import PURPOSE
from tests.counterparts.clocks import WallClock
from tests.counterparts.installation import P_501, PUNE, SIGNALS, opened_plant
from tests.counterparts.sink_servers import (
    FileSide,
    InfluxdbSide,
    PostgresqlSide,
    Row,
    Server,
    Side,
    influxdb,
    postgresql,
    sink,
)
from tests.faults.installations import Installation, prepared
from tests.faults.sending import NOTHING_WRONG, Sender, difference, promised, sending, unanswered
from tests.faults.test_kill import acknowledged, killed_while_it_starts, senders
from tests.faults.waiting import eventually

__all__ = ["influxdb", "postgresql"]

NUMBER_OF = {f"{P_501.code}.{one.name}": one.id for one in SIGNALS if one.asset_id == P_501.id}
SENT_S_MAX = 180.0  # A Parquet file ends after a minute, and until then nothing of it counts.


async def test_what_was_acknowledged_is_in_files_and_servers_after_kill_9(
    tmp_path: Path, sqlite_url: str, postgresql: Server
) -> None:
    sides: list[Side] = [PostgresqlSide(postgresql), file_side(tmp_path, "csv")]
    await killed_again_and_again(tmp_path, sqlite_url, sides, rounds=1, within_s=1.0)


@pytest.mark.long
async def test_what_was_acknowledged_is_in_files_and_servers_after_twenty_kills(
    tmp_path: Path, database_url: str, postgresql: Server, influxdb: Server
) -> None:
    servers: list[Side] = [PostgresqlSide(postgresql), InfluxdbSide(influxdb)]
    files = [file_side(tmp_path, kind) for kind in ("csv", "parquet")]
    await killed_again_and_again(tmp_path, database_url, [*servers, *files], rounds=20)


def file_side(tmp_path: Path, kind: str) -> FileSide:
    root = tmp_path / "data" / "sinks"
    root.mkdir(parents=True, exist_ok=True)
    return FileSide(root, FileOptions.model_validate({"kind": kind, "folder": kind, "minutes_max": 1}))


async def killed_again_and_again(
    tmp_path: Path, url: str, sides: Sequence[Side], rounds: int, within_s: float = 4.0
) -> None:
    random = Random(rounds)
    installation = await prepared(tmp_path / "data", url)
    await set_up(installation, tmp_path / "data", sides)
    devices = senders(installation, random)
    product = installation.product
    try:
        await installation.start()
        for number in range(rounds):
            async with sending(devices, installation.url):
                await acknowledged(devices, len(promised(devices)))
                await asyncio.sleep(random.uniform(0.0, within_s))  # The moment is the point here, not a condition.
                product.kill()
            if number % 5 == 4:
                await killed_while_it_starts(installation, random)
            await installation.start()
            await asyncio.gather(*(device.send_again(installation.url) for device in devices))
        for side in sides:
            await eventually(partial(has_all, side, devices), within_s=SENT_S_MAX, what=f"all in {side}")
            wrong = difference(promised(devices), samples_of(await sent(side)), unanswered(devices))
            twice = wrong["twice"] if isinstance(side, FileSide) else 0
            assert wrong == NOTHING_WRONG | {"twice": twice}, side
        assert await installation.stop() == 0
    finally:
        product.kill()


async def set_up(installation: Installation, folder: Path, sides: Sequence[Side]) -> None:
    """Put the sinks into the database of a product that does not run yet."""
    clock = WallClock()
    ring = key_ring(folder)
    async with opened_plant(installation.database_url) as opened, opened(EVERY_SITE) as work:
        store = SecretStore(opened, clock, ring)
        for number, side in enumerate(sides):
            since = clock.now() - 2 * 3600 * MICROS_PER_S
            one = sink(side.options, id=f"sink-{number}", name=f"Copy {number}", site_id=PUNE.id, begins_at=since)
            await work.sinks.put(one)
            if side.secret is not None:
                await store.keep(work, PURPOSE, one.id, side.secret, site_id=PUNE.id)
        await work.commit()


async def sent(side: Side) -> list[Row]:
    if isinstance(side, FileSide) and side.options.kind == "csv":  # What is in a part is on disk, too.
        return await asyncio.to_thread(lambda: side._rows(sorted(side.folder.glob("*.csv*"))))
    return await side.rows()


def samples_of(rows: Sequence[Row]) -> list[tuple[int, int, float]]:
    """Return what was sent by devices: what the product stamps itself when a link is lost has no value."""
    return [
        (NUMBER_OF[name], at, value) for name, at, value, _ in rows if isinstance(value, float) and name in NUMBER_OF
    ]


async def has_all(side: Side, devices: Sequence[Sender]) -> bool:
    there = {(number, at) for number, at, _ in samples_of(await sent(side))}
    return promised(devices).keys() <= there
