"""Figures: their verdict, their table and their file."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.group import _counts, run_to_end
from pdm_app.cli.bench.latencies import Latencies
from pdm_app.cli.bench.plant import in_machines, screens
from pdm_app.domain.errors import InvalidInputError
from pdm_app.simulation.load_server import load_definition


def report(*figures: Figure) -> Report:
    return Report("bench", "2 cores", "some", "a peer", figures, ("A note.",))


@pytest.mark.parametrize(
    ("value", "verdict"), [(50.0, "goal"), (50.1, "must"), (150.0, "must"), (150.1, "missed"), (None, "")]
)
def test_a_latency_is_judged_by_the_best_bound_it_keeps(value: float | None, verdict: str) -> None:
    assert Figure("late", value, "ms", must=150, goal=50).verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(100_000, "goal"), (99_999, "must"), (9_999, "missed")])
def test_of_a_rate_more_is_better(value: float, verdict: str) -> None:
    assert Figure("rate", value, "/s", must=10_000, goal=100_000, more_is_better=True).verdict == verdict


def test_a_figure_without_bounds_is_not_judged() -> None:
    assert Figure("disk", 84.0, "bytes").verdict == ""


def test_the_table_shows_the_ratio_to_the_peer_and_why_a_figure_is_missing() -> None:
    text = report(
        Figure("rate", 131_705.4, "/s", 10_000, 100_000, peer=65_852.7, more_is_better=True),
        Figure("paint", None, "ms", 150, 50, note="needs chromium"),
    ).text()
    assert "131,705 /s" in text
    assert "65,853 /s (2×)" in text
    assert "needs chromium" in text
    assert text.endswith("A note.\n")


def test_the_file_holds_every_figure_with_its_verdict(tmp_path: Path) -> None:
    report(Figure("late", 60.0, "ms", 150, 50)).put_out(tmp_path / "figures.json")
    [figure] = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert (figure["name"], figure["value"], figure["verdict"]) == ("late", 60.0, "must")


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="could not be written"):
        report().put_out(tmp_path / "nowhere" / "figures.json")


def test_percentiles_are_in_milliseconds() -> None:
    found = Latencies.of_micros(np.arange(1, 101, dtype=np.int64) * 1000)
    assert (found.count, found.p50_ms, found.worst_ms) == (100, 50.5, 100.0)
    assert Latencies(**found.as_message()) == found  # type: ignore[arg-type]


def test_no_latencies_have_no_percentiles() -> None:
    assert Latencies.of_micros(np.zeros(0, dtype=np.int64)) == Latencies()


@pytest.mark.parametrize("words", ["", "0", "ten", "1,,2", "1,1001", "-1"])
def test_numbers_of_viewers_that_cannot_be_used_are_refused(words: str) -> None:
    with pytest.raises(InvalidInputError, match="such as 1,10,100"):
        _counts(words)


def test_each_machine_of_the_plant_has_one_screen_of_signals() -> None:
    plant = in_machines(load_definition(120, 4860), 50)
    assert [len(plant.signals_of(asset.id)) for asset in plant.assets] == [50, 50, 20]
    assert len({asset.code for asset in plant.assets}) == 3


def test_no_two_viewers_watch_the_same_signals() -> None:
    sets = screens(load_definition(1000, 4860), viewers=100, signals_each=50)
    assert {len(set(one)) for one in sets} == {50}
    assert len({tuple(sorted(one)) for one in sets}) == 100


def test_more_signals_than_the_plant_has_are_all_of_them() -> None:
    assert screens(load_definition(10, 4860), viewers=1, signals_each=50) == [list(range(1001, 1011))]


def test_an_interrupted_benchmark_ends_with_the_code_of_an_interrupt() -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as ended:
        run_to_end(interrupted())
    assert ended.value.exit_code == 130
