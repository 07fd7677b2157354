"""Stretches in which a condition held: breaks, short ones, late outcomes, and what is settled."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.samples import Quality
from pdm_app.stream.run_frames import Frame, Frames

S = 1_000_000
LATE_S = 600


def told(frames: Frames, *said: tuple[float, Any]) -> list[tuple[float, float | None]]:
    """Tell outcomes as (seconds, truth); None is one that is not known."""
    for at, truth in said:
        quality = Quality.BAD_WAITING if truth is None else Quality.GOOD
        value = np.nan if truth is None else float(truth)
        frames.take(np.array([int(at * S)], np.int64), np.array([value]), np.array([int(quality)], np.uint16))
    return [(f.start_at / S, None if f.end_at is None else f.end_at / S) for f in frames.found()]


def test_a_stretch_begins_with_the_first_truth_and_ends_with_the_first_untruth() -> None:
    assert told(Frames(0, 0), (1, 0), (2, 1), (3, 1), (4, 0), (5, 0)) == [(2, 4)]
    assert told(Frames(0, 0), (1, 1), (2, 1)) == [(1, None)]


def test_a_short_break_does_not_end_it_and_many_in_a_row_are_one() -> None:
    frames = Frames(3 * S, 0)
    assert told(frames, (1, 1), (2, 0), (4, 1), (5, 0), (7, 1), (8, 0)) == [(1, None)], "the break may still end"
    assert told(frames, (12, 0)) == [(1, 8)]
    assert told(frames, (13, 1)) == [(1, 8), (13, None)]


def test_what_is_too_short_is_none() -> None:
    assert told(Frames(0, 5 * S), (1, 1), (3, 0), (10, 1), (16, 0), (17, 0)) == [(10, 16)]


def test_what_is_not_known_changes_nothing() -> None:
    assert told(Frames(0, 0), (1, 1), (2, None), (3, None), (4, 1)) == [(1, None)]


def test_what_comes_late_moves_the_edges() -> None:
    frames = Frames(0, 0)
    assert told(frames, (1, 0), (5, 1), (9, 0), (10, 0)) == [(5, 9)]
    assert told(frames, (3, 1)) == [(3, 9)]
    assert told(frames, (6, 0)) == [(3, 6)], "and what was true after it is no more, but at the instants that say so"
    assert told(frames, (7, 1)) == [(3, 6), (7, 9)]


def test_a_long_stretch_is_remembered_by_its_beginning() -> None:
    frames = Frames(0, 0)
    for at in range(0, 5_000, 10):
        told(frames, (at, 1))
    assert told(frames) == [(0, None)]
    assert len(frames._memory) < 250
    assert told(frames, (5_000, 0), (5_001, 0)) == [(0, 5_000)]


def test_stretches_of_an_earlier_run_go_on() -> None:
    frames = Frames(2 * S, 0, [Frame(10 * S, 20 * S), Frame(50 * S, None)])
    assert told(frames, (60, 1)) == [(10, 20), (50, None)]
    assert told(frames, (70, 0), (75, 0)) == [(10, 20), (50, 70)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.integers(0, 6),
    st.randoms(use_true_random=False),
)
def test_any_order_gives_the_same(truths: list[bool], gap_s: int, random: Any) -> None:
    said = [(float(at), truth) for at, truth in enumerate(truths)]
    in_order = told(Frames(gap_s * S, 0), *said)
    shuffled = list(said)
    random.shuffle(shuffled)
    assert told(Frames(gap_s * S, 0), *shuffled, *random.sample(said, len(said) // 2)) == in_order
    runs: list[list[float]] = []
    for at, truth in said:  # The same, the plain way.
        if truth and runs and at - runs[-1][1] <= gap_s:
            runs[-1][1] = at + 1
        elif truth:
            runs.append([at, at + 1])
    newest = float(len(truths) - 1)
    plain = [(a, b if b <= newest and newest - b >= gap_s else None) for a, b in runs]
    assert [(a, b) for a, b in in_order] == plain
