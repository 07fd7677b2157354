"""From a formula's tree to something that can be evaluated: kinds and units checked, conversions put in.

``formula = compile_formula(parse(text), describe)``, then ``formula.evaluate(series, instants)``, where
``describe(reference)`` says what a signal is and ``series`` holds one `Series` per number in ``formula.signals``.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from pdm_app.domain.formulas.functions import NAMES, OF_VALUES, OF_WINDOWS, OfValues, OfWindow
from pdm_app.domain.formulas.measures import (
    PLAIN,
    TRUTH,
    Measure,
    UnitsError,
    conversion,
    difference,
    measure_of,
    power,
    product,
    ratio,
    seconds,
    summed,
)
from pdm_app.domain.formulas.parts import RECKONED, Checked, Formula, Look, Part, constant, converted, each, own_series
from pdm_app.domain.formulas.series import Column
from pdm_app.domain.formulas.syntax import (
    Binary,
    Call,
    Choice,
    FormulaError,
    Node,
    Number,
    Prefixed,
    Reference,
    Truth,
    walk,
)
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.units import DIMENSIONLESS

INPUTS_MAX = 50
SPAN_S_MAX = 31 * 86_400.0
SPAN_S_MIN = 0.001

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Described:
    """What a formula needs to know of a signal: its number, its unit as a UCUM code, and how it runs."""

    signal: int
    unit: str = "1"
    is_truth: bool = False
    is_step: bool = False


Describe = Callable[[Reference], Described]


def compile_formula(node: Node, describe: Describe, unit: str | None = None) -> Formula:
    """Check a formula and make it ready; ``unit`` is the UCUM code in which the outcome is wanted.

    Raises:
        FormulaError: Something in it does not fit; names the column. What ``describe`` raises passes through.
    """
    compiler = _Compiler(describe)
    checked = compiler.check(node)
    if len(checked.signals) > INPUTS_MAX:
        raise FormulaError(f"It reads {len(checked.signals)} signals; {INPUTS_MAX} are allowed.", 1)
    if not checked.signals:
        raise FormulaError("It reads no signal, so it would never change.", 1, "Name one, such as P1.flow.")
    if unit is not None and not checked.measure.is_truth:
        wanted = ratio() if unit == DIMENSIONLESS else measure_of(unit)
        change = _tried(lambda: conversion(checked.measure, wanted), node.column)
        checked = Checked(converted(checked.part, change), wanted, checked.is_step, checked.signals)
    return Formula(
        tuple(sorted(checked.signals)), checked.measure, compiler.lookback_us(node), checked.is_step, checked.part
    )


class _Compiler:
    def __init__(self, describe: Describe) -> None:
        self._describe = describe

    def check(self, node: Node) -> Checked:
        """Return the part for a node, each of its own parts checked first."""
        match node:
            case Number(value=value, is_span=is_span):
                return Checked(constant(value), seconds() if is_span else PLAIN, is_step=False)
            case Truth(value=value):
                return Checked(constant(float(value)), TRUTH, is_step=True)
            case Reference():
                return self._signal(node)
            case Prefixed(operator="not", operand=operand):
                inner = self._truth(operand)
                return Checked(each(lambda x: 1.0 - x, inner.part), TRUTH, is_step=True, signals=inner.signals)
            case Prefixed(operator=operator, operand=operand):
                inner = self._number(operand)
                reckon = np.negative if operator == "-" else np.positive
                return Checked(each(reckon, inner.part), inner.measure, inner.is_step, inner.signals)
            case Binary():
                return self._binary(node)
            case Choice():
                return self._choice(node)
            case Call():
                return self._call(node)

    def lookback_us(self, node: Node) -> int:
        """Return how far before an instant the outcome depends on samples."""
        match node:
            case Prefixed(operand=operand):
                return self.lookback_us(operand)
            case Binary(left=left, right=right):
                return max(self.lookback_us(left), self.lookback_us(right))
            case Choice(condition=condition, chosen=chosen, other=other):
                return max(self.lookback_us(part) for part in (condition, chosen, other))
            case Call(arguments=arguments):
                inner = max((self.lookback_us(part) for part in arguments), default=0)
                span = _span_of(node)
                return inner + (round(span.value * MICROS_PER_S) if span else 0)
            case _:
                return 0

    # --- kinds ----------------------------------------------------------------------------------------------------

    def _number(self, node: Node) -> Checked:
        return self._as_number(node, self.check(node))

    def _as_number(self, node: Node, checked: Checked) -> Checked:
        if checked.measure.is_truth:
            raise FormulaError(
                "A number is needed here, and this is true or false.", node.column, "Write 1 if … else 0."
            )
        return checked

    def _truth(self, node: Node) -> Checked:
        checked = self.check(node)
        if not checked.measure.is_truth:
            raise FormulaError("True or false is needed here, and this is a number.", node.column, "Compare it: x > 0.")
        return checked

    def _signal(self, node: Reference) -> Checked:
        described = self._describe(node)
        number = described.signal

        def read(look: Look) -> Column:
            return look.series[number].as_of(look.at)

        measure = TRUTH if described.is_truth else measure_of(described.unit)
        return Checked(read, measure, described.is_step or described.is_truth, frozenset({number}))

    # --- operators ------------------------------------------------------------------------------------------------

    def _binary(self, node: Binary) -> Checked:
        if node.operator in ("and", "or"):
            left, right = self._truth(node.left), self._truth(node.right)
            reckon = np.minimum if node.operator == "and" else np.maximum
            return Checked(
                each(reckon, left.part, right.part), TRUTH, is_step=True, signals=left.signals | right.signals
            )
        left = self.check(node.left)  # Once: each level that looked twice would double the work of those below.
        if node.operator in ("==", "!=") and left.measure.is_truth:
            right = self._truth(node.right)
        else:
            left, right = self._as_number(node.left, left), self._number(node.right)
        measure, right_part = self._fitted(node, left, right)
        is_step = measure.is_truth or left.is_step or right.is_step
        return Checked(
            each(RECKONED[node.operator], left.part, right_part), measure, is_step, left.signals | right.signals
        )

    def _fitted(self, node: Binary, left: Checked, right: Checked) -> tuple[Measure, Part]:
        """Return the measure of the outcome, and the right side in the unit in which it is to be reckoned with."""
        if node.operator == "**":
            return self._power(node, left, right)
        if node.operator in ("*", "/"):
            return _tried(
                lambda: product(left.measure, right.measure, divide=node.operator == "/"), node.column
            ), right.part
        change = _tried(lambda: conversion(right.measure, left.measure), node.column)
        part = converted(right.part, change)
        if node.operator == "+":
            return _tried(lambda: summed(left.measure, right.measure), node.column), part
        if node.operator == "-":
            return _tried(lambda: difference(left.measure, right.measure), node.column), part
        if node.operator == "%":
            return left.measure, part
        return TRUTH, part

    def _power(self, node: Binary, left: Checked, right: Checked) -> tuple[Measure, Part]:
        if right.measure.unit is not None:
            raise FormulaError(f"An exponent is a plain number, and this is in {right.measure}.", node.right.column)
        if left.measure.unit is None:
            return PLAIN, right.part
        sign, exponent = (-1.0, node.right.operand) if isinstance(node.right, Prefixed) else (1.0, node.right)
        if not isinstance(exponent, Number):
            raise FormulaError(
                f"The exponent of something in {left.measure} must be written as a number.", node.right.column
            )
        return _tried(lambda: power(left.measure, sign * exponent.value), node.column), right.part

    def _choice(self, node: Choice) -> Checked:
        condition = self._truth(node.condition)
        chosen = self.check(node.chosen)
        other = self._truth(node.other) if chosen.measure.is_truth else self._number(node.other)
        change = _tried(lambda: conversion(other.measure, chosen.measure), node.other.column)
        measure = chosen.measure if chosen.measure.unit is not None or chosen.measure.is_truth else other.measure
        other_part = converted(other.part, change)

        def choose(look: Look) -> Column:
            holds, left, right = condition.part(look), chosen.part(look), other_part(look)
            first = holds.value > 0
            return Column(
                np.where(first, left.value, right.value),
                holds.known & np.where(first, left.known, right.known),
                holds.uncertain | np.where(first, left.uncertain, right.uncertain),
            )

        return Checked(choose, measure, is_step=True, signals=condition.signals | chosen.signals | other.signals)

    # --- functions ------------------------------------------------------------------------------------------------

    def _call(self, node: Call) -> Checked:
        span = _span_of(node)
        if span is not None:
            return self._window(node, span, OF_WINDOWS[node.function])
        if node.function in OF_VALUES:
            return self._values(node, OF_VALUES[node.function])
        if node.function in OF_WINDOWS:
            wanted = OF_WINDOWS[node.function].signature
            raise FormulaError(
                f"{node.function} looks back over a span of time.", node.column, f"Write {wanted}, as in 5m."
            )
        near = difflib.get_close_matches(node.function, NAMES, 1)
        fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(NAMES)}."
        raise FormulaError(f"There is no function {node.function}.", node.column, fix)

    def _values(self, node: Call, function: OfValues) -> Checked:
        if not function.least <= len(node.arguments) <= function.most:
            raise FormulaError(
                f"{node.function} does not take {len(node.arguments)} values.",
                node.column,
                f"Write {function.signature}.",
            )
        arguments = [self._number(argument) for argument in node.arguments]
        first = arguments[0].measure
        if function.alike:
            first = next((one.measure for one in arguments if one.measure.unit is not None), PLAIN)
        taken = _tried(lambda: function.takes(first), node.column)
        measure = _tried(lambda: function.gives(taken), node.column)
        parts = []
        for argument, checked in zip(node.arguments, arguments, strict=True):
            is_alike = function.alike or checked is arguments[0]
            target = taken if is_alike else PLAIN
            parts.append(converted(checked.part, _tried(partial(conversion, checked.measure, target), argument.column)))
        signals = frozenset[int]().union(*(one.signals for one in arguments))
        return Checked(each(function.reckon, *parts), measure, any(one.is_step for one in arguments), signals)

    def _window(self, node: Call, span: Number, function: OfWindow) -> Checked:
        subject = node.arguments[0]
        if not SPAN_S_MIN <= span.value <= SPAN_S_MAX:
            raise FormulaError("A span lies between 1 ms and 31 d.", span.column)
        is_condition = node.function == "time"
        inner = self._truth(subject) if is_condition else self.check(subject)
        if inner.measure.is_truth and not function.takes_truth:
            raise FormulaError(
                f"{node.function} needs a number, and this is true or false.",
                subject.column,
                "Use time(condition, span).",
            )
        if any(isinstance(part, Call) and _span_of(part) for part in walk(subject)):
            raise FormulaError(
                "A window of a window would need values between the samples.",
                subject.column,
                "Make the inner one a signal of its own.",
            )
        if not inner.signals:
            raise FormulaError("What never changes has no history.", subject.column, "Name a signal.")
        measure = _tried(lambda: function.measure(inner.measure), node.column)
        width_us = round(span.value * MICROS_PER_S)

        def look_back(look: Look) -> Column:
            return function.look(own_series(inner, look), look.at, width_us)

        return Checked(look_back, measure, inner.is_step, inner.signals)


def _tried(reckon: Callable[[], T], column: int) -> T:
    """Do what may find that two units do not fit.

    Raises:
        FormulaError: They do not.
    """
    try:
        return reckon()
    except UnitsError as error:
        raise FormulaError(str(error), column) from None


def _span_of(node: Call) -> Number | None:
    """Return the span over which a call looks back, None for a function of values."""
    if len(node.arguments) != 2 or node.function not in OF_WINDOWS:
        return None
    span = node.arguments[1]
    return span if isinstance(span, Number) and span.is_span else None
