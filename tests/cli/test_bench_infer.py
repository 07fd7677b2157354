"""`bench infer`: the table has what is asked for, measured on a graph that runs."""

import json
from pathlib import Path

from pdm_app.cli.main import main


def test_the_table_has_each_figure_beside_its_bounds_and_the_claim(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert main(["bench", "infer", "--seconds", "0.5", "--no-training", "--json", str(file)]) == 0
    figures = {figure["name"]: figure for figure in json.loads(file.read_text(encoding="utf-8"))["figures"]}
    assert figures["one window, p99"]["value"] > 0
    assert figures["one window, p99"]["peer"] == 20.0
    assert figures["batches of 64"]["value"] > 0
    assert figures["pool, 256 askers"]["value"] > 0
    assert figures["event loop meanwhile, p99 late"]["value"] is not None
    assert figures["training on 24 h at 10 s"]["value"] is None
