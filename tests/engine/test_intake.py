"""The intake: what is shown, what is recorded, what is only counted."""

import math

import pytest

from pdm_app.domain.errors import BufferFullError, UnavailableError
from pdm_app.domain.samples import MICROS_PER_S, TEXT_MAX, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.intake import Intake
from pdm_app.engine.ledger import Count
from pdm_app.stream.bus import Overflow, Reader
from pdm_app.stream.frames import LiveFrames
from tests.counterparts.clocks import NOON
from tests.engine.intake_plant import HOUR_S, Plant
from tests.engine.memory import signal


def drained(reader: Reader[Batch]) -> list[Batch]:
    return reader.drain()


async def test_a_value_is_converted_shown_published_with_its_place_and_made_durable() -> None:
    plant = Plant(signal(1, scale=0.1))
    with plant.bus.reader(10, Overflow.DROP_OLDEST) as reader:
        ticket = plant.send(1, 21.0)
        [published] = drained(reader)
    await ticket.durable
    assert (ticket.seq, published.seq) == (1, 1)
    assert plant.shown(1).value == pytest.approx(2.1)
    assert plant.recorded(1) == [(0.0, pytest.approx(2.1), "GOOD")]
    assert plant.count(1, Count.RECEIVED) == plant.count(1, Count.OFFERED) == 1


async def test_a_full_buffer_refuses_and_counts_but_the_screen_goes_on() -> None:
    plant = Plant(signal(1))
    plant.buffer.samples_max = 0
    with plant.bus.reader(10, Overflow.DROP_OLDEST) as reader, pytest.raises(BufferFullError):
        plant.send(1, 5.0)
    assert [batch.seq for batch in drained(reader)] == [0]
    assert plant.shown(1).value == 5.0
    assert plant.count(1, Count.REFUSED) == 1
    assert plant.count(1, Count.OFFERED) == 0


async def test_an_incredible_source_time_is_refused_and_named_until_the_clock_is_right() -> None:
    plant = Plant(signal(1))
    plant.send(1, 1.0, age_s=-601)
    plant.send(1, 2.0, age_s=60 * 365 * 24 * HOUR_S)
    assert plant.recorded(1) == []
    assert plant.latest.sample(1) is None
    assert plant.count(1, Count.REJECTED_TIME) == 2
    assert "Set the device's clock" in plant.intake.faults([1])[1]
    plant.pass_s(1)
    plant.send(1, 3.0)
    assert plant.intake.faults([1]) == {}


async def test_good_rows_of_a_batch_are_kept_beside_bad_ones() -> None:
    plant = Plant(signal(1), signal(2), signal(3))
    now = plant.clock.now()
    rows = [
        Sample(SignalId(1), 1.0, Quality.GOOD, now),
        Sample(SignalId(99), 9.0, Quality.GOOD, now),
        Sample(SignalId(2), 2.0, Quality.GOOD, Micros(5)),
        Sample(SignalId(3), 3.0, Quality.GOOD, now),
    ]
    ticket = plant.intake.accept(Batch.of("line-1", rows, now))
    assert ticket.seq == 1
    assert [sample.signal for sample in plant.buffer.samples()] == [1, 3]
    assert plant.intake.ledger.unknown == 1
    assert plant.intake.ledger.totals()[Count.REJECTED_TIME] == 1


async def test_text_that_is_no_unicode_or_has_no_end_is_shown_and_stored_as_far_as_it_is_text() -> None:
    plant = Plant(signal(1), signal(2))
    broken = b"pump \xff ready".decode(errors="surrogateescape")  # As OPC UA libraries hand on what is no UTF-8.
    plant.send(1, broken)
    plant.send(2, "x" * 5000)
    assert plant.shown(1).value == "pump ? ready"
    assert plant.recorded(1)[0][1] == "pump ? ready"
    assert len(str(plant.shown(2).value)) == TEXT_MAX
    frame = LiveFrames(plant.latest, plant.clock).snapshot([1])
    assert b'"pump ? ready"' in frame


async def test_inside_the_deadband_the_screen_moves_and_history_does_not() -> None:
    plant = Plant(signal(1, deadband=0.5, stale_after_s=10.0))
    for value in (10.0, 10.4, 9.6, 10.6):
        plant.send(1, value)
        plant.pass_s(1)
    assert [row[1] for row in plant.recorded(1)] == [10.0, 10.6]
    assert plant.count(1, Count.HELD) == 2
    plant.send(1, 10.7)
    assert plant.shown(1).value == 10.7
    assert len(plant.recorded(1)) == 2


async def test_a_level_signal_is_recorded_once_per_stale_time_so_that_it_is_no_gap() -> None:
    plant = Plant(signal(1, deadband=0.5, stale_after_s=10.0))
    for _ in range(31):
        plant.send(1, 10.0)
        plant.pass_s(1)
    assert [row[0] for row in plant.recorded(1)] == [0.0, 10.0, 20.0, 30.0]


