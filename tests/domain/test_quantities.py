"""Numbers, quantities and spans as people read them; the examples are those of the browser."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain import quantities

EXAMPLES = json.loads((Path(__file__).parents[1] / "ui" / "formats.json").read_text(encoding="utf-8"))
WRITERS: dict[str, Callable[..., str]] = {
    "number": quantities.number,
    "quantity": quantities.quantity,
    "duration": quantities.duration,
    "timer": quantities.timer,
}


@pytest.mark.parametrize(
    ("writer", "given", "expected"),
    [(writer, given, expected) for writer in WRITERS for given, expected in EXAMPLES[writer]],
)
def test_reads_as_in_the_browser(writer: str, given: list[Any], expected: str) -> None:
    assert WRITERS[writer](*given) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(value: float) -> None:
    assert quantities.number(value, 2) == "–"
    assert quantities.duration(value) == "–"
    assert quantities.timer(value) == "–"
