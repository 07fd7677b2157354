"""The book: what is taken over from storage, what changed rules do, what is counted."""

from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Overflow

A, B, C, D, *_ = AlarmState
NOON = 1_800_000_000 * MICROS_PER_S


def rule(rule_id: str = "hot", high: float = 10.0, **settings: object) -> AlarmRule:
    values: dict[str, object] = {
        "id": rule_id,
        "site_id": "graz",
        "asset_id": "p-101a",
        "signal_id": 1,
        "name": rule_id,
        "condition": HighLimit(limit=high),
        "priority": 2,
        **settings,
    }
    return AlarmRule.model_validate(values)


def alarm(alarm_id: str, rule_id: str = "hot", state: AlarmState = B, site: str = "graz", priority: int = 2) -> Alarm:
    return Alarm(
        id=alarm_id,
        rule_id=rule_id,
        site_id=site,
        asset_id="p-101a",
        signal_id=1,
        name=rule_id,
        priority=priority,
        state=state,
        limit=10.0,
        raised_at=NOON,
        value=11.0,
    )


def book_of(rules: list[AlarmRule], memories: list[RuleMemory] | None = None, *standing: Alarm) -> AlarmBook:
    book = AlarmBook()
    book.load(rules, memories or [], standing, {7}, Micros(NOON))
    return book


def see(book: AlarmBook, value: float, second: float, signal: int = 1) -> None:
    at = Micros(NOON + round(second * MICROS_PER_S))
    book.judge(Batch.of("plc", [Sample(SignalId(signal), value, Quality.GOOD, at)], at), at)


def stands(book: AlarmBook) -> list[str]:
    return [alarm.id for alarm in book.standing(lambda _: True)]


# --- taking over --------------------------------------------------------------------------------------------------


def test_what_stood_stands_again_and_nothing_is_left_to_store() -> None:
    memory = RuleMemory(rule_id="hot", state=C, alarm_id="a1", evaluated_to=NOON)
    book = book_of([rule()], [memory], alarm("a1", state=C))
    assert (stands(book), book.unsaved) == (["a1"], 0)
    see(book, 5.0, 1)
    assert stands(book) == []


def test_a_rule_whose_alarm_is_lost_raises_it_anew() -> None:
    book = book_of([rule()], [RuleMemory(rule_id="hot", state=C, alarm_id="gone", evaluated_to=NOON)])
    see(book, 11.0, 1)
    assert [standing.state for standing in book.standing(lambda _: True)] == [B]


async def test_an_alarm_whose_memory_is_lost_can_be_acknowledged_and_returns() -> None:
    book = book_of([rule()], [], alarm("a1"))
    acknowledged, _ = book.acknowledge("a1", Micros(NOON + 1), "anna", "")
    assert acknowledged.state is C
    see(book, 5.0, 1)
    assert stands(book) == []


def test_a_second_alarm_of_one_rule_is_cleared_instead_of_standing_for_ever() -> None:
    memory = RuleMemory(rule_id="hot", state=B, alarm_id="a2", evaluated_to=NOON)
    book = book_of([rule()], [memory], alarm("a1"), alarm("a2"))
    assert stands(book) == ["a2"]
    assert [unsaved.change.entry.kind for unsaved in book.oldest_unsaved(9)] == [JournalKind.CLEARED]


def test_an_alarm_whose_rule_was_deleted_is_cleared() -> None:
    book = book_of([], [], alarm("a1"))
    assert stands(book) == []
    change = book.oldest_unsaved(1)[0].change
    assert (change.entry.kind, change.entry.actor, change.alarm.state) == (JournalKind.CLEARED, "system", A)


# --- changed rules ------------------------------------------------------------------------------------------------


def test_a_delay_under_the_old_rule_says_nothing_under_the_new_one() -> None:
    book = book_of([rule(on_delay_s=5)])
    see(book, 11.0, 0)
    book.reload([rule(high=10.5, on_delay_s=5)], frozenset(), Micros(NOON))
    see(book, 11.0, 4)
    see(book, 11.0, 8)
    assert stands(book) == []
    see(book, 11.0, 9)
    assert len(stands(book)) == 1


