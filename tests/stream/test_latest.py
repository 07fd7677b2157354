"""The newest value of every signal stays the newest, whatever arrives and in whatever order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.stream.latest import GROWTH, Latest


def sample(signal: int, at: int, value: float | str, quality: Quality = Quality.GOOD) -> Sample:
    return Sample(SignalId(signal), value, quality, Micros(at))


def batch(*samples: Sample, received_at: int = 1) -> Batch:
    return Batch.of("line", samples, Micros(received_at))


def test_the_newest_source_time_wins_and_late_data_changes_nothing() -> None:
    latest = Latest()
    latest.merge(batch(sample(7, 20, 2.0)))
    latest.merge(batch(sample(7, 10, 1.0)))
    assert latest.sample(7) == sample(7, 20, 2.0)


def test_rows_of_one_batch_may_stand_in_any_order() -> None:
    latest = Latest()
    latest.merge(batch(sample(7, 30, 3.0), sample(8, 10, 1.0), sample(7, 20, 2.0)))
    assert latest.sample(7) == sample(7, 30, 3.0)


def test_text_is_kept_beside_the_numbers() -> None:
    latest = Latest()
    latest.merge(batch(sample(1, 10, 5.0), sample(2, 10, "2.4.1")))
    assert latest.sample(2) == sample(2, 10, "2.4.1")


def test_a_number_after_a_text_leaves_nothing_of_the_text() -> None:
    latest = Latest()
    latest.merge(batch(sample(1, 10, "starting"), sample(2, 10, "2.4.1")))
    latest.merge(batch(sample(1, 30, 5.0), sample(1, 20, "running")))
    assert latest.sample(1) == sample(1, 30, 5.0)
    assert latest.sample(2) == sample(2, 10, "2.4.1")


def test_a_lost_link_changes_the_quality_and_keeps_value_and_age() -> None:
    latest = Latest()
    latest.merge(batch(sample(7, 20, 2.0)))
    latest.mark([7], Quality.BAD_CONNECTION_LOST, Micros(99))
    assert latest.sample(7) == sample(7, 20, 2.0, Quality.BAD_CONNECTION_LOST)


def test_a_signal_that_never_had_a_value_has_none() -> None:
    assert Latest().sample(7) is None


def test_a_plant_larger_than_one_block_of_slots_fits() -> None:
    latest = Latest()
    many = GROWTH * 2 + 5
    latest.merge(batch(*(sample(signal, 10, float(signal)) for signal in range(1, many))))
    assert latest.sample(many - 1) == sample(many - 1, 10, float(many - 1))


def test_listeners_hear_only_the_slots_that_changed() -> None:
    latest = Latest()
    latest.merge(batch(sample(1, 10, 1.0), sample(2, 10, 1.0)))
    heard: list[np.ndarray] = []
    with latest.listening(heard.append):
        latest.merge(batch(sample(2, 20, 2.0), sample(1, 5, 0.0)))
    latest.merge(batch(sample(1, 30, 2.0)))
    assert [slots.tolist() for slots in heard] == [latest.slots([2]).tolist()]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 50)), min_size=1, max_size=40), st.integers(1, 10))
def test_any_order_and_split_ends_with_the_newest(readings: list[tuple[int, int]], split: int) -> None:
    latest = Latest()
    samples = [sample(signal, at, float(at)) for signal, at in readings]
    for start in range(0, len(samples), split):
        latest.merge(batch(*samples[start : start + split]))
    for signal in {signal for signal, _ in readings}:
        newest = max(at for other, at in readings if other == signal)
        assert latest.sample(signal) == sample(signal, newest, float(newest))