async def test_a_repeated_sample_is_counted_and_not_recorded_again() -> None:
    plant = Plant(signal(1))
    plant.send(1, 5.0)
    ticket = plant.send(1, 5.0)
    assert ticket.seq == 0
    assert ticket.durable.done(), "there is nothing to wait for"
    plant.send(1, 6.0)
    assert [row[1] for row in plant.recorded(1)] == [5.0, 6.0], "another value at the same instant is another sample"
    assert plant.count(1, Count.DUPLICATE) == 1


async def test_a_late_sample_is_recorded_and_counted_but_does_not_move_the_screen() -> None:
    plant = Plant(signal(1, deadband=5.0))
    plant.send(1, 5.0)
    plant.send(1, 4.0, age_s=30)
    assert plant.shown(1).value == 5.0
    assert plant.recorded(1) == [(0.0, 5.0, "GOOD"), (-30.0, 4.0, "GOOD")]
    assert plant.count(1, Count.LATE) == 1


async def test_text_is_recorded_when_it_comes_and_repeats_are_found_by_their_words() -> None:
    plant = Plant(signal(1, data_type="text"))
    plant.send(1, "2.4.0")
    plant.send(1, "2.4.0")
    plant.send(1, "2.4.1")
    assert [row[1] for row in plant.recorded(1)] == ["2.4.0", "2.4.1"]
    assert plant.count(1, Count.NOT_A_NUMBER) == 0


# --- stamps -------------------------------------------------------------------------------------------------------


async def test_a_lost_link_is_stamped_once_with_the_last_value_still_on_screen() -> None:
    plant = Plant(signal(1))
    plant.send(1, 5.0)
    plant.pass_s(3)
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    assert plant.shown(1) == Sample(SignalId(1), 5.0, Quality.BAD_CONNECTION_LOST, Micros(NOON)), "value and age stay"
    assert plant.recorded(1) == [(0.0, 5.0, "GOOD"), (3.0, None, "BAD_CONNECTION_LOST")]
    plant.pass_s(1)
    plant.send(1, 6.0)
    assert plant.shown(1).quality is Quality.GOOD
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    assert len(plant.recorded(1)) == 4, "the next loss is another one"


@pytest.mark.parametrize("clock_behind_s", [300.0, -300.0])
async def test_a_stamp_lies_on_the_sources_own_clock(clock_behind_s: float) -> None:
    plant = Plant(signal(1))
    plant.send(1, 5.0, age_s=clock_behind_s)
    plant.pass_s(3)
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    plant.pass_s(3)
    plant.send(1, 6.0, age_s=clock_behind_s)
    assert [row[0] for row in plant.recorded(1)] == [-clock_behind_s, 3 - clock_behind_s, 6 - clock_behind_s]


async def test_a_sample_sent_again_after_its_signal_fell_silent_is_neither_recorded_nor_shown_anew() -> None:
    plant = Plant(signal(1, stale_after_s=10))
    plant.send(1, 5.0)
    plant.pass_s(30)
    assert plant.intake.stamp_stale() == 1
    plant.pass_s(1)
    plant.send(1, 5.0, age_s=31)  # A device that never got its answer tries once more.
    assert plant.shown(1).quality is Quality.BAD_STALE
    assert plant.intake.stamp_stale() == 0, "it is stamped already"
    assert [(row[0], row[2]) for row in plant.recorded(1)] == [(0.0, "GOOD"), (30.0, "BAD_STALE")]
    plant.send(1, 6.0)
    assert plant.shown(1).quality is Quality.GOOD
    assert [row[0] for row in plant.recorded(1)] == [0.0, 30.0, 31.0]


async def test_what_a_device_posts_again_after_a_restart_is_neither_dated_anew_nor_shown_as_new() -> None:
    plant = Plant(signal(1, stale_after_s=1e9))
    plant.intake.recall([Sample(SignalId(1), 5.0, Quality.GOOD, Micros(plant.clock.at - 3 * MICROS_PER_S))])
    plant.send(1, 5.0, age_s=3, may_repeat=True)  # It was recorded; the answer was lost with the process.
    assert plant.recorded(1) == []
    assert plant.shown(1).quality is Quality.BAD_WAITING
    plant.send(1, 6.0, may_repeat=True)
    assert (plant.shown(1).quality, plant.recorded(1)) == (Quality.GOOD, [(0.0, 6.0, "GOOD")])


async def test_a_value_that_has_not_changed_for_a_year_ends_its_gap_when_it_is_announced_again() -> None:
    plant = Plant(signal(1, stale_after_s=1e9))
    year_s = 365 * 24 * HOUR_S
    plant.send(1, 5.0, age_s=year_s)
    plant.pass_s(3)
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    for back_s in (10.0, 20.0):  # Lost twice: the second gap is dated after the first as well.
        plant.pass_s(back_s)
        plant.send(1, 5.0, age_s=year_s + (plant.clock.at - NOON) / MICROS_PER_S)
        assert plant.shown(1).quality is Quality.GOOD
        plant.pass_s(1)
        plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    assert [(row[0], row[2]) for row in plant.recorded(1)] == [
        (-year_s, "GOOD"),
        (3.0, "BAD_CONNECTION_LOST"),
        (13.0, "GOOD"),
        (14.0, "BAD_CONNECTION_LOST"),
        (34.0, "GOOD"),
        (35.0, "BAD_CONNECTION_LOST"),
    ]


