"""uv is told what pip is configured to do, and is only ever a shortcut."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pdm_app.bootstrap import installer
from tests.bootstrap.conftest import MiniCheckout


def test_the_indexes_of_pip_become_those_of_uv() -> None:
    pip = {
        "index-url": "https://mirror.example/simple",
        "extra-index-url": "\nhttps://a.example/simple\nhttps://b.example/simple",
        "find-links": "/opt/wheels /opt/more",
        "timeout": "60",
    }
    assert installer.uv_settings(pip) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_FIND_LINKS": "/opt/wheels,/opt/more",
    }


def test_the_environment_overrides_what_pips_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://file.example/simple\ntrusted-host = file.example\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment.example/simple")
    monkeypatch.setattr("sys.executable", shutil.which("python3", path="/usr/bin:/usr/local/bin") or "python3")
    settings = installer.pip_settings()
    assert settings["index-url"] == "https://environment.example/simple"
    assert settings["trusted-host"] == "file.example"


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_uv_installs_from_the_place_pip_is_told_of(checkout: MiniCheckout) -> None:
    uv = Path(shutil.which("uv") or "")
    folder = checkout.home / "bin"
    folder.mkdir()
    (folder / "uv").write_text(f'#!/bin/sh\ntouch "{checkout.home}/uv-was-here"\nexec "{_real(uv)}" "$@"\n')
    (folder / "uv").chmod(0o755)
    started = checkout.run("demo", settings={"PATH": f"{folder}:/usr/bin:/bin"})
    assert json.loads(started.stdout)["tiny"] == "1.0", started.stderr
    assert (checkout.home / "uv-was-here").exists()


def test_a_uv_that_fails_is_replaced_by_pip(checkout: MiniCheckout) -> None:
    folder = checkout.home / "bin"
    folder.mkdir()
    (folder / "uv").write_text("#!/bin/sh\necho 'error: no usable index' >&2\nexit 2\n")
    (folder / "uv").chmod(0o755)
    started = checkout.run("demo", settings={"PATH": f"{folder}:/usr/bin:/bin"})
    assert json.loads(started.stdout)["tiny"] == "1.0", started.stderr
    log = (checkout.root / ".cache" / "setup.log").read_text()
    assert log.index("no usable index") < log.index("Successfully installed tiny-1.0")


def _real(uv: Path) -> Path:
    """The program itself: a version manager's stand-in would look at the test's own settings."""
    asked = (
        subprocess.run(["pyenv", "which", "uv"], capture_output=True, text=True, check=False)
        if "shims" in uv.parts
        else None
    )
    return Path(asked.stdout.strip()) if asked and asked.returncode == 0 else uv