def test_a_rule_that_did_not_change_keeps_its_delay() -> None:
    book = book_of([rule(on_delay_s=5)])
    see(book, 11.0, 0)
    book.reload([rule(on_delay_s=5), rule("other", 99.0)], frozenset(), Micros(NOON))
    see(book, 11.0, 5)
    assert len(stands(book)) == 1


def test_other_words_and_another_priority_leave_a_running_delay_alone() -> None:
    book = book_of([rule(on_delay_s=5)])
    see(book, 11.0, 0)
    reworded = rule(on_delay_s=5).model_copy(update={"name": "Hot", "action": "Stop it.", "priority": 1, "revision": 7})
    book.reload([reworded], frozenset(), Micros(NOON))
    see(book, 11.0, 5)
    assert [book.get(alarm_id).name for alarm_id in stands(book)] == ["Hot"]  # type: ignore[union-attr]


def test_a_rule_switched_off_and_on_again_starts_anew() -> None:
    book = book_of([rule(on_delay_s=5)])
    see(book, 11.0, 0)
    book.reload([rule(on_delay_s=5, enabled=False)], frozenset(), Micros(NOON))
    assert [memory.abnormal_since for memory in book.checkpoint().memories] == [None]
    book.reload([rule(on_delay_s=5)], frozenset(), Micros(NOON))
    see(book, 11.0, 6)
    assert stands(book) == []


# --- checkpoints --------------------------------------------------------------------------------------------------


def test_a_checkpoint_holds_what_was_judged_since_the_last_and_comes_back_when_it_failed() -> None:
    book = book_of([rule(), rule("wet", signal_id=2)])
    see(book, 5.0, 3)
    first = book.checkpoint()
    assert [(memory.rule_id, memory.evaluated_to) for memory in first.memories] == [("hot", NOON + 3 * MICROS_PER_S)]
    assert book.checkpoint().memories == []
    first.put_back()
    assert [memory.rule_id for memory in book.checkpoint().memories] == ["hot"]


# --- counting and publishing --------------------------------------------------------------------------------------


def test_counts_name_every_priority_and_follow_every_change() -> None:
    rules = [rule("r1", priority=1), rule("r2"), rule("r3", priority=3)]
    standing = [alarm("a1", "r1", B, priority=1), alarm("a2", "r2", C), alarm("a3", "r3", D, "pune", priority=3)]
    book = book_of(rules, [], *standing)
    everywhere = book.counts(None, None)
    assert (everywhere.standing, everywhere.unacknowledged, everywhere.acknowledged, everywhere.returned) == (
        3,
        1,
        1,
        1,
    )
    assert [count.priority for count in everywhere.by_priority] == [1, 2, 3, 4]
    assert book.counts(frozenset({"graz"}), None).standing == 2
    assert book.counts(frozenset({"graz"}), "pune").standing == 0
    see(book, 5.0, 1)
    assert (book.counts(None, None).unacknowledged, book.counts(None, None).returned) == (0, 2)


def test_alarms_of_a_simulated_signal_say_so() -> None:
    book = book_of([rule(), rule("dreamt", signal_id=7)])
    see(book, 11.0, 1)
    see(book, 11.0, 1, signal=7)
    assert {standing.rule_id: standing.simulated for standing in book.standing(lambda _: True)} == {
        "hot": False,
        "dreamt": True,
    }


def test_a_raising_a_return_and_a_raising_again_are_told_in_order() -> None:
    book = book_of([rule()])
    with book.changes.reader(10, Overflow.DROP_OLDEST) as changes:
        for second, value in enumerate([11.0, 5.0, 12.0]):
            see(book, value, second)
        told = changes.drain()
    assert [(change.entry.kind.value, change.alarm.state, change.alarm.times_raised) for change in told] == [
        ("raised", B, 1),
        ("returned", D, 1),
        ("raised", B, 2),
    ]
    assert len({change.alarm.id for change in told}) == 1
    assert len({change.entry.id for change in told}) == 3
