"""The parts of a compiled formula: functions from an evaluation to a column, and how they are put together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pdm_app.domain.formulas.measures import Conversion, Measure
from pdm_app.domain.formulas.series import Column, Series
from pdm_app.domain.samples import F8, I8, QUALITY_BAD_MIN, U2, Quality

Part = Callable[["Look"], Column]


@dataclass(frozen=True, slots=True)
class Look:
    """One evaluation: the series at hand and the instants that are asked for."""

    series: Mapping[int, Series]
    at: I8


@dataclass(frozen=True, slots=True)
class Checked:
    """A part of a formula that is right: how to reckon it and what it is."""

    part: Part
    measure: Measure
    is_step: bool
    signals: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Formula:
    """A formula that can be evaluated.

    Attributes:
        signals: Numbers of the signals it reads.
        measure: Kind and unit of the outcome.
        lookback_us: How far before an instant its outcome depends on samples.
        is_step: Whether the outcome stays between two instants rather than running straight.
    """

    signals: tuple[int, ...]
    measure: Measure
    lookback_us: int
    is_step: bool
    _part: Part = field(repr=False)

    def evaluate(self, series: Mapping[int, Series], instants: I8) -> tuple[F8, U2]:
        """Return values and `Quality` codes at increasing instants; a value that is not known is NaN and bad."""
        with np.errstate(all="ignore"):
            column = self._part(Look(series, instants))
        finite = np.isfinite(column.value)
        quality = np.where(column.uncertain, int(Quality.UNCERTAIN), int(Quality.GOOD))
        quality = np.where(finite, quality, int(Quality.BAD_NOT_A_NUMBER))
        quality = np.where(column.known, quality, int(Quality.BAD_WAITING)).astype(np.uint16)
        return np.where(quality < QUALITY_BAD_MIN, column.value, np.nan), quality

    def instants(self, series: Mapping[int, Series], start_at: int, end_at: int | None) -> I8:
        """Return when the outcome may change in a span, without an end up to the newest: at every sample it reads."""
        return instants_of([series[number] for number in self.signals if number in series], start_at, end_at)


def own_series(inner: Checked, look: Look) -> Series:
    """Return what a window looks at as a series: a signal's own samples, or an expression at every sample it reads."""
    at = instants_of([look.series[number] for number in inner.signals], None, None)
    return Series(at, inner.part(Look(look.series, at)), inner.is_step)


def instants_of(series: Sequence[Series], start_at: int | None, end_at: int | None) -> I8:
    columns = [one.at for one in series] or [np.zeros(0, np.int64)]
    every: I8 = columns[0] if len(columns) == 1 else np.unique(np.concatenate(columns))
    first = 0 if start_at is None else int(np.searchsorted(every, start_at))
    behind = len(every) if end_at is None else int(np.searchsorted(every, end_at))
    return every[first:behind]


def constant(value: float) -> Part:
    def stand(look: Look) -> Column:
        rows = len(look.at)
        return Column(np.full(rows, value), np.ones(rows, bool), np.zeros(rows, bool))

    return stand


def converted(part: Part, change: Conversion) -> Part:
    if change.is_nothing:
        return part
    return each(lambda value: value * change.factor + change.offset, part)


def each(reckon: Callable[..., F8], *parts: Part) -> Part:
    """Return the part that reckons on the columns of others, row by row; known where all of them are."""

    def reckoned(look: Look) -> Column:
        columns = [part(look) for part in parts]
        known, uncertain = columns[0].known, columns[0].uncertain
        for column in columns[1:]:
            known, uncertain = known & column.known, uncertain | column.uncertain
        return Column(np.asarray(reckon(*(column.value for column in columns)), float), known, uncertain)

    return reckoned


RECKONED: dict[str, Callable[..., F8]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "**": np.power,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
