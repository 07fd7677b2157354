"""`demo replay` on the command line: what it leaves is a demo's directory, and what cannot be replayed says why."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from pdm_app.cli.main import main

SPAN = ["--from", "2026-11-20T10:00:00Z", "--to", "2026-11-20T10:10:00Z"]


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A replay writes its log to the terminal of its test, which is closed when the next one logs."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_what_it_leaves_is_a_demo_whose_truth_can_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new"
    words = ["demo", "replay", "--data", str(folder), *SPAN, "--plant", "small", "--calm"]
    words += ["--fault", "cavitation@day0.003:P-501=80%"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Done: 2026-11-20 10:00:00 UTC to 2026-11-20 10:10:00 UTC" in said
    assert f"pdm-app demo --data {folder}" in said
    assert main(["demo", "truth", "--data", str(folder), "--at", "2026-11-20T10:09:00Z"]) == 0
    assert "cavitation" in capsys.readouterr().out

    assert main(words) == 1
    assert "holds a plant already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "yesterday"], "is no moment with a time zone"),
        (["--to", "2999-01-01T00:00:00Z"], "would end in the future"),
        (["--from", "2026-11-20T10:00:00Z", "--to", "2026-11-20T09:00:00Z"], "would end before it begins"),
        (["--from", "2026-01-01T10:00:00Z", "--to", "2026-11-20T09:00:00Z"], "60 days at most"),
        ([*SPAN, "--days", "3"], "say the same thing twice"),
        ([*SPAN, "--fault", "melting@day0:P-501"], "is not a fault of this plant"),
        ([*SPAN, "--faults", "nowhere.txt"], "cannot be read"),
    ],
)
def test_what_cannot_be_replayed_says_why_and_leaves_nothing(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    assert main(["demo", "replay", "--data", str(folder), *words]) == 1
    assert said in capsys.readouterr().err
    assert not folder.exists()
