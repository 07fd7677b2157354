"""The functions of formulas, in one list: what they take, what they give, and a sentence for the editor's help.

A function of values works on each instant for itself. A function of a window looks back from each instant over a span
of time that the formula states.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pdm_app.domain.formulas.measures import (
    PLAIN,
    Measure,
    UnitsError,
    difference,
    kelvins,
    power,
    product,
    ratio,
    seconds,
)
from pdm_app.domain.formulas.series import Column, Series
from pdm_app.domain.samples import F8, I8

Reckon = Callable[..., F8]
Look = Callable[[Series, I8, int], Column]


@dataclass(frozen=True, slots=True)
class OfValues:
    """A function of one or more values.

    Attributes:
        signature: As the editor shows it.
        sentence: What it gives.
        least: Fewest arguments.
        most: Most arguments.
        alike: Arguments after the first are given in the unit of the first.
        takes: From the measure of the first argument to the one it is turned into; raises `UnitsError`.
        gives: From that to the measure of the outcome.
        reckon: On columns of equal length.
    """

    signature: str
    sentence: str
    least: int
    most: int
    takes: Callable[[Measure], Measure]
    gives: Callable[[Measure], Measure]
    reckon: Reckon
    alike: bool = True


@dataclass(frozen=True, slots=True)
class OfWindow:
    """A function of the values in a span of time before each instant."""

    signature: str
    sentence: str
    measure: Callable[[Measure], Measure]
    look: Look
    takes_truth: bool = False


def _same(measure: Measure) -> Measure:
    return measure


def _plain(measure: Measure) -> Measure:
    """Take plain numbers and ratios; 25 % is 0.25."""
    if measure.unit is not None and not measure.unit.dimensionless:
        raise UnitsError(f"This needs a plain number, and this is in {measure}: divide by a reference first.")
    return PLAIN if measure.unit is None else ratio()


def _kelvin(measure: Measure) -> Measure:
    if measure.unit is None or measure.unit.dimensionality != kelvins().unit.dimensionality:
        raise UnitsError(f"This needs a temperature, and this is {measure}.")
    return kelvins()


def _difference(measure: Measure) -> Measure:
    return difference(measure, measure)


def _per_second(measure: Measure) -> Measure:
    return product(_difference(measure), seconds(), divide=True)


def _times_seconds(measure: Measure) -> Measure:
    return product(measure, seconds())


def _change(series: Series, instants: I8, width_us: int) -> Column:
    now, then = series.as_of(instants), series.previous(instants, width_us)
    return Column(now.value - then.value, now.known & then.known, now.uncertain | then.uncertain)


def _rate(series: Series, instants: I8, width_us: int) -> Column:
    change = _change(series, instants, width_us)
    return Column(change.value / (width_us / 1e6), change.known, change.uncertain)


def _rooted(measure: Measure) -> Measure:
    return power(measure, 0.5)


def _number_of(_measure: Measure) -> Measure:
    return PLAIN


def _seconds_of(_measure: Measure) -> Measure:
    return seconds()


def _lowest(*values: F8) -> F8:
    lowest: F8 = np.minimum.reduce(values)
    return lowest


def _highest(*values: F8) -> F8:
    highest: F8 = np.maximum.reduce(values)
    return highest


def _clamped(value: F8, low: F8, high: F8) -> F8:
    return np.minimum(np.maximum(value, low), high)


def _rounded(value: F8, digits: F8 | None = None) -> F8:
    """Round half-way cases away from zero, as the screen does."""
    scale = 1.0 if digits is None else 10.0 ** np.clip(np.nan_to_num(digits), -12, 12)
    return np.floor(np.abs(value) * scale + 0.5) / scale * np.sign(value)


OF_VALUES: dict[str, OfValues] = {
    "abs": OfValues("abs(x)", "Distance from zero.", 1, 1, _same, _same, np.abs),
    "min": OfValues("min(x, y, …)", "The lowest of several values.", 2, 20, _same, _same, _lowest),
    "max": OfValues("max(x, y, …)", "The highest of several values.", 2, 20, _same, _same, _highest),
    "clamp": OfValues("clamp(x, low, high)", "x, kept between low and high.", 3, 3, _same, _same, _clamped),
    "round": OfValues("round(x, digits)", "x with so many decimals.", 1, 2, _same, _same, _rounded, alike=False),
    "floor": OfValues("floor(x)", "The next whole number below.", 1, 1, _same, _same, np.floor),
    "ceil": OfValues("ceil(x)", "The next whole number above.", 1, 1, _same, _same, np.ceil),
    "sqrt": OfValues("sqrt(x)", "Square root.", 1, 1, _same, _rooted, np.sqrt),
    "exp": OfValues("exp(x)", "e to the power of x.", 1, 1, _plain, _same, np.exp),
    "log": OfValues("log(x)", "Natural logarithm.", 1, 1, _plain, _same, np.log),
    "log10": OfValues("log10(x)", "Logarithm to base ten.", 1, 1, _plain, _same, np.log10),
    "sin": OfValues("sin(x)", "Sine of an angle in radians.", 1, 1, _plain, _same, np.sin),
    "cos": OfValues("cos(x)", "Cosine of an angle in radians.", 1, 1, _plain, _same, np.cos),
    "kelvin": OfValues(
        "kelvin(x)", "A temperature in kelvins, which may be multiplied.", 1, 1, _kelvin, _same, np.positive
    ),
}

OF_WINDOWS: dict[str, OfWindow] = {
    "avg": OfWindow("avg(x, span)", "Time-weighted average over the span.", _same, Series.average),
    "min": OfWindow("min(x, span)", "Lowest value within the span.", _same, partial(Series.extreme, highest=False)),
    "max": OfWindow("max(x, span)", "Highest value within the span.", _same, partial(Series.extreme, highest=True)),
    "stdev": OfWindow("stdev(x, span)", "Standard deviation of its samples.", _difference, Series.deviation),
    "count": OfWindow("count(x, span)", "Number of samples.", _number_of, Series.count, takes_truth=True),
    "delta": OfWindow("delta(x, span)", "Change over the span.", _difference, _change),
    "rate": OfWindow("rate(x, span)", "Change per second over the span.", _per_second, _rate),
    "previous": OfWindow("previous(x, span)", "The value so long ago.", _same, Series.previous),
    "integral": OfWindow("integral(x, span)", "Value times seconds, summed up.", _times_seconds, Series.integral),
    "time": OfWindow("time(condition, span)", "Seconds it held.", _seconds_of, Series.integral, takes_truth=True),
}
"""``min`` and ``max`` of a value and a span look back; of values alone they compare."""

NAMES = sorted({*OF_VALUES, *OF_WINDOWS})
