"""Conversion and sifting of whole columns, against a reference that looks at one sample at a time."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.conversion import convert, sift, time_is_credible
from pdm_app.engine.signal_book import SignalBook
from tests.counterparts.clocks import NOON
from tests.engine.memory import signal


def batch_of(*samples: tuple[int, float | str | None, int], quality: Quality = Quality.GOOD) -> Batch:
    """Samples as (signal, value, seconds after noon), received at noon and a minute."""
    return Batch.of(
        "line-1",
        [Sample(SignalId(s), value, quality, Micros(NOON + round(at_s * MICROS_PER_S))) for s, value, at_s in samples],
        Micros(NOON + 60 * MICROS_PER_S),
    )


def converted(book: SignalBook, batch: Batch) -> Batch:
    slots, _ = book.find(batch.signal)
    done = convert(batch, slots, book)
    return replace(batch, value=done.value, quality=done.quality)


def test_scale_and_offset_turn_raw_readings_into_the_unit() -> None:
    book = SignalBook([signal(1, scale=0.1, offset=-40.0), signal(2)])
    after = converted(book, batch_of((1, 650, 0), (2, 650, 0)))
    np.testing.assert_allclose(after.value, [25.0, 650.0])


def test_a_value_outside_the_range_is_clamped_and_uncertain() -> None:
    book = SignalBook([signal(1, range_low=0.0, range_high=10.0)])
    after = converted(book, batch_of((1, -0.5, 0), (1, 10.5, 1), (1, 10.0, 2)))
    np.testing.assert_array_equal(after.value, [0.0, 10.0, 10.0])
    assert [Quality(q) for q in after.quality] == [Quality.UNCERTAIN_CLAMPED, Quality.UNCERTAIN_CLAMPED, Quality.GOOD]


def test_a_worse_quality_is_never_replaced_by_a_better_one() -> None:
    book = SignalBook([signal(1, range_low=0.0, range_high=10.0)])
    bad = converted(book, batch_of((1, 99, 0), quality=Quality.BAD_DEVICE_FAILURE))
    assert bad.quality[0] == Quality.BAD_DEVICE_FAILURE
    uncertain = converted(book, batch_of((1, 99, 0), quality=Quality.UNCERTAIN))
    assert uncertain.quality[0] == Quality.UNCERTAIN


def test_nan_and_infinity_are_bad_and_text_is_not() -> None:
    book = SignalBook([signal(1), signal(2, data_type="text")])
    after = converted(book, batch_of((1, math.nan, 0), (1, math.inf, 1), (1, -math.inf, 2), (2, "2.4.1", 0)))
    assert [Quality(q) for q in after.quality] == [Quality.BAD_NOT_A_NUMBER] * 3 + [Quality.GOOD]
    assert np.isnan(after.value).all(), "no infinity reaches a rollup"


def test_a_time_is_credible_from_2000_to_ten_minutes_ahead() -> None:
    year_2000, day = 946_684_800 * MICROS_PER_S, 86_400 * MICROS_PER_S
    ahead = 600 * MICROS_PER_S
    times = np.array([0, year_2000 - 1, year_2000, NOON - 365 * day, NOON, NOON + ahead, NOON + ahead + 1])
    assert time_is_credible(times, NOON).tolist() == [False, False, True, True, True, True, False]


# --- sifting against a reference ----------------------------------------------------------------------------------


class Reference:
    """The same rules for one signal, one sample at a time, in plain Python."""

    def __init__(self, deadband: float, stale_after_s: float) -> None:
        self.deadband = deadband
        self.stale_us = round(stale_after_s * MICROS_PER_S)
        self.seen: Sample | None = None
        self.recorded: Sample | None = None

    def judge(self, sample: Sample) -> str:
        seen, recorded = self.seen, self.recorded
        if seen is not None and sample.source_at < seen.source_at:
            return "late"
        self.seen = sample
        if seen is not None and sample == seen:
            return "duplicate"
        if (
            recorded is not None
            and seen is not None
            and self.deadband > 0
            and sample.source_at > seen.source_at
            and not isinstance(sample.value, str)
            and sample.quality is recorded.quality
            and isinstance(sample.value, float)
            and isinstance(recorded.value, float)
            and abs(sample.value - recorded.value) <= self.deadband
            and sample.source_at - recorded.source_at < self.stale_us
        ):
            return "held"
        self.recorded = sample
        return "kept"


DEADBANDS = {1: 0.0, 2: 1.0, 3: 0.0, 4: 2.0}
samples = st.builds(
    Sample,
    signal=st.sampled_from([SignalId(number) for number in DEADBANDS]),
    value=st.sampled_from([0.0, 0.5, 1.0, 1.5, 3.0, 9.0]),
    quality=st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN]),
    source_at=st.integers(0, 40).map(lambda second: Micros(NOON + second * MICROS_PER_S)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(samples, max_size=12), max_size=6), st.booleans())
def test_columns_are_sifted_exactly_as_single_samples_would_be(batches: list[list[Sample]], in_order: bool) -> None:
    book = SignalBook([signal(number, deadband=band, stale_after_s=10.0) for number, band in DEADBANDS.items()])
    reference = {number: Reference(band, 10.0) for number, band in DEADBANDS.items()}
    for rows in batches:
        if in_order:
            rows = sorted(rows, key=lambda sample: sample.source_at)
        batch = Batch.of("line-1", rows, Micros(NOON + 60 * MICROS_PER_S))
        slots, _ = book.find(batch.signal)
        sifted = sift(batch, slots, book)
        for row, sample in enumerate(rows):
            verdict = reference[sample.signal].judge(sample)
            found = (bool(sifted.late[row]), bool(sifted.duplicate[row]), bool(sifted.held[row]))
            assert found == (verdict == "late", verdict == "duplicate", verdict == "held"), (row, sample)


def test_a_long_run_of_one_signal_is_sifted_at_once() -> None:
    book = SignalBook([signal(1)])
    batch = batch_of(*((1, float(second), second) for second in range(50)))
    sifted = sift(batch, book.find(batch.signal)[0], book)
    assert not (sifted.late | sifted.duplicate | sifted.held).any()
    assert book.seen_source_at[0] == NOON + 49 * MICROS_PER_S
    assert book.seen_value[0] == 49.0


def test_signals_that_stay_keep_what_was_seen_of_them_when_the_configuration_changes() -> None:
    before = SignalBook([signal(3), signal(5), signal(9)])
    before.seen_value[:] = [30.0, 50.0, 90.0]
    before.seen_text = {2: "nine"}
    after = SignalBook([signal(9), signal(4), signal(5)])
    old, new = after.inherit(before)
    assert (old.tolist(), new.tolist()) == ([1, 2], [1, 2])
    np.testing.assert_array_equal(after.seen_value, [np.nan, 50.0, 90.0])
    assert after.seen_text == {2: "nine"}


def test_an_unknown_signal_has_no_slot() -> None:
    book = SignalBook([signal(3), signal(5)])
    slots, known = book.find(np.array([5, 4, 3, 77], dtype=np.uint32))
    assert known.tolist() == [True, False, True, False]
    assert slots[known].tolist() == [1, 0]
    assert SignalBook([]).find([1])[1].tolist() == [False]
