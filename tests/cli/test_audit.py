"""The command `audit`: the chain of a database and of an exported file, and the grants script."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from pdm_app.cli.main import main
from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.storage.database import Database
from tests.counterparts.installation import stored_plant

Run = Callable[..., tuple[int, str, str]]
AT = Micros(1_800_000_000_000_000)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Three entries in a database of the data directory."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}"

    async def make() -> None:
        async with stored_plant(url) as work, work(EVERY_SITE) as w:
            for name in ("a", "b", "c"):
                await audit(w, SYSTEM, AT, "things.made", subject="thing", name=name, after={"name": name})
            await w.commit()

    asyncio.run(make())
    return url


def damage(url: str, statement: str) -> None:
    async def run() -> None:
        database = Database(url)
        async with database.writing("damage") as connection:
            await connection.execute(text(statement))
        await database.close()

    asyncio.run(run())


def test_a_whole_trail_is_said_to_be_whole_and_its_end_can_be_held_up_later(run: Run, url: str, tmp_path: Path) -> None:
    code, out, _ = run("audit", "verify", "--data", str(tmp_path))
    assert code == 0
    assert "whole: 3 entries" in out
    kept = out.splitlines()[-1]
    assert kept.startswith("3:")
    assert run("audit", "verify", "--anchor", kept, "--data", str(tmp_path))[0] == 0
    assert run("audit", "verify", "--anchor", f"2:{kept[2:]}", "--data", str(tmp_path))[0] == 3


def test_a_broken_trail_ends_with_a_code_of_its_own_and_names_the_entry(run: Run, url: str, tmp_path: Path) -> None:
    damage(url, "UPDATE audit_entries SET name = 'x' WHERE seq = 2")
    code, out, _ = run("audit", "verify", "--data", str(tmp_path))
    assert code == 3
    assert "broken at entry 2: its content was altered. 1 entries before are whole" in out


def test_an_export_is_verified_without_the_database(run: Run, url: str, tmp_path: Path) -> None:
    out = tmp_path / "trail.jsonl"
    assert run("audit", "export", "--out", str(out), "--data", str(tmp_path))[0] == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["things.made"] * 3 + ["audit.exported"]
    assert run("audit", "verify", "--file", str(out))[0] == 0
    out.write_text("\n".join([lines[0], lines[2], lines[3]]), encoding="utf-8")
    code, said, _ = run("audit", "verify", "--file", str(out))
    assert (code, "broken at entry 2: it is missing" in said) == (3, True)
    out.write_text('{"seq": 1}\n', encoding="utf-8")
    code, _, problem = run("audit", "verify", "--file", str(out))
    assert (code, "Line 1 of" in problem) == (1, True)
    assert run("audit", "verify", "--file", str(tmp_path / "nothing"))[0] == 1


def test_an_export_goes_to_standard_output_as_csv_too(run: Run, url: str, tmp_path: Path) -> None:
    code, out, _ = run("audit", "export", "--out", "-", "--format", "csv", "--data", str(tmp_path))
    assert code == 0
    assert len(out.strip().splitlines()) == 5
    assert run("audit", "export", "--format", "xls", "--data", str(tmp_path))[0] == 1
    assert run("audit", "export", "--out", str(tmp_path / "no" / "where"), "--data", str(tmp_path))[0] == 1


@pytest.mark.parametrize("anchor", ["3", "x:y", "0:" + "a" * 64, "3:" + "g" * 64, ":", "3:abc\n"])
def test_what_is_no_anchor_is_said_to_be_none(run: Run, anchor: str) -> None:
    code, _, problem = run("audit", "verify", "--anchor", anchor)
    assert (code, "is no anchor" in problem) == (1, True)


def test_the_grants_leave_entries_read_and_added_only(run: Run) -> None:
    code, out, _ = run("audit", "grants", "--user", "pdm", "--database", "plant")
    assert code == 0
    assert "GRANT SELECT, INSERT ON `plant`.`audit_entries` TO 'pdm'@'%';" in out
    assert "GRANT SELECT, UPDATE ON `plant`.`audit_head` TO 'pdm'@'%';" in out
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON `plant`.`samples` TO 'pdm'@'%';" in out
