"""The intake beside a buffer that is full or fails: acknowledged is kept, refused comes again and is kept then."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.errors import BufferFullError
from pdm_app.domain.samples import Batch, Quality, Sample, SignalId
from pdm_app.engine.ledger import Count
from tests.counterparts.clocks import settle
from tests.engine.intake_plant import Plant
from tests.engine.memory import signal


async def test_a_sample_sent_again_after_a_full_buffer_is_recorded_before_it_is_acknowledged() -> None:
    plant = Plant(signal(1))
    plant.buffer.samples_max = 0
    with pytest.raises(BufferFullError):
        plant.send(1, 2.5)
    with pytest.raises(BufferFullError):
        plant.send(1, 2.5)
    plant.buffer.samples_max = 100
    assert plant.send(1, 2.5).seq == 1
    assert plant.recorded(1) == [(0.0, 2.5, "GOOD")]
    plant.send(1, 2.5)
    assert len(plant.recorded(1)) == 1


async def test_a_value_inside_the_deadband_of_one_that_was_refused_is_recorded() -> None:
    plant = Plant(signal(1, deadband=1.0))
    plant.buffer.samples_max = 0
    with pytest.raises(BufferFullError):
        plant.send(1, 10.0)
    plant.buffer.samples_max = 100
    plant.pass_s(1)
    plant.send(1, 10.4)
    assert plant.recorded(1) == [(1.0, 10.4, "GOOD")]


async def test_a_sample_sent_again_while_its_commit_is_pending_waits_for_that_commit() -> None:
    plant = Plant(signal(1))
    pending = plant.buffer.hold_commits()
    first, again = plant.send(1, 2.5), plant.send(1, 2.5)
    assert not again.durable.done()
    pending[0].set_result(None)
    await asyncio.wait([first.durable, again.durable])
    assert again.durable.exception() is None
    assert plant.count(1, Count.DUPLICATE) == 1


async def test_a_sample_sent_again_after_a_failed_commit_is_recorded() -> None:
    plant = Plant(signal(1), signal(2))
    plant.send(2, 7.0)
    pending = plant.buffer.hold_commits()
    plant.send(1, 2.5)
    pending[0].set_exception(OSError(28, "No space left on device"))
    at_once = plant.send(1, 2.5)
    assert isinstance(at_once.durable.exception(), OSError)
    await settle()
    assert (plant.count(1, Count.LOST), plant.count(2, Count.LOST)) == (1, 0)
    untouched = plant.send(2, 7.0)
    assert untouched.durable.done()
    assert untouched.durable.exception() is None
    assert plant.send(1, 2.5).seq > 0


async def test_a_signal_reported_gone_to_a_full_buffer_is_not_acknowledged() -> None:
    plant = Plant(signal(1))
    plant.send(1, 2.5)
    plant.buffer.samples_max = 0
    plant.pass_s(1)
    for _ in range(2):
        with pytest.raises(BufferFullError):
            plant.send(1, None, quality=Quality.BAD_DEVICE_FAILURE)
    plant.buffer.samples_max = 100
    plant.send(1, None, quality=Quality.BAD_DEVICE_FAILURE)
    assert [quality for _, _, quality in plant.recorded(1)] == ["GOOD", "BAD_DEVICE_FAILURE"]


async def test_a_late_sample_that_is_kept_does_not_make_a_newer_refused_one_look_kept() -> None:
    plant = Plant(signal(1))
    plant.buffer.samples_max = 0
    refused = [(1.0, 5.0), (2.0, 4.0), (3.0, 3.0)]  # Value and age.
    for value, age_s in refused:
        with pytest.raises(BufferFullError):
            plant.send(1, value, age_s=age_s)
    plant.buffer.samples_max = 100
    for value, age_s in refused:  # As a broker sends them again, oldest first.
        assert plant.send(1, value, age_s=age_s).seq > 0
    assert [row[1] for row in plant.recorded(1)] == [1.0, 2.0, 3.0]


async def test_a_refused_sample_that_comes_again_after_a_lost_link_keeps_its_own_time() -> None:
    plant = Plant(signal(1))
    plant.buffer.samples_max = 0
    with pytest.raises(BufferFullError):
        plant.send(1, 5.0)
    plant.pass_s(3)
    plant.buffer.samples_max = 100
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    plant.pass_s(3)
    plant.send(1, 5.0, age_s=6)
    assert sorted(row[0] for row in plant.recorded(1)) == [0.0, 3.0]


async def test_a_refused_stamp_is_recorded_with_the_next_attempt_and_then_no_more() -> None:
    plant = Plant(signal(1))
    plant.send(1, 5.0)
    plant.buffer.samples_max = 0
    plant.pass_s(1)
    plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    plant.buffer.samples_max = 100
    for _ in range(3):
        plant.pass_s(1)
        plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
    assert [(row[0], row[2]) for row in plant.recorded(1)] == [(0.0, "GOOD"), (2.0, "BAD_CONNECTION_LOST")]


async def test_a_signal_that_is_gone_hides_no_other_of_its_batch_from_the_screen() -> None:
    plant = Plant(signal(1), signal(2))
    plant.send(1, 1.0)
    plant.buffer.samples_max = 0
    plant.pass_s(1)
    now = plant.clock.now()
    rows = [
        Sample(SignalId(1), None, Quality.BAD_DEVICE_FAILURE, now),
        Sample(SignalId(2), 2.0, Quality.GOOD, now),
    ]
    with pytest.raises(BufferFullError):
        plant.intake.accept(Batch.of("line-1", rows, now))
    assert plant.shown(2).value == 2.0
    assert plant.shown(1).quality is Quality.BAD_DEVICE_FAILURE


STEPS = ("new", "new", "again", "fill", "empty", "lose the link", "fail a commit")
steps = st.lists(
    st.sampled_from(["new", "new", "again", "fill", "empty", "lose the link", "fail a commit"]), max_size=40
)


@settings(max_examples=400, deadline=None)
@given(steps)
def test_whatever_happens_every_acknowledged_sample_is_recorded(script: list[str]) -> None:
    """A sender keeps what was not acknowledged and sends it again, oldest first, at any later time."""
    asyncio.run(_play(script))


async def _play(script: list[str]) -> None:
    plant = Plant(signal(1))
    unacknowledged: list[tuple[float, int]] = []  # Value and source time.
    value = 0.0
    lost: set[int] = set()  # Batches whose commit failed, by index.
    for step in script:
        plant.pass_s(1)
        if step == "fill":
            plant.buffer.samples_max = 0
        elif step == "empty":
            plant.buffer.samples_max = 10**6
        elif step == "lose the link":
            plant.intake.stamp([1], Quality.BAD_CONNECTION_LOST)
        elif step == "new" or not unacknowledged:
            value += 1.0
            unacknowledged.append((value, plant.clock.at))
        if step not in ("new", "again", "fail a commit"):
            continue
        pending = plant.buffer.hold_commits()
        sent, source_at = unacknowledged[-1 if step == "new" else 0]
        try:
            ticket = plant.send(1, sent, age_s=(plant.clock.at - source_at) / 1e6)
        except BufferFullError:
            continue
        for durable in pending:
            if step == "fail a commit":
                lost.add(len(plant.buffer.batches) - 1)
                durable.set_exception(OSError(28, "No space left on device"))
            else:
                durable.set_result(None)
        await asyncio.wait([ticket.durable])
        await settle()
        if ticket.durable.exception() is None:
            unacknowledged.remove((sent, source_at))
            kept = {
                (sample.value, int(sample.source_at))
                for row, batch in enumerate(plant.buffer.batches)
                if row not in lost
                for sample in batch.samples()
            }
            assert (sent, source_at) in kept
