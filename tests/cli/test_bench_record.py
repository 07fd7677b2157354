"""`bench record`: every offered sample is counted in the database afterwards, on SQLite and on MariaDB."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pdm_app.cli.bench.mariadb import find_mariadbd
from pdm_app.cli.bench.processes import child
from pdm_app.cli.bench.record import MODULE, Recorded, bench_record
from pdm_app.cli.bench.recording import BEGIN_AT, batches
from pdm_app.cli.bench.tables import Tables
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.storage.database import Database

SECONDS = 1.0


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    before = set(psutil.Process().children(recursive=True))
    yield
    assert set(psutil.Process().children(recursive=True)) <= before


def test_each_batch_is_one_second_of_the_plant() -> None:
    source = batches(1000)
    first, second = next(source), next(source)
    assert len(first) == len(second) == 1000
    assert set(first.source_at.tolist()) == {BEGIN_AT}
    assert set(second.source_at.tolist()) == {BEGIN_AT + MICROS_PER_S}
    assert first.value.tolist() != second.value.tolist()


async def test_what_was_offered_is_stored_and_rolled_up(sqlite_url: str, tmp_path: Path) -> None:
    configuration = {"database_url": sqlite_url, "folder": str(tmp_path), "signals": 1000}
    async with child("recording", MODULE, configuration, tmp_path) as process:
        await process.hear(60)
        found = Recorded(**await process.ask(120, what="record", seconds=SECONDS), usage={})
        again = Recorded(**await process.ask(120, what="replay", seconds=SECONDS), usage={})
        outage = Recorded(**await process.ask(120, what="outage", seconds=SECONDS), usage={})
        plain = Recorded(**await process.ask(120, what="plain", seconds=SECONDS), usage={})
    assert found.offered == found.stored > 1_000
    assert found.rolled_up == found.rolled_up_due > 0
    assert found.bytes / found.stored > 20
    assert again.offered == again.stored > 0, "what is written again adds no row"
    assert outage.offered == outage.stored >= SECONDS * 50_000, "what waited in the buffer is new"
    assert plain.offered == plain.stored > 0
    database = Database(sqlite_url)
    assert await Tables(database).count("latest") == 1000
    await database.close()


@pytest.mark.long
async def test_both_databases_are_reported(need: Callable[[str, object], None], no_process_is_left: None) -> None:
    need("mariadb-server", find_mariadbd())
    report = await bench_record(SECONDS, "")
    figures = {figure.name: figure for figure in report.figures}
    for label in ("SQLite", "MariaDB"):
        assert figures[f"stored of those offered, {label}"].value == 100
        assert figures[f"recorded, {label}"].value
        assert figures[f"recorded, {label}"].peer
        assert figures[f"disk, {label}"].value
    assert figures["recorded, MariaDB"].must == 10_000
    assert figures["written again, MariaDB"].must == figures["caught up after an outage, MariaDB"].must == 50_000
    assert figures["stored after an outage, MariaDB"].value == 100
    assert figures["recorder, MariaDB"].value
    assert figures["CPU of the server, MariaDB"].value


@pytest.mark.long
@pytest.mark.mariadb
async def test_a_database_of_ones_own_is_left_empty(mariadb_url: str) -> None:
    report = await bench_record(SECONDS, mariadb_url)
    figures = {figure.name: figure.value for figure in report.figures}
    assert figures["stored of those offered, MariaDB"] == 100
    assert "CPU of the server, MariaDB" not in figures, "it may run on another machine"
    database = Database(mariadb_url)
    assert await Tables(database).is_empty()
    await database.close()


@pytest.mark.mariadb
async def test_a_database_that_holds_anything_is_refused_and_left_alone(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    await database.migrate()
    with pytest.raises(InvalidInputError, match="Give an empty one"):
        await bench_record(SECONDS, mariadb_url)
    assert await Tables(database).count("samples") == 0
    await database.close()


async def test_a_cancelled_benchmark_leaves_no_process(no_process_is_left: None) -> None:
    before = set(psutil.Process().children(recursive=True))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        running = group.create_task(bench_record(60.0, ""))
        while set(psutil.Process().children(recursive=True)) <= before:  # noqa: ASYNC110 - the system tells nobody.
            await asyncio.sleep(0.05)
        running.cancel()
    assert running.cancelled()
