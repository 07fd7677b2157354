"""Units in formulas: what goes together, what is converted, and what is refused with its column."""

import numpy as np
import pytest

from pdm_app.domain.formulas.compiler import Described, compile_formula
from pdm_app.domain.formulas.functions import NAMES
from pdm_app.domain.formulas.measures import measure_of
from pdm_app.domain.formulas.series import Series
from pdm_app.domain.formulas.syntax import FormulaError, Reference, parse
from pdm_app.domain.units import UNITS

SIGNALS = {
    "flow": Described(1, "m3/h"),
    "litres": Described(2, "L/min"),
    "bar": Described(3, "bar"),
    "kpa": Described(4, "kPa"),
    "warm": Described(5, "Cel"),
    "hot": Described(6, "[degF]"),
    "rpm": Described(7, "{rpm}"),
    "power": Described(8, "kW"),
    "running": Described(9, "1", is_truth=True),
    "share": Described(10, "%"),
    "plain": Described(11, "1"),
    "shots": Described(12, "{shots}"),
    "parts": Described(13, "{parts}"),
    "acid": Described(14, "[pH]"),
}
VALUES = {
    1: 36.0, 2: 600.0, 3: 2.0, 4: 50.0, 5: 80.0, 6: 212.0, 7: 1_450.0, 8: 5.5, 9: 1.0, 10: 25.0, 11: 4.0, 12: 3.0,
    13: 9.0, 14: 7.0,
}  # fmt: skip


def describe(reference: Reference) -> Described:
    return SIGNALS[reference.name]


def reckon(formula: str, unit: str | None = None) -> float:
    at = np.array([0], np.int64)
    series = {number: Series.of(at, np.array([value])) for number, value in VALUES.items()}
    value, quality = compile_formula(parse(formula), describe, unit).evaluate(series, at)
    assert quality[0] == 0
    return float(value[0])


@pytest.mark.parametrize(
    ("formula", "unit", "value"),
    [
        ("flow + litres", "m3/h", 72.0),
        ("litres + flow", "L/min", 1_200.0),
        ("bar + kpa", "kPa", 250.0),
        ("bar > kpa", None, 1.0),
        ("kpa * 40 < bar", None, 0.0),
        ("flow", "L/min", 600.0),
        ("hot - warm", "K", 20.0),
        ("warm - hot", "[degF]".replace("[degF]", "K"), -20.0),
        ("warm + 5", "Cel", 85.0),
        ("warm > 79", None, 1.0),
        ("hot > warm", None, 1.0),
        ("warm", "[degF]", 176.0),
        ("kelvin(warm)", None, 353.15),
        ("kelvin(warm) * 2", "K", 706.3),
        ("bar * 100000 * flow", None, 2.0 * 100_000 * 36.0),
        ("bar * flow", "kW", 2.0),
        ("power * 2h", "kW.h", 11.0),
        ("share", "1", 0.25),
        ("share * power", "kW", 1.375),
        ("sqrt(flow * flow)", "m3/h", 36.0),
        ("flow ** 2 / flow", "m3/h", 36.0),
        ("flow ** -1 * flow * flow", "m3/h", 36.0),
        ("max(bar, kpa, 1)", "bar", 2.0),
        ("min(kpa, bar)", "kPa", 50.0),
        ("clamp(warm, 0, 50)", "Cel", 50.0),
        ("bar if running else kpa", "bar", 2.0),
        ("kpa if not running else bar", "kPa", 200.0),
        ("1 if running else 0", None, 1.0),
        ("plain ** plain", None, 256.0),
        ("shots + 2", "{shots}", 5.0),
        ("shots / parts * parts", "{shots}", 3.0),
        ("flow % 10", "m3/h", 6.0),
        ("exp(bar / kpa * 0)", None, 1.0),
        ("log10(bar / kpa * 100)", None, 2.602059991),
        ("sqrt(share) * plain", "1", 2.0),
        ("round(2.5) + plain * 0", None, 3.0),
        ("round(-2.5) + plain * 0", None, -3.0),
        ("round(flow / 7, 2) + 0 * flow", "m3/h", 5.14),
        ("rpm / rpm", None, 1.0),
        ("acid - 7", "[pH]", 0.0),
        ("running == true", None, 1.0),
    ],
)
def test_units_are_converted_and_the_outcome_is_in_the_one_wanted(formula: str, unit: str | None, value: float) -> None:
    assert reckon(formula, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("formula", "unit", "column", "words"),
    [
        ("flow + bar", None, 6, "cannot be turned into"),
        ("flow > bar", None, 6, "cannot be turned into"),
        ("flow", "bar", 1, "cannot be turned into"),
        ("warm + hot", None, 6, "no sum"),
        ("warm * 2", None, 6, "kelvin"),
        ("flow * warm", None, 6, "kelvin"),
        ("exp(bar)", None, 1, "plain number"),
        ("flow ** plain", None, 9, "written as a number"),
        ("flow ** bar", None, 9, "exponent is a plain number"),
        ("running + 1", None, 1, "1 if"),
        ("flow and running", None, 1, "Compare it"),
        ("bar if flow else kpa", None, 8, "Compare it"),
        ("bar if running else flow", None, 21, "cannot be turned into"),
        ("running if running else 1", None, 25, "true or false is needed".capitalize()),
        ("shots + parts", None, 7, "cannot be turned into"),
        ("abs(running)", None, 5, "1 if"),
        ("kelvin(bar)", None, 1, "temperature"),
        ("max(flow)", None, 1, "takes"[:4]),
        ("avg(flow)", None, 1, "5m"),
        ("avg(flow, 5)", None, 1, "5m"),
        ("avg(running, 5m)", None, 5, "time(condition, span)"),
        ("time(flow, 5m)", None, 6, "Compare it"),
        ("avg(flow, 32d)", None, 11, "31 d"),
        ("avg(max(flow, 5m), 1h)", None, 5, "a signal of its own"),
        ("avg(3, 5m)", None, 5, "Name a signal"),
        ("1 + 2", None, 1, "reads no signal"),
        ("averge(flow, 5m)", None, 1, "There is no function averge"),
        ("abbs(flow)", None, 1, "Did you mean abs?"),
        ("__import__(flow)", None, 1, "There is no function"),
        ("eval(flow)", None, 1, "There is no function"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_column(formula: str, unit: str | None, column: int, words: str) -> None:
    with pytest.raises(FormulaError) as refused:
        compile_formula(parse(formula), describe, unit)
    assert (refused.value.column, words in str(refused.value)) == (column, True), str(refused.value)


def test_every_part_is_looked_at_once_however_deep_it_stands() -> None:
    asked: list[str] = []

    def noting(reference: Reference) -> Described:
        asked.append(reference.name)
        return describe(reference)

    compile_formula(parse("(" * 30 + "running" + " == running)" * 30), noting)
    assert len(asked) == 31


def test_every_unit_of_the_product_can_be_reckoned_with() -> None:
    for unit in UNITS:
        assert str(measure_of(unit.code))


def test_functions_have_names_that_are_no_words_of_the_language() -> None:
    assert not set(NAMES) & {"if", "else", "and", "or", "not", "true", "false"}