async def test_a_signal_that_never_came_is_marked_but_has_no_gap_in_history() -> None:
    plant = Plant(signal(1))
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    assert plant.recorded(1) == []
    assert plant.intake.is_stamped(1)


async def test_a_silent_signal_becomes_stale_and_heals_by_itself() -> None:
    plant = Plant(signal(1, stale_after_s=5.0), signal(2, stale_after_s=60.0))
    plant.send(1, 1.0)
    plant.send(2, 2.0)
    plant.pass_s(5)
    assert plant.intake.stamp_stale() == 0
    plant.pass_s(1)
    assert plant.intake.stamp_stale() == 1
    assert plant.intake.stamp_stale() == 0, "once"
    assert (plant.shown(1).quality, plant.shown(2).quality) == (Quality.BAD_STALE, Quality.GOOD)
    plant.send(1, 1.0)
    assert plant.shown(1).quality is Quality.GOOD


async def test_a_source_that_repeats_an_old_source_time_is_silent() -> None:
    plant = Plant(signal(1, stale_after_s=5.0))
    for second in range(8):
        plant.send(1, 1.0, age_s=second)
        plant.pass_s(1)
    assert plant.intake.stamp_stale() == 1


async def test_a_bad_row_without_a_value_is_a_stamp_and_keeps_the_last_value_on_screen() -> None:
    plant = Plant(signal(1))
    plant.send(1, 5.0)
    for _ in range(3):
        plant.pass_s(1)
        plant.send(1, math.nan, quality=Quality.BAD_DEVICE_FAILURE)
    assert plant.shown(1).value == 5.0
    assert plant.shown(1).quality is Quality.BAD_DEVICE_FAILURE
    assert [row[2] for row in plant.recorded(1)] == ["GOOD", "BAD_DEVICE_FAILURE"], "one gap, not one row per poll"


async def test_after_a_stamp_a_value_inside_the_deadband_is_recorded_again() -> None:
    plant = Plant(signal(1, deadband=5.0))
    plant.send(1, 5.0)
    plant.pass_s(1)
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    plant.pass_s(1)
    plant.send(1, 6.0)
    assert [row[2] for row in plant.recorded(1)] == ["GOOD", "BAD_CONNECTION_LOST", "GOOD"]


# --- life ---------------------------------------------------------------------------------------------------------


async def test_counts_and_last_values_outlive_a_change_of_the_configuration() -> None:
    plant = Plant(signal(1), signal(2))
    plant.send(2, 5.0)
    plant.intake.reload([signal(2, scale=10.0), signal(7)])
    assert plant.count(2, Count.RECEIVED) == 1
    assert plant.count(1, Count.RECEIVED) == plant.count(7, Count.RECEIVED) == 0
    plant.pass_s(1)
    plant.send(2, 5.0)
    assert plant.shown(2).value == 50.0


async def test_what_history_knows_is_shown_as_old_until_something_comes() -> None:
    plant = Plant(signal(1))
    before = Micros(NOON - HOUR_S * MICROS_PER_S)
    plant.intake.recall(
        [Sample(SignalId(1), 4.0, Quality.GOOD, before), Sample(SignalId(9), 1.0, Quality.GOOD, before)]
    )
    assert plant.shown(1) == Sample(SignalId(1), 4.0, Quality.BAD_WAITING, before)
    assert plant.recorded(1) == [], "nothing happened yet"
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    assert plant.recorded(1) == [(0.0, None, "BAD_CONNECTION_LOST")], "the gap since the last run has a beginning"
    plant.pass_s(1)
    plant.send(1, 5.0)
    assert plant.shown(1).quality is Quality.GOOD


async def test_a_standby_takes_nothing() -> None:
    plant = Plant(signal(1))
    intake = Intake([signal(1)], plant.bus, plant.latest, plant.buffer, plant.clock, may_collect=lambda: False)
    with pytest.raises(UnavailableError, match="another process"):
        intake.accept(Batch.of("d", [Sample(SignalId(1), 1.0, Quality.GOOD, plant.clock.now())], plant.clock.now()))
    assert not plant.buffer.batches


async def test_ten_thousand_samples_are_taken_at_once() -> None:
    plant = Plant(*(signal(number) for number in range(1, 1001)))
    samples = [Sample(SignalId(n), float(n), Quality.GOOD, Micros(NOON + k)) for k in range(10) for n in range(1, 1001)]
    batch = Batch.of("line-1", samples, plant.clock.now())
    plant.intake.accept(batch)
    assert plant.intake.ledger.totals()[Count.OFFERED] == 10_000
