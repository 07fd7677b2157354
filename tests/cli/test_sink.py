"""The command `sink list`, on a database of its own."""

import asyncio
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.sinks import FileOptions
from tests.counterparts.installation import stored_plant
from tests.counterparts.sink_servers import sink


def test_sinks_are_listed_with_what_they_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def make() -> None:
        async with stored_plant(f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}") as work, work(EVERY_SITE) as writing:
            options = FileOptions(kind="csv", folder="copy")
            await writing.sinks.put(sink(options, pattern="P-*", begins_at=1_800_000_000_000_000, enabled=False))
            await writing.commit()

    asyncio.run(make())
    assert main(["sink", "list", "--data", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["sink-1", "pune", "Copy", "csv", "off", "P-*", "2027-01-15", "08:00"]
