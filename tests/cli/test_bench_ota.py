"""`bench ota`: a small fleet that asks the served product, and loads from it, while viewers watch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pdm_app.cli.bench.processes import clean_environment

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 300.0  # The front end may have to be compiled first.


@pytest.mark.long
def test_devices_are_answered_and_load_and_all_figures_are_there(tmp_path: Path) -> None:
    words = ["--seconds", "3", "--devices", "40", "--loads", "5", "--poll-s", "2", "--image-bytes", "200000"]
    done = subprocess.run(
        [sys.executable, "-m", "pdm_app", "bench", "ota", *words, "--json", str(tmp_path / "ota.json")],
        cwd=ROOT, env=clean_environment({}), capture_output=True, text=True, timeout=START_S_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "ota.json").read_text())
    figures = {figure["name"]: figure for figure in report["figures"]}
    assert figures["a device asks, p95"]["value"] > 0
    assert figures["a device asks, p95"]["must"] is None, "bounds hold for their own load only"
    assert figures["questions and downloads refused"]["value"] == 0
    assert figures["downloads at once"]["value"] > 0
    assert figures["loaded"]["value"] > 0
    assert figures["loaded"]["peer"] == 0
    assert figures["device to viewer meanwhile, p95"]["value"] > 0
