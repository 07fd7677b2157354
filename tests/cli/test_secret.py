"""The command `secret`, on a database of its own."""

import asyncio
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.access import EVERY_SITE
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import KEY_FILE, key_ring
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import stored_plant

WORD = "copper lantern drifts"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    async def make() -> None:
        async with stored_plant(f"sqlite+aiosqlite:///{tmp_path / 'pdm.sqlite'}") as work, work(EVERY_SITE) as w:
            await SecretStore(work, HandClock(), key_ring(tmp_path)).keep(w, "mail.password", "smtp", WORD)
            await w.commit()

    asyncio.run(make())
    return tmp_path


def test_what_is_kept_is_listed_and_never_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secret", "list", "--data", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:3] == ["mail.password", "smtp", "all"]
    assert WORD not in out


def test_the_key_is_changed_and_what_it_sealed_still_opens(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = key_ring(folder).key_id
    assert main(["secret", "rotate-key", "--data", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("1 secrets are sealed with the new key ")
    assert key_ring(folder).key_id != before


def test_a_lost_key_is_explained_and_its_secrets_are_given_up_only_when_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / KEY_FILE).unlink()
    assert main(["secret", "rotate-key", "--data", str(folder)]) == 1
    assert "`pdm-app secret give-up`" in capsys.readouterr().err
    assert main(["secret", "give-up", "--yes", "--data", str(folder)]) == 0
    assert "deleted: mail.password smtp" in capsys.readouterr().out
    assert main(["secret", "rotate-key", "--data", str(folder)]) == 0
