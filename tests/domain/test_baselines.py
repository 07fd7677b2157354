"""The adaptive baseline, by hand."""

import numpy as np

from pdm_app.domain.baselines import AdaptiveBaseline


def baseline(rate: float = 0.1, clip: float = 2.0) -> AdaptiveBaseline:
    return AdaptiveBaseline(np.array([10.0]), np.array([2.0]), clip, rate)


def test_a_row_is_cleared_of_what_the_rows_before_it_had_moved() -> None:
    flat, drift = baseline().rows(np.array([[12.0], [12.0]]), np.zeros(1))
    assert flat[:, 0].round(6).tolist() == [12.0, 11.8]  # One spread off; a tenth of it is taken over.
    assert drift.round(6).tolist() == [0.19]


def test_a_huge_step_moves_it_no_further_than_the_clip_allows() -> None:
    _, drift = baseline().rows(np.array([[10_000.0]]), np.zeros(1))
    assert drift.tolist() == [0.2]


def test_a_held_row_teaches_nothing() -> None:
    _, drift = baseline().rows(np.array([[12.0]]), np.zeros(1), np.array([True]))
    assert drift.tolist() == [0.0]


def test_portions_give_what_the_whole_gives() -> None:
    rows = np.random.default_rng(0).normal(11, 3, (50, 1))
    whole, end = baseline().rows(rows, np.zeros(1))
    first, between = baseline().rows(rows[:20], np.zeros(1))
    second, last = baseline().rows(rows[20:], between)
    assert np.concatenate([first, second]).tolist() == whole.tolist()
    assert last.tolist() == end.tolist()
