"""Where a sink stands: whatever comes in whatever order, in whatever pieces and over restarts, all of it is sent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.stream.sink_progress import LATE_MAX, SinkProgress, joined

S = 1_000_000
BEGIN = 1_000 * S


def batch(seq: int, *rows: tuple[int, int]) -> Batch:
    samples = [Sample(SignalId(number), 1.0, Quality.GOOD, Micros(at)) for number, at in rows]
    return Batch.of("plc", samples, Micros(0)).numbered(seq)


class History:
    """What is stored, and what of it a sink has handed over."""

    def __init__(self, progress: SinkProgress) -> None:
        self.progress = progress
        self.stored: set[tuple[int, int]] = set()
        self.sent: list[tuple[int, int]] = []
        self.safe: set[tuple[int, int]] = set()

    def send(self, *, is_safe: bool) -> None:
        """Send one page, as a sender does."""
        progress = self.progress
        if progress.late:
            spans = list(progress.next_late(2))
            self.sent += self._inside(spans)
            progress.sent_late()
        else:
            spans = progress.next_spans(2)
            if not spans:
                return
            page = self._inside(spans)
            self.sent += page
            progress.sent(
                spans, np.array([row[0] for row in page], np.int64), np.array([row[1] for row in page], np.int64)
            )
        if is_safe:
            progress.settled("")
            self.safe = set(self.sent)

    def _inside(self, spans: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
        return sorted(row for row in self.stored for n, begin, end in spans if row[0] == n and begin <= row[1] < end)

    def restart(self) -> None:
        """Go on from what was stored; what was not safe is lost over there."""
        self.progress = SinkProgress(BEGIN, self.progress.packed())
        self.sent = [row for row in self.sent if row in self.safe]


STEPS = st.one_of(
    st.tuples(st.just("store"), st.lists(st.tuples(st.integers(1, 3), st.integers(0, 300)), min_size=1, max_size=4)),
    st.tuples(st.just("send"), st.booleans()),
    st.tuples(st.just("restart"), st.none()),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_every_sample_that_was_noticed_is_sent_in_the_end(steps: list[tuple[str, object]]) -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1, 2, 3], {}, missed=True)
    history, seq = History(progress), 0
    for what, how in steps:
        if what == "store":
            rows = [(number, BEGIN + at * S) for number, at in how]  # type: ignore[attr-defined]
            seq += 1
            history.stored |= set(rows)
            history.progress.notice([batch(seq, *rows)])
        elif what == "send":
            history.send(is_safe=bool(how))
        else:
            history.restart()
    for _ in range(1_000):
        if not (history.progress.late or history.progress.behind.any()):
            break
        history.send(is_safe=True)
    assert set(history.sent) == history.stored


def test_samples_that_come_while_a_window_is_read_are_not_forgotten() -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1], {}, missed=True)
    progress.notice([batch(1, (1, BEGIN + 10 * S))])
    spans = progress.next_spans(10)
    progress.notice([batch(2, (1, BEGIN + 4 * S))])  # Stored after the window was read.
    progress.sent(spans, np.array([1]), np.array([BEGIN + 10 * S]))
    assert [span for span in progress.next_late(10) if span[1] <= BEGIN + 4 * S < span[2]]


def test_a_batch_that_was_noticed_before_a_restart_is_not_noticed_twice() -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1], {}, missed=True)
    one = batch(7, (1, BEGIN + S))
    progress.notice([one])
    progress.sent(progress.next_spans(1), np.array([1]), np.array([BEGIN + S]))
    progress.settled("file 3")
    again = SinkProgress(BEGIN, progress.packed())
    again.choose([1], {}, missed=False)
    again.notice([one])
    assert (again.checkpoint, again.late, bool(again.behind.any())) == ("file 3", [], False)


def test_a_signal_that_comes_anew_starts_where_the_sink_begins_and_one_that_goes_is_forgotten() -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1], {1: BEGIN + 5 * S}, missed=True)
    progress.choose([2], {2: BEGIN + 9 * S}, missed=False)
    assert progress.next_spans(10) == [(2, BEGIN, BEGIN + 9 * S + 1)]


def test_windows_grow_through_silence_and_shrink_where_too_much_is() -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1], {1: BEGIN + 10**12}, missed=True)
    first = progress.next_spans(1)
    progress.wider()
    assert progress.next_spans(1)[0][2] - BEGIN == 2 * (first[0][2] - BEGIN)
    while progress.narrower():
        pass
    assert progress.next_spans(1) == [(1, BEGIN, BEGIN + 1)]


def test_late_spans_stay_few_however_many_samples_are_late() -> None:
    spans = [(number, at * 1000 * S, at * 1000 * S + 1) for number in range(3) for at in range(3 * LATE_MAX)]
    few = joined(spans)
    assert len(few) <= LATE_MAX
    assert all(any(n == m and b <= begin and end <= e for m, b, e in few) for n, begin, end in spans[:: LATE_MAX // 2])


def test_a_damaged_place_is_named() -> None:
    with pytest.raises(ValueError, match="the place of a sink is damaged"):
        SinkProgress(BEGIN, b"PK nonsense")
