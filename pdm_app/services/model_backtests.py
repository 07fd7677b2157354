"""What a version would have done over the past: alarms, what it saw and missed, at each place of the threshold."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self

import numpy as np
from pydantic import model_validator

from pdm_app.domain.model_registry import (
    EPISODES_MAX,
    POINT_EPISODES_MAX,
    TRACE_MAX,
    BacktestEpisode,
    BacktestPoint,
    BacktestTrouble,
    ModelBacktest,
)
from pdm_app.domain.model_replays import Failure, ReplayFigures, failures_of, threshold_range
from pdm_app.domain.models import ModelCard
from pdm_app.domain.record import Id, Record
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.domain.training import KnownTrouble, Span, refuse_too_many_days

BEFORE_S = 14 * 86_400.0
"""An alarm so long before a failure counts for it: wear is seen days ahead."""


class BacktestOrder(Record):
    """Which version is to be replayed over which time."""

    version_id: Id
    span: Span

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        refuse_too_many_days(self.span)  # How many rows that is depends on the version.
        return self


def backtested(
    card: ModelCard,
    at: I8,
    log_scores: F8,
    troubles: Sequence[KnownTrouble],
    span: Span,
    now: int,
    made_by: str,
) -> ModelBacktest:
    """Judge the scores of the past.

    Args:
        card: Of the model.
        at: Beginning of each row, microseconds UTC, ascending.
        log_scores: Shape (rows,), 0 at the threshold, NaN where nothing was judged.
        troubles: Failures that a model ought to have seen.
        span: What was asked for.
        now: Microseconds UTC.
        made_by: Who asked.
    """
    failures = _failures(at, troubles)
    row_us = round(card.row_s * MICROS_PER_S)
    figures = threshold_range(log_scores, card.alarm, failures, card.row_s, BEFORE_S)
    points = tuple(_point(each, at, row_us, log_scores) for each in figures)
    in_force = min(figures, key=lambda each: abs(each.shift))
    return ModelBacktest(
        begin_at=span.start_at, end_at=span.end_at, rows=len(at), judged_rows=int(np.isfinite(log_scores).sum()),
        failures=len(failures), made_at=now, made_by=made_by, points=points,
        episodes=_episodes(in_force, at, row_us, log_scores, EPISODES_MAX),
        troubles=tuple(
            BacktestTrouble(
                name=_name(each, at, troubles), begin_at=int(at[each.start]), end_at=int(at[each.end - 1]) + row_us
            )
            for each in failures
        ),
        trace=_trace(log_scores),
    )  # fmt: skip


def _point(figures: ReplayFigures, at: I8, row_us: int, log_scores: F8) -> BacktestPoint:
    return BacktestPoint(
        shift=figures.shift, alarms=figures.alarms, false_alarms=figures.false_alarms,
        false_per_month=figures.false_per_month, seen=figures.seen, missed=figures.missed,
        forewarning_s=figures.forewarning_s, is_seen=figures.is_seen,
        episodes=_episodes(figures, at, row_us, log_scores, POINT_EPISODES_MAX),
    )  # fmt: skip


def _episodes(figures: ReplayFigures, at: I8, row_us: int, log_scores: F8, most: int) -> tuple[BacktestEpisode, ...]:
    """Return the newest alarms; their heights are those above the threshold in force, whichever raised them."""
    told = list(zip(figures.episodes, figures.is_false, strict=True))[-most:]
    return tuple(
        BacktestEpisode(
            begin_at=int(at[alarm.start]), end_at=int(at[alarm.end - 1]) + row_us, is_false=is_false,
            peak=float(np.exp(np.nanmax(log_scores[alarm.start : alarm.end]))),
        )
        for alarm, is_false in told
    )  # fmt: skip


def _trace(log_scores: F8) -> tuple[float | None, ...]:
    """Return the highest score of each part; a peak of one row must not vanish in a drawing."""
    edges = np.linspace(0, len(log_scores), min(TRACE_MAX, len(log_scores)) + 1).astype(np.int64)
    parts = [log_scores[begin:end] for begin, end in pairwise(edges)]
    judged = [part[np.isfinite(part)] for part in parts]
    return tuple(round(float(part.max()), 3) if len(part) else None for part in judged)


def _failures(at: I8, troubles: Sequence[KnownTrouble]) -> tuple[Failure, ...]:
    """Return troubles as spans of rows; those that overlap are one."""
    unusual = np.zeros(len(at), dtype=np.bool_)
    for each in troubles:
        unusual |= (at >= each.start_at) & (at < each.end_at)
    return failures_of(unusual)


def _name(failure: Failure, at: I8, troubles: Sequence[KnownTrouble]) -> str:
    """Return what the first trouble in a span is called."""
    begin = int(at[failure.start])
    return next(each.name for each in troubles if each.start_at <= begin < each.end_at)
