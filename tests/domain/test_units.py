"""Units: one table for Python and the browser."""

import json
from pathlib import Path

from pdm_app.domain.units import UNITS, table, unit

BROWSER_TABLE = Path(__file__).parents[2] / "pdm_app" / "ui" / "browser" / "units.json"


def test_the_browser_reads_the_same_table() -> None:
    expected = json.dumps(table(), ensure_ascii=False, indent=1) + "\n"
    if BROWSER_TABLE.read_text(encoding="utf-8") != expected:
        BROWSER_TABLE.with_suffix(".json.new").write_text(expected, encoding="utf-8")
    assert BROWSER_TABLE.read_text(encoding="utf-8") == expected, f"take over {BROWSER_TABLE}.new"


def test_every_code_stands_once() -> None:
    codes = [unit.code for unit in UNITS]
    assert len(codes) == len(set(codes))


def test_a_code_has_its_symbol_and_name() -> None:
    assert (unit("Cel").symbol, unit("Cel").name) == ("°C", "degrees Celsius")
    assert unit("1").symbol == ""


def test_an_unknown_code_is_shown_with_its_annotations_as_words() -> None:
    assert unit("{shots}").symbol == "shots"
    assert unit("[drp]/h").symbol == "[drp]/h"
