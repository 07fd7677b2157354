"""What a version would have done over the past: alarms, what it saw and missed, at each place of the threshold."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import model_validator

from pdm_app.domain.model_registry import EPISODES_MAX, BacktestEpisode, BacktestPoint, ModelBacktest
from pdm_app.domain.model_replays import Failure, failures_of, threshold_range
from pdm_app.domain.models import ModelCard
from pdm_app.domain.record import Id, Record
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.domain.thresholds import Verdict
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
    before = round(BEFORE_S / card.row_s)
    episodes = failures_of(Verdict(card.alarm).run(log_scores))
    told = [
        BacktestEpisode(
            begin_at=int(at[alarm.start]), end_at=int(at[alarm.end - 1]) + round(card.row_s * MICROS_PER_S),
            peak=float(np.exp(np.nanmax(log_scores[alarm.start : alarm.end]))),
            is_false=not any(alarm.start < each.end and alarm.end > each.start - before for each in failures),
        )
        for alarm in episodes
    ]  # fmt: skip
    points = threshold_range(log_scores, card.alarm, failures, card.row_s, BEFORE_S)
    return ModelBacktest(
        begin_at=span.start_at, end_at=span.end_at, rows=len(at), judged_rows=int(np.isfinite(log_scores).sum()),
        failures=len(failures), made_at=now, made_by=made_by, episodes=tuple(told[-EPISODES_MAX:]),
        points=tuple(
            BacktestPoint(
                shift=each.shift, alarms=each.alarms, false_alarms=each.false_alarms,
                false_per_month=each.false_per_month, seen=each.seen, missed=each.missed,
                forewarning_s=each.forewarning_s,
            )
            for each in points
        ),
    )  # fmt: skip


def _failures(at: I8, troubles: Sequence[KnownTrouble]) -> tuple[Failure, ...]:
    """Return troubles as spans of rows; those that overlap are one."""
    unusual = np.zeros(len(at), dtype=np.bool_)
    for each in troubles:
        unusual |= (at >= each.start_at) & (at < each.end_at)
    return failures_of(unusual)
