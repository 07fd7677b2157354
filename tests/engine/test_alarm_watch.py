"""The watch: fast to the screen, in order to the store, and the same journal whatever happens to the process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.alarms import AlarmRule, AlarmState, JournalEntry
from pdm_app.domain.errors import FencedError, UnavailableError
from pdm_app.domain.samples import Quality
from pdm_app.engine.alarm_watch import BATCHES_WAITING_MAX, CONSUMER
from pdm_app.stream.bus import Overflow
from tests.counterparts.clocks import NOON, settle
from tests.engine.alarm_plant import AlarmPlant, KilledError, S, batch_of, limit

A, B, C, D, *_ = AlarmState
MakePlant = Callable[..., Awaitable[AlarmPlant]]


@pytest.fixture
async def plant_of() -> AsyncIterator[MakePlant]:
    """Make running plants; whatever still runs at the end is killed."""
    made: list[AlarmPlant] = []

    async def make(*rules: AlarmRule, **bounds: float) -> AlarmPlant:
        plant = AlarmPlant(rules, **bounds)  # type: ignore[arg-type]
        made.append(plant)
        await plant.start()
        return plant

    yield make
    for plant in made:
        await plant.kill()


def kinds(entries: list[JournalEntry]) -> list[tuple[str, str, float]]:
    return [(entry.rule_id, entry.kind.value, (entry.at - NOON) / S) for entry in entries]


# --- screen before store ------------------------------------------------------------------------------------------


async def test_a_change_is_published_before_the_database_has_answered(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    with plant.book.changes.reader(10, Overflow.DROP_OLDEST) as screen:
        plant.store.open.clear()
        await plant.send((1, 11.0, NOON))
        assert (await screen.get()).alarm.state is B
        assert plant.journal == []
        plant.store.open.set()
        await settle()
    assert kinds(plant.journal) == [("hot", "raised", 0.0)]
    assert plant.store.tables.memories["hot"].state is B
    assert next(iter(plant.store.tables.alarms.values())).state is B


async def test_memory_alarm_and_journal_are_stored_in_one_transaction(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1), limit("hotter", 1, high=20.0))
    commits = plant.store.commits
    await plant.send((1, 25.0, NOON))
    assert plant.store.commits == commits + 1
    assert len(plant.journal) == 2


async def test_who_tells_people_hears_of_changes_when_they_are_stored_and_not_before(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    heard: list[int] = []
    plant.watch.on_events = lambda: heard.append(len(plant.journal))
    plant.store.open.clear()
    await plant.send((1, 11.0, NOON))
    assert heard == []
    plant.store.open.set()
    await settle()
    assert heard == [1]
    await plant.clock.advance(10)
    assert heard == [1], "nothing has happened since"


async def test_the_position_is_confirmed_after_the_store_and_never_ahead_of_the_disk(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    plant.buffer.holds = True
    await plant.send((1, 11.0, NOON))
    await plant.clock.advance(2)
    assert CONSUMER not in plant.buffer.positions  # The store has it, the disk of the buffer has not.
    plant.buffer.commit()
    await settle()
    assert plant.buffer.positions[CONSUMER] == 1


async def test_a_checkpoint_stores_how_far_quiet_rules_were_judged(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    await plant.send((1, 5.0, NOON + 7))
    await plant.clock.advance(2)
    assert plant.store.tables.memories["hot"].evaluated_to == NOON + 7


# --- silence ------------------------------------------------------------------------------------------------------


async def test_a_signal_that_goes_silent_beyond_its_limit_is_raised_when_the_delay_is_over(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1, on_delay_s=5), lateness_s=2)
    await plant.send((1, 11.0, NOON))
    await plant.clock.advance(6.9)
    assert plant.book.transitions == 0
    await plant.clock.advance(0.5)
    assert kinds(plant.journal) == [("hot", "raised", 5.0)]


async def test_a_device_clock_that_is_an_hour_off_does_not_shorten_a_delay(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1, on_delay_s=5), lateness_s=2)
    await plant.send((1, 11.0, NOON - 3600 * S))
    await plant.clock.advance(6.9)
    assert plant.book.transitions == 0
    await plant.clock.advance(0.5)
    assert kinds(plant.journal) == [("hot", "raised", -3595.0)]


async def test_a_lost_link_holds_a_delay_for_ever(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1, on_delay_s=5))
    await plant.send((1, 11.0, NOON))
    await plant.send((1, float("nan"), NOON + 1, Quality.BAD_CONNECTION_LOST), later_s=1)
    await plant.clock.advance(30)
    assert plant.book.transitions == 0
    assert plant.watch.status.delays_running == 1


# --- from bus and buffer ------------------------------------------------------------------------------------------


async def test_a_reader_that_fell_behind_takes_what_it_missed_from_the_buffer(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    for number in range(BATCHES_WAITING_MAX + 5):
        plant.deliver((1, 11.0 if number % 2 else 5.0, NOON + number))
    await plant.clock.advance(0)
    while plant.watch.status.judged < BATCHES_WAITING_MAX + 5:
        await settle()
    status = plant.watch.status
    assert (status.fell_behind, status.judged, status.is_live) == (1, BATCHES_WAITING_MAX + 5, True)
    assert plant.book.transitions == BATCHES_WAITING_MAX + 4


async def test_a_batch_missed_before_the_reader_opened_is_waited_for_and_judged_first(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    await plant.kill()
    plant.buffer.holds = True
    plant.deliver((1, 11.0, NOON))  # Offered while nobody listens, and committed only later.
    await plant.start()
    plant.deliver((1, 5.0, NOON + S))
    await settle()
    assert plant.book.transitions == 0
    plant.buffer.commit()
    await settle()
    assert kinds(plant.journal) == [("hot", "raised", 0.0), ("hot", "returned", 1.0)]
    assert plant.watch.status.judged == 2


async def test_a_batch_that_the_full_buffer_refused_is_judged_all_the_same(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    plant.bus.publish(batch_of((1, 11.0, NOON)))
    await settle()
    assert kinds(plant.journal) == [("hot", "raised", 0.0)]


async def test_draining_judges_what_waits_and_stores_and_confirms_everything(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    plant.deliver((1, 11.0, NOON))
    await plant.watch.drain()
    assert kinds(plant.journal) == [("hot", "raised", 0.0)]
    assert plant.buffer.positions[CONSUMER] == 1


# --- the database is out ------------------------------------------------------------------------------------------


async def test_without_the_database_alarms_stand_at_once_and_are_stored_in_order_later(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    plant.store.is_down = True
    for second in range(20):
        await plant.send((1, 11.0 if second % 2 == 0 else 5.0, NOON + second * S), later_s=1)
    assert plant.book.unsaved == 20
    assert plant.watch.status.storing_failed_since is not None
    assert plant.buffer.positions == {}
    plant.store.is_down = False
    await plant.clock.advance(10)
    assert plant.book.unsaved == 0
    assert plant.watch.status.storing_failed_since is None
    assert kinds(plant.journal) == [
        ("hot", "raised" if second % 2 == 0 else "returned", float(second)) for second in range(20)
    ]
    assert plant.buffer.positions[CONSUMER] == 20


async def test_at_the_bound_judging_stops_and_goes_on_where_it_stopped(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1), unsaved_max=10)
    plant.store.is_down = True
    for second in range(30):
        await plant.send((1, 11.0 if second % 2 == 0 else 5.0, NOON + second * S), later_s=1)
    assert (plant.book.unsaved, plant.watch.status.is_paused) == (10, True)
    with pytest.raises(UnavailableError, match="already wait for the database"):
        plant.book.remark(plant.book.standing(lambda _: True)[0], plant.clock.now(), "anna", "hm")
    plant.store.is_down = False
    await plant.clock.advance(20)
    assert len(plant.journal) == 30
    assert not plant.watch.status.is_paused


async def test_a_bug_in_storing_ends_the_watch_loudly(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    plant.fate.killed_at = plant.fate.operations + 2
    await plant.send((1, 11.0, NOON))
    assert plant.task is not None
    with pytest.raises(KilledError):
        await plant.task


# --- two processes ------------------------------------------------------------------------------------------------


async def test_a_standby_takes_no_acts_and_starts_from_what_the_leader_stored_last(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    await plant.send((1, 11.0, NOON))
    await plant.kill()
    plant.may_lead.clear()
    await plant.start()
    await plant.watch.load()
    alarm = plant.book.standing(lambda _: True)[0]
    with pytest.raises(UnavailableError, match="does not watch the alarms"):
        plant.book.acknowledge(alarm.id, plant.clock.now(), "anna", "")
    stored = {alarm.id: alarm.model_copy(update={"state": C})}
    memory = plant.store.tables.memories["hot"].model_copy(update={"state": C})
    plant.store.tables.alarms, plant.store.tables.memories = stored, {"hot": memory}
    plant.may_lead.set()
    await settle()
    assert plant.book.standing(lambda _: True)[0].state is C


async def test_a_process_that_has_lost_its_lease_stores_nothing_and_ends(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    plant.store.token = 2
    await plant.send((1, 11.0, NOON))
    assert plant.task is not None
    with pytest.raises(FencedError):
        await plant.task
    assert plant.journal == []


# --- changed rules ------------------------------------------------------------------------------------------------


async def test_a_rule_that_is_switched_off_clears_its_alarm(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1), limit("hotter", 1, high=20.0))
    await plant.send((1, 25.0, NOON))
    await plant.clock.advance(1)
    plant.store.tables.rules["hot"] = limit("hot", 1, enabled=False)
    await plant.watch.reload()
    await settle()
    assert [alarm.rule_id for alarm in plant.book.standing(lambda _: True)] == ["hotter"]
    assert [entry.kind.value for entry in plant.journal if entry.rule_id == "hot"] == ["raised", "cleared"]
    assert plant.store.tables.memories["hot"].state is A


async def test_a_rule_that_is_added_is_in_force_from_the_next_sample(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    await plant.send((1, 25.0, NOON))
    plant.store.tables.rules["hotter"] = limit("hotter", 1, high=20.0)
    await plant.watch.reload()
    await plant.send((1, 25.0, NOON + S))
    assert kinds(plant.journal) == [("hot", "raised", 0.0), ("hotter", "raised", 1.0)]


# --- kill -9 ------------------------------------------------------------------------------------------------------


async def test_states_delays_and_acknowledgements_survive_a_kill(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1), limit("slow", 2, on_delay_s=10))
    await plant.send((1, 11.0, NOON), (2, 11.0, NOON))
    _, stored = plant.book.acknowledge(plant.book.standing(lambda _: True)[0].id, plant.clock.now(), "anna", "seen")
    await settle()
    assert stored.done()
    await plant.clock.advance(4)
    await plant.kill()
    await plant.start()
    alarm = plant.book.standing(lambda _: True)[0]
    assert (alarm.state, alarm.acknowledged_by, alarm.comment) == (C, "anna", "seen")
    await plant.send((2, 11.0, NOON + 10 * S), later_s=6)
    assert ("slow", "raised", 10.0) in kinds(plant.journal)


async def test_a_late_sample_is_ignored_also_after_a_kill(plant_of: MakePlant) -> None:
    plant = await plant_of(limit("hot", 1))
    await plant.send((1, 5.0, NOON + 10 * S))
    await plant.clock.advance(2)
    await plant.kill()
    await plant.start()
    await plant.send((1, 11.0, NOON + 9 * S))
    assert plant.book.transitions == 0


RULES = (
    limit("hot", 1),
    limit("hot-slow", 1, high=12.0, on_delay_s=3, off_delay_s=2),
    limit("wet-slow", 2, on_delay_s=2),
)
VALUES = st.sampled_from([5.0, 9.5, 11.0, 13.0])
QUALITIES = st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.GOOD, Quality.BAD])


@dataclass(frozen=True)
class Event:
    """What happens after some time: samples (signal, value, milliseconds under way, quality) and acknowledgements."""

    later_s: float
    samples: tuple[tuple[int, float, int, Quality], ...] = ()
    acknowledged: str = ""


def streams(under_way_ms_max: int, *, people: bool) -> st.SearchStrategy[list[Event]]:
    """Any events; samples arrive in any order as far as the time they may be under way allows."""
    sample = st.tuples(st.sampled_from([1, 2]), VALUES, st.integers(0, under_way_ms_max), QUALITIES)
    samples = st.lists(sample, min_size=1, max_size=3).map(tuple)
    kinds = [
        st.builds(Event, later_s=st.sampled_from([0.3, 1.0, 2.5]), samples=samples),
        st.builds(Event, later_s=st.sampled_from([1.0, 6.0])),
    ]
    if people:
        rule_ids = st.sampled_from([rule.id for rule in RULES])
        kinds.append(st.builds(Event, later_s=st.sampled_from([0.1, 1.0]), acknowledged=rule_ids))
    return st.lists(st.one_of(kinds), min_size=1, max_size=25)


async def _live(events: list[Event], killed_at: int | None, lateness_s: float) -> tuple[list[object], int]:
    """Play events to a plant that is killed at one operation; return its journal and how many operations it took.

    A person whose acknowledgement was not confirmed tries again.
    """
    plant = AlarmPlant(RULES, lateness_s=lateness_s)
    await plant.start()
    plant.fate.operations, plant.fate.killed_at = 0, killed_at
    for event in events:
        await plant.clock.advance(event.later_s)
        await plant.revive()
        if event.samples:
            at = plant.clock.at
            plant.deliver(*((signal, value, at - ms * 1000, quality) for signal, value, ms, quality in event.samples))
            await settle()
            await plant.revive()
        if event.acknowledged:
            await _acknowledge(plant, event.acknowledged)
    await plant.clock.advance(12)  # More than the longest delay, its lateness and a checkpoint.
    if await plant.revive():
        await plant.clock.advance(12)
    await plant.kill()
    assert plant.book.unsaved == 0
    tables = plant.store.tables
    standing = {alarm.rule_id: alarm.state for alarm in tables.alarms.values() if alarm.state is not A}
    remembered = {memory.rule_id: memory.state for memory in tables.memories.values() if memory.state is not A}
    assert standing == remembered
    return [
        (entry.id, entry.rule_id, entry.kind, entry.at, entry.state, entry.value, entry.actor)
        for entry in plant.journal
    ], plant.fate.operations


async def _acknowledge(plant: AlarmPlant, rule_id: str) -> None:
    """Acknowledge until it is confirmed; after a kill the person finds the alarm as it was, or acknowledged."""
    for _ in range(10):
        for alarm in plant.book.standing(lambda alarm: alarm.rule_id == rule_id and alarm.state is not C):
            plant.book.acknowledge(alarm.id, plant.clock.now(), "anna", "")
        await settle()
        if not await plant.revive():
            return
    raise AssertionError("killed again and again")


@given(events=streams(10_000, people=True), where=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
async def test_a_kill_at_any_operation_leaves_the_same_journal(events: list[Event], where: float) -> None:
    never = 1e6  # Ticks make no transition: what a person finds to acknowledge must not depend on their moment.
    whole, operations = await _live(events, None, never)
    killed, _ = await _live(events, 1 + int(where * operations), never)
    assert killed == whole


@given(events=streams(2_000, people=False), where=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
async def test_a_kill_at_any_operation_leaves_the_same_journal_when_signals_go_silent(
    events: list[Event], where: float
) -> None:
    whole, operations = await _live(events, None, 2.0)
    killed, _ = await _live(events, 1 + int(where * operations), 2.0)
    assert killed == whole
