"""`demo waveform` on the command line: the lines of a spectrum for people, all samples for programs."""

import csv
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.samples import Micros
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.labels import write_labels

SINCE = Micros(1_795_267_249_940_791)  # 2026-11-21 13:20:49 UTC.
AT = "2026-11-21T13:20:50Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_labels(tmp_path, labels_at_start(None, SINCE))
    return tmp_path


def test_it_says_which_lines_stand_out_and_keeps_all_samples(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = folder / "window.csv"
    assert main(["demo", "waveform", "P-101A", "--data", str(folder), "--at", AT, "--out", str(kept)]) == 0
    said = capsys.readouterr().out
    assert "envelope, balls past the outer race" in said
    assert "75.1 Hz" in said or "75.2 Hz" in said
    with kept.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8192
    assert float(rows[-1]["time_s"]) == pytest.approx(8191 / 20_480, abs=1e-6)


def test_a_pump_that_stands_has_no_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "waveform", "P-101B", "--data", str(folder), "--at", AT]) == 0
    assert "speed" not in capsys.readouterr().out


def test_what_cannot_be_told_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "waveform", "C-42", "--data", str(folder), "--at", AT]) == 1
    assert "No accelerometer is at" in capsys.readouterr().err
    assert main(["demo", "waveform", "P-101A", "--data", str(folder / "none")]) == 1
    assert "There is no demo plant" in capsys.readouterr().err
    lost = folder / "none" / "window.csv"
    assert main(["demo", "waveform", "P-101A", "--data", str(folder), "--at", AT, "--out", str(lost)]) == 1
    assert "Give --out another file" in capsys.readouterr().err
