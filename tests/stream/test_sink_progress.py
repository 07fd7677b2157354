"""Where a sink stands: whatever comes in whatever order, in whatever pieces and over restarts, all of it is sent."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.stream.owed_spans import SPANS_MAX, OwedSpans, joined
from pdm_app.stream.sink_progress import SinkProgress

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
        if progress.anew:
            spans = list(progress.anew.next(2))
            self.sent = [row for row in self.sent if row not in inside(self.sent, spans)]
            self.sent += inside(self.stored, spans)
            progress.sent_owed(progress.anew)
        elif progress.late:
            spans = list(progress.late.next(2))
            self.sent += inside(self.stored, spans)
            progress.sent_owed(progress.late)
        else:
            spans = progress.next_spans(2)
            if not spans:
                return
            page = inside(self.stored, spans)
            self.sent += page
            progress.sent(
                spans, np.array([row[0] for row in page], np.int64), np.array([row[1] for row in page], np.int64)
            )
        if is_safe:
            progress.settled("")
            self.safe = set(self.sent)

    def restart(self) -> None:
        """Go on from what was stored; what was not safe is lost over there."""
        self.progress = SinkProgress(BEGIN, self.progress.packed())
        self.sent = [row for row in self.sent if row in self.safe]


def inside(rows: Iterable[tuple[int, int]], spans: list[tuple[int, int, int]]) -> list[tuple[int, int]]:
    return sorted(row for row in rows for n, begin, end in spans if row[0] == n and begin <= row[1] < end)


ROWS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 300)), min_size=1, max_size=4)
STEPS = st.one_of(
    st.tuples(st.just("store"), ROWS),
    st.tuples(st.just("import"), ROWS),
    st.tuples(st.just("take back"), st.tuples(st.integers(1, 3), st.integers(0, 300), st.integers(1, 200))),
    st.tuples(st.just("send"), st.booleans()),
    st.tuples(st.just("restart"), st.none()),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=25), st.booleans())
def test_every_sample_of_history_is_sent_in_the_end_and_nothing_else_where_it_can_be_deleted(
    steps: list[tuple[str, Any]], can_erase: bool
) -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1, 2, 3], {}, missed=True)
    history, seq = History(progress), 0
    for what, how in steps:
        if what == "take back":
            span = (how[0], BEGIN + how[1] * S, BEGIN + (how[1] + how[2]) * S)
            history.stored -= set(inside(history.stored, [span]))
            history.progress.put_anew([span], is_gone=True, can_erase=can_erase)
        elif what == "import":
            rows = [(number, BEGIN + at * S) for number, at in how]
            history.stored |= set(rows)
            spans = [(number, at, at + 1) for number, at in rows]
            history.progress.put_anew(spans, is_gone=False, can_erase=can_erase)
        elif what == "store":
            rows = [(number, BEGIN + at * S) for number, at in how]
            seq += 1
            history.stored |= set(rows)
            history.progress.notice([batch(seq, *rows)])
        elif what == "send":
            history.send(is_safe=bool(how))
        else:
            history.restart()
    for _ in range(1_000):
        if not (history.progress.anew or history.progress.late or history.progress.behind.any()):
            break
        history.send(is_safe=True)
    assert set(history.sent) >= history.stored
    if can_erase:
        assert set(history.sent) == history.stored


def test_samples_that_come_while_a_window_is_read_are_not_forgotten() -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1], {}, missed=True)
    progress.notice([batch(1, (1, BEGIN + 10 * S))])
    spans = progress.next_spans(10)
    progress.notice([batch(2, (1, BEGIN + 4 * S))])  # Stored after the window was read.
    progress.sent(spans, np.array([1]), np.array([BEGIN + 10 * S]))
    assert [span for span in progress.late.next(10) if span[1] <= BEGIN + 4 * S < span[2]]


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
    assert (again.checkpoint, len(again.late), bool(again.behind.any())) == ("file 3", 0, False)


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
    spans = [(number, at * 1000 * S, at * 1000 * S + 1) for number in range(3) for at in range(3 * SPANS_MAX)]
    few = joined(spans)
    assert len(few) <= SPANS_MAX
    assert all(any(n == m and b <= begin and end <= e for m, b, e in few) for n, begin, end in spans[:: SPANS_MAX // 2])


def test_a_damaged_place_is_named() -> None:
    with pytest.raises(ValueError, match="the place of a sink is damaged"):
        SinkProgress(BEGIN, b"PK nonsense")


def test_what_was_changed_before_a_sink_begins_is_not_its_business_and_of_other_signals_neither() -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1, 3], {}, missed=True)
    spans = [(1, BEGIN - 9 * S, BEGIN), (2, BEGIN, BEGIN + S), (4, BEGIN, BEGIN + S), (3, BEGIN - S, BEGIN + S)]
    progress.put_anew(spans, is_gone=True, can_erase=True)
    assert progress.anew.all() == [(3, BEGIN, BEGIN + S)]


def test_what_is_owed_outlives_a_restart_until_it_is_safe() -> None:
    progress = SinkProgress(BEGIN)
    progress.choose([1], {}, missed=True)
    progress.put_anew([(1, BEGIN, BEGIN + S)], is_gone=True, can_erase=True)
    progress.anew.next(10)
    progress.sent_owed(progress.anew)
    progress.stays([(1, BEGIN, BEGIN + S)], "Files keep what was written.")
    again = SinkProgress(BEGIN, progress.packed())
    assert again.anew.next(10) == [(1, BEGIN, BEGIN + S)]
    assert (again.outdated, again.outdated_for) == ((1, BEGIN, BEGIN + S), "Files keep what was written.")
    again.sent_owed(again.anew)
    again.settled("")
    assert not SinkProgress(BEGIN, again.packed()).anew


def test_a_span_that_holds_too_much_is_sent_in_pieces_of_which_none_is_forgotten() -> None:
    owed = OwedSpans([(1, 0, 100 * S), (2, 0, S)])
    pieces: list[tuple[int, int, int]] = []
    while owed:
        spans = owed.next(10)
        while sum(end - begin for _, begin, end in spans) > 30 * S:
            spans = owed.fewer()
        pieces += spans
        owed.sent()
    assert all(end - begin <= 30 * S for _, begin, end in pieces)
    assert sorted(pieces)[0][1] == 0
    assert sum(end - begin for number, begin, end in pieces if number == 1) == 100 * S
    owed.unsettled()
    assert owed.all() == [(1, 0, 100 * S), (2, 0, S)]
