"""The commands `ml`, on tables of a made-up machine."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pdm_app.cli.main import main
from pdm_app.domain.samples import F8
from tests.inference.plants import SIGNALS, usual, with_fault

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def table(path: Path, rows: F8, separator: str = ",", label: bool = False) -> Path:
    """Write rows, a second apart, in the way of public data sets."""
    lines = [separator.join(["datetime", *SIGNALS, *(["anomaly"] if label else [])])]
    for place, row in enumerate(rows):
        at = (NOON + timedelta(seconds=place)).strftime("%Y-%m-%d %H:%M:%S")
        lines.append(separator.join([at, *(f"{value:.6f}" for value in row), *(["0.0"] if label else [])]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def scored(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_table_is_scored_behind_the_rows_it_is_learned_from(tmp_path: Path, separator: str) -> None:
    source = table(tmp_path / "in.csv", with_fault(usual(800), 600, 700, 1, 1.0), separator, label=True)
    out = tmp_path / "out.csv"
    assert main(["ml", "score", str(source), str(out), "--fit-rows", "500"]) == 0
    rows = scored(out)
    assert [int(row["row"]) for row in rows] == list(range(500, 800))
    assert list(rows[0]) == ["row", "score", "anomaly", "confidence", *(f"share_{name}" for name in SIGNALS)]
    assert {row["anomaly"] for row in rows[:90]} == {"0"}
    assert {row["anomaly"] for row in rows[130:200]} == {"1"}
    assert max(SIGNALS, key=lambda name: float(rows[150][f"share_{name}"])) == "pressure"


def test_four_hundred_rows_are_learned_from_when_nothing_is_said(tmp_path: Path) -> None:
    source = table(tmp_path / "in.csv", usual(450))
    assert main(["ml", "score", str(source), str(tmp_path / "out.csv")]) == 0
    assert scored(tmp_path / "out.csv")[0]["row"] == "400"


def test_a_table_cut_short_has_the_same_lines(tmp_path: Path) -> None:
    rows = with_fault(usual(700), 500, 600, 0, 9.0)
    texts = []
    for name, kept in (("whole", 700), ("cut", 543)):
        source = table(tmp_path / f"{name}.csv", rows[:kept])
        assert main(["ml", "score", str(source), str(tmp_path / f"{name}.out")]) == 0
        texts.append((tmp_path / f"{name}.out").read_text(encoding="utf-8").splitlines())
    assert texts[1] == texts[0][: len(texts[1])]
    assert len(texts[1]) == 144


def test_a_model_that_was_trained_scores_every_row_of_another_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    normal = table(tmp_path / "normal.csv", usual(600))
    later = table(tmp_path / "later.csv", with_fault(usual(200, seed=2), 100, 200, 3, 1.0))
    assert main(["ml", "train", str(normal), str(tmp_path / "pump.pdm"), "--detector", "pca"]) == 0
    assert main(["ml", "show", str(tmp_path / "pump.pdm")]) == 0
    assert "pump: pca, 4 signals, windows of 20 rows of 1 s" in capsys.readouterr().out
    assert main(["ml", "score", str(later), str(tmp_path / "a.csv"), "--model", str(tmp_path / "pump.pdm")]) == 0
    assert main(["ml", "score", str(later), str(tmp_path / "b.csv"), "--fit", str(normal), "--detector", "pca"]) == 0
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    assert len(scored(tmp_path / "a.csv")) == 200
    assert main(["ml", "export", str(tmp_path / "pump.pdm"), str(tmp_path / "parts")]) == 0
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {"graph.onnx", "card.json"}


def test_the_past_is_replayed_at_seven_thresholds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    normal = table(tmp_path / "normal.csv", usual(600))
    assert main(["ml", "train", str(normal), str(tmp_path / "a.pdm")]) == 0
    past = table(tmp_path / "past.csv", with_fault(usual(600, seed=2), 400, 500, 1, 1.0), label=True)
    lines = past.read_text(encoding="utf-8").splitlines()
    for place in range(401, 501):
        lines[place] = lines[place][:-3] + "1.0"
    past.write_text("\n".join(lines), encoding="utf-8")
    capsys.readouterr()
    assert main(["ml", "backtest", str(past), str(tmp_path / "a.pdm"), "--label", "anomaly"]) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [line[0] for line in told] == ["0.61", "0.78", "1.00", "1.28", "1.65", "2.72", "4.48"]
    in_force = told[2]
    assert in_force[4:6] == ["1", "0"]
    assert 80 <= float(in_force[6]) <= 100
    false = [int(line[2]) for line in told]
    assert false[0] >= false[2] >= false[-1]


def test_somebody_elses_graph_comes_in_and_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    normal = table(tmp_path / "normal.csv", usual(600))
    assert main(["ml", "train", str(normal), str(tmp_path / "a.pdm"), "--detector", "ewma"]) == 0
    assert main(["ml", "export", str(tmp_path / "a.pdm"), str(tmp_path)]) == 0
    assert main(["ml", "import", str(tmp_path / "graph.onnx"), str(normal), str(tmp_path / "b.pdm")]) == 0
    assert "b: foreign, 4 signals, windows of 40 rows" in capsys.readouterr().out
    later = table(tmp_path / "later.csv", with_fault(usual(300, seed=2), 200, 300, 3, 1.0))
    assert main(["ml", "score", str(later), str(tmp_path / "out.csv"), "--model", str(tmp_path / "b.pdm")]) == 0
    assert {row["anomaly"] for row in scored(tmp_path / "out.csv")[250:]} == {"1"}
    (tmp_path / "bad.onnx").write_bytes((tmp_path / "graph.onnx").read_bytes()[:500])
    assert main(["ml", "import", str(tmp_path / "bad.onnx"), str(normal), str(tmp_path / "c.pdm")]) == 1
    assert "pdm_app: The " in capsys.readouterr().err
    assert not (tmp_path / "c.pdm").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "needs a line of column names"),
        ("datetime,a\n", "needs a line of column names"),
        ("a,b\n1,2\n3,4\n", "no column of times"),
        ("datetime,name\n2026-03-09 10:00:00,x\n", "no column of numbers"),
        ("datetime,a\n2026-03-09 10:00:00,1,2\n", "line 2: 3 cells under 2 column names"),
        ("datetime,a,a\n2026-03-09 10:00:00,1,2\n", "two columns of one name"),
        ("datetime,a\n2026-03-09 10:00:00,1\n2026-03-09 10:00:01,2\n", "400 are to be learned from"),
        ("\0\1\2", "binary data"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_reason(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    assert main(["ml", "score", str(tmp_path / "in.csv"), str(tmp_path / "out.csv")]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_cells_that_are_no_numbers_are_counted_and_bridged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = table(tmp_path / "in.csv", usual(600))
    lines = source.read_text(encoding="utf-8").splitlines()
    for place in (450, 451):
        cells = lines[place].split(",")
        lines[place] = ",".join([*cells[:2], "bad", *cells[3:]])
    source.write_text("\n".join(lines), encoding="utf-8")
    assert main(["ml", "score", str(source), str(tmp_path / "out.csv")]) == 0
    assert "2 cells are no numbers" in capsys.readouterr().err
    assert all(np.isfinite(float(row["score"])) for row in scored(tmp_path / "out.csv"))


def test_a_label_that_is_constant_in_the_table_learned_from_is_no_signal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    normal = table(tmp_path / "normal.csv", usual(400), label=True)
    assert main(["ml", "score", str(normal), str(tmp_path / "out.csv"), "--fit", str(normal)]) == 0
    assert "do not change while learning: anomaly" in capsys.readouterr().err
    assert "share_anomaly" not in scored(tmp_path / "out.csv")[0]


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ml", "score", str(tmp_path / "none.csv"), str(tmp_path / "out.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err


def test_the_benchmark_says_what_it_needs_where_its_data_are_absent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ml", "evaluate", "skab", "--data", str(tmp_path)]) == 1
    assert "holds no experiments" in capsys.readouterr().err


def test_the_benchmark_prints_ours_beside_the_published_and_the_always_on_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "valve1").mkdir()
    source = table(tmp_path / "valve1" / "0.csv", with_fault(usual(700), 550, 650, 1, 1.0), ";", label=True)
    lines = source.read_text(encoding="utf-8").splitlines()
    for place in range(551, 651):
        lines[place] = lines[place][:-3] + "1.0"
    source.write_text("\n".join(lines), encoding="utf-8")
    assert main(["ml", "evaluate", "skab", "--data", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    ours = next(line.split() for line in printed if line.startswith("ensemble"))
    assert float(ours[1]) > 0.8
    assert ours[4] == "1/1"
    always = next(line.split() for line in printed if line.startswith("always on"))
    assert always[2] == "0.500"  # F1 of 100 unusual rows of 300: 2 · 100 / 400.
    assert always[3] == "100.0"
    assert any(line.startswith("Conv-AE") for line in printed)
