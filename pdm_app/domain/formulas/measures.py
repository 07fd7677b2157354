"""What a part of a formula is: a truth or a number, and of which unit.

UCUM codes are read by ucumvert and reckoned with by pint, both loaded with the first formula. Temperatures with an
offset follow pint: two of them have a difference, no sum and no product.
"""

from dataclasses import dataclass
from functools import cache
from threading import RLock
from typing import Any

from pdm_app.domain.units import DIMENSIONLESS

_LOADING = RLock()
"""Units of two registries do not go together, so two threads with the first formula must get the same one."""


class UnitsError(ValueError):
    """Two units do not go together; the text says why."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Kind and unit of a value.

    Attributes:
        unit: pint's unit; None for a plain number, which takes the unit of whatever it is added to or compared with.
        is_truth: True or false instead of a number.
    """

    unit: Any = None
    is_truth: bool = False

    def __str__(self) -> str:
        if self.is_truth:
            return "true or false"
        return "a plain number" if self.unit is None else f"{self.unit:~P}" or "a plain number"


TRUTH = Measure(is_truth=True)
PLAIN = Measure()


@dataclass(frozen=True, slots=True)
class Conversion:
    """``value * factor + offset``."""

    factor: float = 1.0
    offset: float = 0.0

    @property
    def is_nothing(self) -> bool:
        return self.factor == 1.0 and self.offset == 0.0


NO_CONVERSION = Conversion()


def measure_of(code: str) -> Measure:
    """Return the measure of a UCUM code; a unit nobody has defined goes together with itself only."""
    return PLAIN if code == DIMENSIONLESS else Measure(_unit(code))


def ratio() -> Measure:
    """Return the measure of one thing divided by another of its kind."""
    return Measure(_registry().dimensionless)


def seconds() -> Measure:
    return Measure(_registry().second)


def conversion(source: Measure, target: Measure) -> Conversion:
    """Return how a value of ``source`` becomes one of ``target``; a plain number is taken as it is.

    Raises:
        UnitsError: They measure different things.
    """
    if source.unit is None or target.unit is None or source.unit == target.unit:
        return NO_CONVERSION
    registry = _registry()
    zero, one = (_tried(lambda n=n: registry.Quantity(n, source.unit).to(target.unit).magnitude) for n in (0.0, 1.0))
    if zero is None or one is None:
        raise UnitsError(f"{source} cannot be turned into {target}.")
    return Conversion(one - zero, zero)


def summed(left: Measure, right: Measure) -> Measure:
    """Return the measure of a sum whose right side is given in the unit of the left.

    Raises:
        UnitsError: They measure different things, or are two temperatures with an offset.
    """
    if left.unit is None or right.unit is None:
        return left if right.unit is None else right
    conversion(right, left)
    return _of(
        lambda quantity: quantity(1.0, left.unit) + quantity(1.0, right.unit), f"{left} and {right} have no sum."
    )


def difference(left: Measure, right: Measure) -> Measure:
    """Return the measure of a difference; that of two temperatures is one without offset.

    Raises:
        UnitsError: They measure different things.
    """
    if left.unit is None or right.unit is None:
        return left if right.unit is None else right
    conversion(right, left)
    return _of(lambda quantity: quantity(1.0, left.unit) - quantity(1.0, left.unit), "They have no difference.")


def product(left: Measure, right: Measure, *, divide: bool = False) -> Measure:
    """Return the measure of a product or quotient.

    Raises:
        UnitsError: One of them is a temperature with an offset.
    """
    if right.unit is None:
        return left if left.unit is None else _scaled(left)
    if left.unit is None and not divide:
        return _scaled(right)
    over = left.unit if left.unit is not None else _registry().dimensionless
    what = f"{left} and {right} have no {'quotient' if divide else 'product'}: turn temperatures into kelvins first."
    if divide:
        return _of(lambda quantity: quantity(1.0, over) / quantity(1.0, right.unit), what)
    return _of(lambda quantity: quantity(1.0, over) * quantity(1.0, right.unit), what)


def power(base: Measure, exponent: float) -> Measure:
    """Return the measure of a power with a constant exponent.

    Raises:
        UnitsError: The base is a temperature with an offset.
    """
    if base.unit is None:
        return PLAIN
    return _of(
        lambda quantity: quantity(1.0, base.unit) ** exponent, f"{base} has no power: turn it into kelvins first."
    )


def kelvins() -> Measure:
    return Measure(_registry().kelvin)


def _scaled(measure: Measure) -> Measure:
    return _of(
        lambda quantity: quantity(1.0, measure.unit) * 1.0, f"Twice {measure} means nothing: turn it into kelvins."
    )


def _of(reckon: Any, refusal: str) -> Measure:
    found = _tried(lambda: reckon(_registry().Quantity))
    if found is None:
        raise UnitsError(refusal)
    return Measure(found.units)


def _tried(reckon: Any) -> Any:
    import pint

    try:
        return reckon()
    except pint.PintError:
        return None


def _registry() -> Any:
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def _unit(code: str) -> Any:
    with _LOADING:
        return _defined(code)


@cache
def _defined(code: str) -> Any:
    registry = _loaded()
    try:
        return registry.Unit(str(registry.from_ucum(code).units))  # ucumvert makes its own of another registry.
    except Exception:  # Many kinds, by code: annotations alone, codes that UCUM does not know.
        name = "unit_" + "".join(letter if letter.isalnum() else f"_{ord(letter)}_" for letter in code)
        registry.define(f"{name} = [{name}] = {code.strip('{}[]').replace(' ', '_') or name}")
        return registry.Unit(name)
