"""What a model would have done on the past: alarms, failures seen and missed, and how long before.

The threshold is moved through its range on the same scores, so the price of fewer false alarms is seen in forewarning.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags
from pdm_app.domain.thresholds import SECONDS_A_MONTH, Verdict, VerdictRule

SHIFTS = (-0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5)
"""Of the logarithm of the threshold, as the slider offers them; 0 is the threshold in force."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A span that was unusual in truth: rows from ``start`` up to and without ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReplayFigures:
    """What the alarms of one threshold would have been worth.

    Attributes:
        shift: Of the threshold's logarithm.
        alarms: Separate alarms.
        false_alarms: Those that touch no failure and its time of forewarning.
        false_per_month: The same by 30 days of rows that are judged and lie outside of failures; None without any.
        seen: Failures with an alarm inside, or on within the time before.
        missed: The others.
        forewarning_s: Median, from the alarm to the failure's end; None where none was seen.
        episodes: Rows of each alarm.
        is_false: Of each of them.
        is_seen: Of each failure.
    """

    shift: float
    alarms: int
    false_alarms: int
    false_per_month: float | None
    seen: int
    missed: int
    forewarning_s: float | None
    episodes: tuple[Failure, ...] = ()
    is_false: tuple[bool, ...] = ()
    is_seen: tuple[bool, ...] = ()


def failures_of(unusual: Flags) -> tuple[Failure, ...]:
    """Return the spans of true rows."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], unusual.astype(np.int8), [0]))))
    return tuple(Failure(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True))


def replay(
    log_scores: F8,
    rule: VerdictRule,
    failures: Sequence[Failure],
    row_s: float,
    before_s: float = 0.0,
    shift: float = 0.0,
) -> ReplayFigures:
    """Judge scores of the past with the threshold moved by ``shift``.

    Args:
        log_scores: Shape (rows,), 0 at the threshold in force; NaN where nothing is judged.
        rule: When scores become an alarm.
        failures: In order of their rows, apart from each other.
        row_s: Seconds between two rows.
        before_s: So long before a failure an alarm counts for it.
        shift: Added to the threshold.

    Raises:
        InvalidInputError: A failure lies outside of the rows.
    """
    outside = [failure for failure in failures if not 0 <= failure.start < failure.end <= len(log_scores)]
    if outside:
        raise InvalidInputError(f"Rows {outside[0].start} to {outside[0].end} lie outside of {len(log_scores)} rows.")
    episodes = failures_of(Verdict(rule).run(log_scores - shift))
    before = round(before_s / row_s)
    true_alarms: set[int] = set()
    forewarnings: list[float] = []
    is_seen: list[bool] = []
    for failure in failures:
        touching = [
            place for place, alarm in enumerate(episodes)
            if alarm.start < failure.end and alarm.end > failure.start - before
        ]  # fmt: skip
        is_seen.append(bool(touching))
        if touching:
            true_alarms.update(touching)
            forewarnings.append((failure.end - episodes[touching[0]].start) * row_s)
    quiet = np.isfinite(log_scores)
    for failure in failures:
        quiet[max(0, failure.start - before) : failure.end] = False
    months = float(quiet.sum()) * row_s / SECONDS_A_MONTH
    false = len(episodes) - len(true_alarms)
    return ReplayFigures(
        shift=shift, alarms=len(episodes), false_alarms=false, false_per_month=false / months if months else None,
        seen=len(forewarnings), missed=len(failures) - len(forewarnings),
        forewarning_s=float(np.median(forewarnings)) if forewarnings else None, episodes=episodes,
        is_false=tuple(place not in true_alarms for place in range(len(episodes))), is_seen=tuple(is_seen),
    )  # fmt: skip


def threshold_range(
    log_scores: F8, rule: VerdictRule, failures: Sequence[Failure], row_s: float, before_s: float = 0.0
) -> tuple[ReplayFigures, ...]:
    """Return the figures at each place of the slider."""
    return tuple(replay(log_scores, rule, failures, row_s, before_s, shift) for shift in SHIFTS)
