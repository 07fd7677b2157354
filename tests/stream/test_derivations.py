"""Derived signals as their inputs come: in any order, in any pieces, twice; the history ends up the same."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.formulas.compiler import Described, compile_formula
from pdm_app.domain.formulas.series import Series
from pdm_app.domain.formulas.syntax import Reference, parse
from pdm_app.domain.samples import MICROS_PER_S, QUALITY_BAD_MIN, Batch, Micros, Quality, Stretch
from pdm_app.stream.derivations import LATE_US, ROWS_MAX, DerivationBook, Derived, Memory, Outcomes, thinned

S = MICROS_PER_S
T0 = 1_700_000_000 * S
A, B, OUT, NEXT = 1, 2, 9, 10
NUMBERS = {"a": A, "b": B, "out": OUT}
Row = tuple[int, float, float, int]
"""Signal, seconds after `T0`, value, quality."""


def derived(formula: str, signal: int = OUT, *, is_step: bool = False) -> Derived:
    def describe(reference: Reference) -> Described:
        return Described(NUMBERS[reference.name], is_step=is_step)

    compiled = compile_formula(parse(formula), describe)
    return Derived(signal, compiled, dict.fromkeys(compiled.signals, is_step))


def batch(*rows: Row) -> Batch:
    columns = list(zip(*rows, strict=True))
    return Batch(
        device="plc",
        signal=np.array(columns[0], np.uint32),
        source_at=np.array([T0 + round(second * S) for second in columns[1]], np.int64),
        value=np.array(columns[2], np.float64),
        quality=np.array(columns[3], np.uint16),
        received_at=Micros(T0),
    )


def good(signal: int, second: float, value: float) -> Row:
    return signal, second, value, int(Quality.GOOD)


def gone(signal: int, second: float) -> Row:
    return signal, second, float("nan"), int(Quality.BAD_CONNECTION_LOST)


def rows_of(outcomes: Sequence[Outcomes]) -> list[tuple[int, float, float]]:
    return [
        (one.signal, (at - T0) / S, value)
        for one in outcomes
        for at, value in zip(one.at.tolist(), one.value.tolist(), strict=True)
    ]


def as_batch(outcomes: Outcomes) -> Batch:
    signal = np.full(len(outcomes.at), outcomes.signal, np.uint32)
    return Batch("formulas", signal, outcomes.at, outcomes.value, outcomes.quality, Micros(T0))


def test_an_outcome_follows_every_sample_of_what_is_read_and_nothing_follows_others() -> None:
    book = DerivationBook([derived("a + 10 * b")])
    assert rows_of(book.take([batch(good(A, 0, 1.0), good(B, 0, 2.0))])) == [(OUT, 0.0, 21.0)]
    assert rows_of(book.take([batch(good(A, 1, 3.0)), batch(good(B, 2, 4.0))])) == [(OUT, 1.0, 23.0), (OUT, 2.0, 43.0)]
    assert book.take([batch(good(77, 3, 1.0))]) == []
    assert book.reckoned == 3


def test_what_comes_twice_is_reckoned_once() -> None:
    book = DerivationBook([derived("a * 2")])
    again = batch(good(A, 0, 1.0), good(A, 1, 2.0))
    assert len(rows_of(book.take([again]))) == 2
    assert book.take([again]) == []


def test_a_late_sample_has_what_came_after_it_reckoned_anew_and_only_what_differs_is_returned() -> None:
    book = DerivationBook([derived("a + b")])
    book.take([batch(good(A, 0, 1.0), good(B, 0, 10.0), good(A, 5, 2.0), good(B, 7, 20.0), good(A, 8, 3.0))])
    late = book.take([batch(good(B, 4, 15.0))])
    assert rows_of(late) == [(OUT, 4.0, 16.0), (OUT, 5.0, 17.0)]


def test_a_value_that_is_corrected_at_its_instant_counts() -> None:
    book = DerivationBook([derived("a + 0")])
    book.take([batch(good(A, 0, 1.0), good(A, 1, 2.0))])
    assert rows_of(book.take([batch(good(A, 0, 5.0))])) == [(OUT, 0.0, 5.0)]


def test_a_lost_input_is_one_gap_and_its_return_ends_it() -> None:
    book = DerivationBook([derived("a + b")])
    book.take([batch(good(A, 0, 1.0), good(B, 0, 1.0))])
    found = book.take([batch(gone(B, 1), good(A, 2, 2.0), good(A, 3, 3.0))])
    assert [(one.at.tolist(), one.quality.tolist()) for one in found] == [([T0 + S], [int(Quality.BAD_WAITING)])]
    assert book.take([batch(good(A, 4, 4.0))]) == []
    assert rows_of(book.take([batch(good(B, 5, 1.0))])) == [(OUT, 5.0, 5.0)]


def test_a_good_outcome_that_a_late_gap_makes_bad_is_taken_back_at_its_own_instant() -> None:
    book = DerivationBook([derived("a + b")])
    book.take([batch(good(A, 0, 1.0), good(B, 0, 1.0), good(A, 2, 2.0), good(A, 3, 3.0))])
    found = book.take([batch(gone(B, 1))])
    assert found[0].at.tolist() == [T0 + S, T0 + 2 * S, T0 + 3 * S]
    assert (found[0].quality >= QUALITY_BAD_MIN).all()


def test_a_window_looks_back_over_what_history_knew_before_the_start() -> None:
    book = DerivationBook([derived("max(a, 60s)")])
    known = batch(good(A, -50, 99.0), good(A, -10, 1.0))
    book.seed({A: Stretch(known.source_at, known.value, known.quality)})
    found = rows_of(book.take([batch(good(A, 5, 2.0), good(A, 30, 3.0))]))
    assert found == [(OUT, 5.0, 99.0), (OUT, 30.0, 50.0)], "at its beginning the window cuts the line from 99 to 1"


def test_what_was_reckoned_before_a_restart_is_not_returned_again() -> None:
    book = DerivationBook([derived("a * 2")])
    known = batch(good(A, 0, 1.0))
    book.seed({A: Stretch(known.source_at, known.value, known.quality)})
    book.recall([batch(good(OUT, 0, 2.0))])
    assert book.take([known]) == []


def test_one_derived_signal_reads_another() -> None:
    book = DerivationBook([derived("a + 1"), derived("out * 2", NEXT)])
    first = book.take([batch(good(A, 0, 1.0))])
    assert rows_of(first) == [(OUT, 0.0, 2.0)]
    assert rows_of(book.take([as_batch(one) for one in first])) == [(NEXT, 0.0, 4.0)]


def test_a_sample_older_than_what_is_remembered_is_counted_and_moves_nothing_wrongly() -> None:
    book = DerivationBook([derived("avg(a, 10s)")])
    book.take([batch(*(good(A, second, 1.0) for second in range(0, 4_000, 5)))])
    found = book.take([batch(good(A, 3.0, 500.0))])
    assert found == []
    assert book.too_late == {OUT: 1}


def test_memory_is_bounded_by_time_and_by_rows() -> None:
    memory = Memory()
    at = np.arange(10_000, dtype=np.int64)
    memory.merge(at, at.astype(float), np.zeros(10_000, np.uint16))
    memory.forget(9_000)
    assert memory.stretch.source_at[0] == 9_000
    assert len(memory) == 1_000
    many = np.arange(10_000, 10_000 + ROWS_MAX + 5, dtype=np.int64)
    memory.merge(many, many.astype(float), np.zeros(len(many), np.uint16))
    memory.forget(0)
    assert len(memory) == ROWS_MAX
    assert memory.newest == many[-1]


def test_a_book_remembers_as_long_as_its_longest_window_and_the_late() -> None:
    book = DerivationBook([derived("avg(a, 1h)"), derived("a + b", NEXT)])
    assert book.inputs == {A: 3600 * S + LATE_US, B: LATE_US}
    assert book.signals == [OUT, NEXT]


# --- in any order -----------------------------------------------------------------------------------------------------

samples = st.lists(
    st.tuples(
        st.sampled_from([A, B]),
        st.integers(0, 240),
        st.floats(-100, 100, allow_nan=False).map(lambda number: round(number, 2)),
        st.sampled_from([int(Quality.GOOD)] * 6 + [int(Quality.UNCERTAIN), int(Quality.BAD_CONNECTION_LOST)]),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: (row[0], row[1]),
)


@pytest.mark.parametrize(
    "formula", ["a + b", "avg(a, 30s) - b", "max(a + b, 1m)", "a if b > 0 else -a", "rate(a, 20s)", "count(a, 45s)"]
)
@given(rows=samples, random=st.randoms(use_true_random=False), pieces=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_whatever_the_order_the_history_is_what_the_whole_gives(
    formula: str, rows: list[Row], random: Random, pieces: int
) -> None:
    one = derived(formula)
    came = list(rows)
    random.shuffle(came)
    came += came[: len(came) // 3]  # Some come twice.
    book = DerivationBook([one])
    history: dict[int, tuple[float, int]] = {}
    for piece in range(pieces):
        part = came[piece::pieces]
        if part:
            for outcomes in book.take([batch(*part)]):
                told = zip(outcomes.value.tolist(), outcomes.quality.tolist(), strict=True)
                history.update(zip(outcomes.at.tolist(), told, strict=True))
    found, expected = _drawn(_outcomes(history)), _drawn(_at_once(one, rows))
    assert [(at, quality) for at, _, quality in found] == [(at, quality) for at, _, quality in expected]
    assert [value for _, value, _ in found] == pytest.approx([value for _, value, _ in expected], abs=1e-7)


def _outcomes(history: dict[int, tuple[float, int]]) -> Outcomes:
    at = sorted(history)
    return Outcomes(
        OUT,
        np.array(at, np.int64),
        np.array([history[each][0] for each in at]),
        np.array([history[each][1] for each in at], np.uint16),
    )


def _at_once(one: Derived, rows: Sequence[Row]) -> Outcomes:
    """The outcomes of a book that knows everything before it is asked."""
    series = {}
    for number in one.formula.signals:
        mine = sorted((row for row in rows if row[0] == number), key=lambda row: row[1])
        whole = batch(*mine) if mine else batch(good(number, 0, 0.0)).rows(np.zeros(1, bool))
        series[number] = Series.of_stretch(Stretch(whole.source_at, whole.value, whole.quality), is_step=False)
    at = one.formula.instants(series, 0, T0 * 2)
    value, quality = one.formula.evaluate(series, at)
    return Outcomes(OUT, at, value, quality)


def _drawn(outcomes: Outcomes) -> list[tuple[int, float, int]]:
    """What a chart would show: gaps from their first instant, with a nought for a value."""
    shown = thinned(outcomes, follows_bad=False)
    return [
        (at, 0.0 if quality >= QUALITY_BAD_MIN else value, min(quality, QUALITY_BAD_MIN))
        for at, value, quality in zip(shown.at.tolist(), shown.value.tolist(), shown.quality.tolist(), strict=True)
    ]
