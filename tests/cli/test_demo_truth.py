"""`demo truth` on the command line: from a data directory alone, for people and for programs."""

import json
from pathlib import Path

import pytest

from pdm_app.cli.main import main
from pdm_app.domain.samples import Micros
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.labels import write_labels

SINCE = Micros(1_795_267_249_940_791)  # 2026-11-21 13:20:49 UTC.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_labels(tmp_path, labels_at_start(None, SINCE))
    return tmp_path


def test_it_is_read_by_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "truth", "--data", str(folder), "--at", "2026-11-21T13:20:50Z", "--asset", "P-101A"]) == 0
    said = capsys.readouterr().out
    assert "bearing_wear" in said
    assert "70.4%" in said
    assert "Remaining life of the bearing of P-101A: 8.00 d" in said


def test_it_is_read_by_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["demo", "truth", "--data", str(folder), "--at", "2026-11-21T14:20:50+01:00", "--asset", "C-42", "--json"]
    assert main(words) == 0
    plant = json.loads(capsys.readouterr().out)
    [machine] = plant["machines"]
    assert machine["asset_code"] == "C-42"
    assert machine["shift"]["good"] <= machine["shift"]["made"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "yesterday"], "is no moment with a time zone"),
        (["--at", "2026-11-21T13:20:50"], "is no moment with a time zone"),
        (["--asset", "X-1"], "has no machine X-1"),
    ],
)
def test_what_cannot_be_told_says_why(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "truth", "--data", str(folder), *words]) == 1
    assert said in capsys.readouterr().err


def test_a_directory_without_a_plant_says_how_to_get_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "truth", "--data", str(tmp_path)]) == 1
    assert "There is no demo plant in" in capsys.readouterr().err
