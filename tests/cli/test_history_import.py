"""`history import` puts files into history: first a look, then for good, never beside a running product."""

import asyncio
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.samples import Micros
from pdm_app.storage.cold import FOLDER, ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import WallClock
from tests.storage.data import MINE, put_plant

DAY_US = 86_400_000_000
BEGIN = Micros(1_772_323_200_000_000)  # 2026-03-01T00:00:00Z.


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def prepare() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}")
        await database.migrate()
        await put_plant(SqlUnitOfWork(database), MINE, 1)
        await database.close()

    asyncio.run(prepare())
    return tmp_path


def found(data: Path) -> tuple[str, int, list[str]]:
    """Return the name of signal 1, how many samples it has in March, and what the audit trail says last."""

    async def look() -> tuple[str, int, list[str]]:
        database, clock = Database(f"sqlite+aiosqlite:///{data / 'pdm.sqlite'}"), WallClock()
        historian = SqlHistorian(database, clock, cold=ColdTier(database, data / FOLDER))
        count = await historian.count(1, BEGIN, Micros(BEGIN + 31 * DAY_US))
        async with SqlUnitOfWork(database)(EVERY_SITE) as work:
            [signal] = await work.signals.some([1])
            entries = await work.audit.page(AuditQuery())
        await database.close()
        return signal.name, count, [entry.action for entry in entries][:1]

    return asyncio.run(look())


def test_a_file_is_looked_at_and_then_put_into_place(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, _, _ = found(data)
    file = data / "old.csv"
    lines = [f"01.03.2026;{name}", *(f"{1_772_323_200 + 60 * minute};{minute},5" for minute in range(3000))]
    lines[0] = f"Zeit;{name};Bemerkung"
    body = [lines[0], *(f"{line};" for line in lines[1:]), "kaputt;1;", "1772323200;1e309;"]
    file.write_bytes(("\ufeff" + "\r\n".join(body)).encode())
    words = ["history", "import", str(file), "--decimal", ",", "--data", str(data)]
    assert main([*words, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "Would import 3,000 samples of 3,002 rows; 2 refused." in told
    assert "line 3002: its time 'kaputt' is no number" in told
    assert "line 3003:" in told
    assert found(data)[1] == 0
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "Imported 3,000 samples of 3,002 rows; 2 refused." in told
    assert "3 files of days were written; 0 samples are younger" in told
    assert found(data)[1:] == (3000, ["history.imported"])
    assert main(words) == 0
    assert "In this span 3,000 samples stood before" in capsys.readouterr().out
    assert found(data)[1] == 3000


def test_columns_are_mapped_by_hand_and_what_cannot_be_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, _, _ = found(data)
    file = data / "odd.csv"
    file.write_text("time,FT-17\n2026-03-01T00:00:00Z,1\n2026-03-01T00:01:00Z,2\n")
    words = ["history", "import", str(file), "--data", str(data)]
    assert main(words) != 0
    assert "No column of the table is a signal: time, FT-17" in capsys.readouterr().err
    assert main([*words, "--map", f"FT-17={name}"]) == 0
    assert found(data)[1] == 2
    assert main([*words, "--map", "FT-17"]) != 0
    assert "says no signal" in capsys.readouterr().err
    assert main([*words, "--zone", "Mars/Olympus", "--map", f"FT-17={name}"]) != 0
    assert "Mars/Olympus" in capsys.readouterr().err


def test_beside_a_product_that_runs_nothing_is_imported(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def hold() -> None:
        database = Database(f"sqlite+aiosqlite:///{data / 'pdm.sqlite'}")
        assert await SqlLease(database, WallClock()).acquire("product", 3600)
        await database.close()

    asyncio.run(hold())
    name, _, _ = found(data)
    file = data / "some.csv"
    file.write_text(f"time,{name}\n2026-03-01T00:00:00Z,1\n")
    assert main(["history", "import", str(file), "--data", str(data)]) != 0
    assert "The product is running" in capsys.readouterr().err
    assert found(data)[1] == 0
    assert main(["history", "import", str(file), "--dry-run", "--data", str(data)]) == 0
    assert "Would import 1 samples" in capsys.readouterr().out
