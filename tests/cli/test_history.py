"""`history` on the command line: it tells what there is, and changes nothing beside a product that runs."""

import asyncio
import time
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.ports import Fence
from pdm_app.domain.retention import RetentionRule
from pdm_app.domain.samples import Micros
from pdm_app.storage.cold import FOLDER, ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.storage.data import MINE, NOON, batch, put_plant, ramp


def prepared(data: Path, *, holds_lease: bool) -> None:
    """Have an installation with 300 samples of a day long ago, rolled up, and a rule that keeps a week."""

    async def prepare() -> None:
        database = Database(f"sqlite+aiosqlite:///{data / 'pdm.sqlite'}")
        await database.migrate()
        work, clock = SqlUnitOfWork(database), WallClock()
        await put_plant(work, MINE, 1)
        async with work(EVERY_SITE) as transaction:
            await transaction.retention.put_rule(RetentionRule(id="week", name="A week", raw_days=7))
            await transaction.commit()
        lease = SqlLease(database, clock)
        fence = await lease.acquire("product", 3600)
        assert fence == Fence(1)
        historian = SqlHistorian(database, clock, cold=ColdTier(database, data / FOLDER))
        await historian.write([ramp(1, 0, 300), batch([(77, 2 * 86_400, 1.0)], seq=9, received_s=3 * 86_400)], fence)
        while await historian.roll_up(fence):
            pass
        if not holds_lease:
            await lease.release(fence)
        await database.close()

    assert Micros(time.time_ns() // 1000) > NOON + 30 * 86_400_000_000
    asyncio.run(prepare())


def test_it_compacts_says_what_would_go_and_deletes_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(tmp_path, holds_lease=False)
    data = ["--data", str(tmp_path)]
    assert main(["history", "compact", *data]) == 0
    assert "2025-11-20 is 2025-11-20.1.parquet" in capsys.readouterr().out
    assert main(["history", "status", *data]) == 0
    told = capsys.readouterr().out
    assert "SQLite" in told
    assert [line.split()[2] for line in told.splitlines() if line.startswith("raw ")] == ["0", "301"]
    assert main(["history", "retain", "--dry-run", *data]) == 0
    told = capsys.readouterr().out
    assert "300 rows, 1 signals" in told
    assert "Would delete" in told
    assert len(list((tmp_path / FOLDER).glob("*.parquet"))) >= 1
    assert main(["history", "retain", *data]) == 0
    assert "Deleted 300 rows; 0 that are due stay." in capsys.readouterr().out
    assert main(["history", "retain", "--dry-run", *data]) == 0
    assert "Would delete: 0 bytes, 0 rows." in capsys.readouterr().out


def test_beside_a_product_that_runs_it_only_looks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(tmp_path, holds_lease=True)
    for words in (["retain"], ["compact"]):
        assert main(["history", *words, "--data", str(tmp_path)]) == 1
        assert "The product is running" in capsys.readouterr().err
    assert main(["history", "retain", "--dry-run", "--data", str(tmp_path)]) == 0
    assert "300 rows" in capsys.readouterr().out
