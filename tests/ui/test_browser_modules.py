"""The browser's own modules, run by Node: formatting, messages, and what needs no screen."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROWSER_TESTS = sorted((ROOT / "tests" / "ui" / "browser").glob("*.test.mjs"))


def node() -> str:
    """Return the Node of the environment, else that of the machine."""
    beside = ROOT / ".venv" / "bin" / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        pytest.skip("needs Node, which the build lock brings")
    return found


@pytest.mark.parametrize("script", BROWSER_TESTS, ids=lambda script: script.stem)
def test_browser_modules_hold_in_node(script: Path) -> None:
    done = subprocess.run(
        [node(), "--no-warnings", "--test", str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
