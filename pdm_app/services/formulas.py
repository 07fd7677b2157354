"""Formulas over signals, evaluated over a span of history.

``FormulaService(work, historian)``. What a formula reads must lie in the actor's sites; what it may cost is bounded in
samples, and the reckoning happens off the event loop.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.evaluations import Evaluation, EvaluationQuery, FunctionHelp
from pdm_app.domain.formulas.compiler import compile_formula
from pdm_app.domain.formulas.functions import OF_VALUES, OF_WINDOWS
from pdm_app.domain.formulas.parts import Formula
from pdm_app.domain.formulas.series import Series
from pdm_app.domain.formulas.syntax import FormulaError, parse
from pdm_app.domain.ports import Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import F8, I8, U2, Micros, Stretch
from pdm_app.services.formula_names import Names, refused

SAMPLES_MAX = 500_000
EVALUATIONS_AT_ONCE = 2


class FormulaService:
    """Formulas checked against the plant and evaluated over its history."""

    def __init__(self, work: UnitOfWork, historian: Historian) -> None:
        self._work = work
        self._historian = historian
        self._turn = asyncio.Semaphore(EVALUATIONS_AT_ONCE)

    def functions(self, actor: Actor) -> tuple[FunctionHelp, ...]:
        """Return the functions of the language."""
        actor.require(Permission.HISTORY_READ)
        helps = [(one.signature, one.sentence, False) for one in OF_VALUES.values()]
        helps += [(one.signature, one.sentence, True) for one in OF_WINDOWS.values()]
        return tuple(
            FunctionHelp(signature=signature, sentence=sentence, looks_back=looks_back)
            for signature, sentence, looks_back in sorted(helps)
        )

    async def evaluate(self, actor: Actor, query: EvaluationQuery) -> Evaluation:
        """Return the outcome at every sample of what the formula reads, or in buckets where these are too many.

        Raises:
            InvalidInputError: The formula cannot be used, and ``facts['column']`` says where; or the span is too rich.
            NotFoundError: The asset does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.HISTORY_READ)
        started = perf_counter()
        async with self._turn:
            formula, is_step_of = await self._compiled(actor, query)
            begin = Micros(max(0, query.start_at - formula.lookback_us))
            stretches = await self._historian.samples(formula.signals, begin, Micros(query.end_at), SAMPLES_MAX)
            outcome = await asyncio.to_thread(_reckoned, formula, stretches, is_step_of, query)
        return Evaluation(
            signals=list(formula.signals),
            unit="" if formula.measure.is_truth or formula.measure.unit is None else str(formula.measure),
            is_truth=formula.measure.is_truth,
            is_step=formula.is_step,
            bucket_us=outcome.width_us,
            at=outcome.at.tolist(),
            low=_numbers(outcome.low),
            high=_numbers(outcome.high),
            last=_numbers(outcome.last),
            quality=outcome.quality.tolist(),
            samples_read=sum(len(stretch) for stretch in stretches.values()),
            took_ms=round((perf_counter() - started) * 1000, 1),
        )

    async def _compiled(self, actor: Actor, query: EvaluationQuery) -> tuple[Formula, Mapping[int, bool]]:
        try:
            node = await asyncio.to_thread(parse, query.formula)
            async with self._work(actor.scope) as work:
                if query.asset_id is not None and await work.assets.get(query.asset_id) is None:
                    raise NotFoundError(f"There is no asset {query.asset_id!r}.", asset_id=query.asset_id)
                names = await Names.of(work, node, query.asset_id)
            formula = await asyncio.to_thread(compile_formula, node, names.describe, query.unit)
        except FormulaError as error:
            raise refused(error) from None
        return formula, {number: names.is_step(number) for number in formula.signals}


# --- off the event loop -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outcome:
    width_us: int
    at: I8
    low: F8
    high: F8
    last: F8
    quality: U2


def _reckoned(
    formula: Formula, stretches: Mapping[int, Stretch], is_step_of: Mapping[int, bool], query: EvaluationQuery
) -> _Outcome:
    series = {number: Series.of_stretch(stretch, is_step=is_step_of[number]) for number, stretch in stretches.items()}
    at = formula.instants(series, query.start_at, query.end_at)
    value, quality = formula.evaluate(series, at)
    if len(at) <= query.buckets:
        return _Outcome(0, at, value, value, value, quality)
    return _in_buckets(at, value, quality, query)


def _in_buckets(at: I8, value: F8, quality: U2, query: EvaluationQuery) -> _Outcome:
    """Return the extremes of each non-empty bucket, so that no peak vanishes."""
    width_us = -(-(query.end_at - query.start_at) // query.buckets)
    bucket = at // width_us
    first = np.flatnonzero(np.concatenate(([True], bucket[1:] != bucket[:-1])))
    usable = np.isfinite(value)
    low = np.minimum.reduceat(np.where(usable, value, np.inf), first)
    high = np.maximum.reduceat(np.where(usable, value, -np.inf), first)
    newest = np.maximum.reduceat(np.where(usable, np.arange(len(at)), -1), first)
    worst = np.maximum.reduceat(quality, first)
    return _Outcome(width_us, bucket[first] * width_us, low, high, value[newest], worst)


def _numbers(values: F8) -> list[float | None]:
    finite = np.isfinite(values)
    return [value if good else None for value, good in zip(values.tolist(), finite.tolist(), strict=True)]
