"""Rows of signals as models see them: the mean of the usable samples of each stretch, and where not to judge.

Training, replays and the live watch ask here alike, so that a model never meets rows made in another way.
"""

from collections.abc import Sequence

import numpy as np

from pdm_app.domain.ports import Historian
from pdm_app.domain.samples import F8
from pdm_app.domain.scores import Flags

RUNNING_MIN = 1.5
"""Mean of a state signal (2 runs, 1 idles, 0 stands): above it the machine ran for most of the row."""
START_ROWS_S = 600.0  # So long after a start temperatures and pressures are not yet what they will be.


async def model_rows(
    historian: Historian,
    signals: Sequence[int],
    state_signal: int | None,
    begin: int,
    end: int,
    row_us: int,
    start_rows: int,
) -> tuple[F8, Flags]:
    """Read rows of a span.

    Args:
        historian: Asked once.
        signals: In the order of the columns.
        state_signal: Says whether the machine runs; None where nothing does.
        begin: Where the first row begins, microseconds UTC.
        end: Where the last one ends; whole rows behind ``begin``.
        row_us: Length of a row.
        start_rows: So many rows behind one that did not run are masked, too.

    Returns:
        Shape (rows, signals), NaN where a row has no usable sample, and shape (rows,): where the machine did not run
        or had just started.

    Raises:
        InvalidInputError: The span is too long for one question.
        UnavailableError: The database does not answer.
    """
    count = max(0, (end - begin) // row_us)
    if count == 0:
        return np.empty((0, len(signals))), np.empty(0, dtype=np.bool_)
    lead = start_rows if state_signal is not None else 0
    first = begin - lead * row_us
    edges = first + row_us * np.arange(lead + count + 1, dtype=np.int64)
    asked = [*signals, *([state_signal] if state_signal is not None else [])]
    told = (await historian.summaries(asked, edges)).rows
    means = np.full((lead + count, len(asked)), np.nan)
    column_of = {number: place for place, number in reversed(list(enumerate(asked)))}
    usable = told.usable > 0
    rows = ((told.at[usable] - first) // row_us).astype(np.int64)
    columns = np.array([column_of[int(number)] for number in told.signal[usable]], dtype=np.int64)
    means[rows, columns] = told.total[usable] / told.usable[usable]
    if state_signal is None:
        return means[:, : len(signals)], np.zeros(count, dtype=np.bool_)
    rests = means[:, column_of[state_signal]] < RUNNING_MIN  # NaN compares false: an unknown state masks nothing.
    since_rest = np.arange(len(rests)) - np.maximum.accumulate(np.where(rests, np.arange(len(rests)), -(10**9)))
    masked = since_rest <= start_rows
    return means[lead:, : len(signals)], masked[lead:]
