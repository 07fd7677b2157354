"""Units: one table for Python and the browser."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.units import UNITS, US_CUSTOMARY, table, unit


@cache
def registry_of(kind: type[Any]) -> Any:
    """One registry for all tests: making it takes seconds."""
    return kind()


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


@pytest.mark.parametrize("code", US_CUSTOMARY)
def test_a_us_unit_reads_as_pint_reckons_it(code: str) -> None:
    from ucumvert import PintUcumRegistry

    registry = registry_of(PintUcumRegistry)
    other = US_CUSTOMARY[code]
    for value in (0.0, 1.0, -40.0, 1234.5):
        reckoned = registry.Quantity(value, registry.from_ucum(code).units).to(registry.from_ucum(other.code).units)
        assert other.of(value) == pytest.approx(reckoned.magnitude, rel=1e-9, abs=1e-9), code


def test_values_that_everybody_knows() -> None:
    assert US_CUSTOMARY["Cel"].of(100) == 212
    assert US_CUSTOMARY["Cel"].of(-40) == -40
    assert US_CUSTOMARY["mm"].of(25.4) == pytest.approx(1)
    assert US_CUSTOMARY["bar"].of(1) == pytest.approx(14.50377, rel=1e-6)
    assert US_CUSTOMARY["L"].of(3.785411784) == pytest.approx(1)
    assert US_CUSTOMARY["kW"].of(0.7456998715822702) == pytest.approx(1)


def test_what_is_shown_instead_is_a_unit_of_the_table_and_stays_one() -> None:
    codes = {unit.code for unit in UNITS}
    for code, other in US_CUSTOMARY.items():
        assert {code, other.code} <= codes
        assert other.code not in US_CUSTOMARY
