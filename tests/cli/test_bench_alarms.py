"""`bench alarms`: what it measures is what the watch does, and both ways of judging find the same alarms."""

from pdm_app.cli.bench.alarms import AlarmLoad, batches_of, bench_alarms, judged, rules_of
from pdm_app.domain.alarms import JournalKind
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Overflow

LOAD = AlarmLoad(rules=200, samples_per_s=400, seconds=5.0)


def test_the_load_is_what_it_says() -> None:
    batches = list(batches_of(LOAD))
    assert sum(len(batch) for batch in batches) == 2_000
    assert {int(signal) for batch in batches for signal in batch.signal} == set(range(1, 201))
    kinds = [rule.condition.kind for rule in rules_of(LOAD, is_mixed=True)]
    assert sum(kind not in ("high", "low") for kind in kinds) == 40


def test_silent_signals_raise_in_the_bench_as_in_the_plant() -> None:
    book = AlarmBook()
    rules = [rule for rule in rules_of(LOAD, is_mixed=True) if rule.condition.kind == "stale"]
    with book.changes.reader(1_000, Overflow.DROP_OLDEST) as changes:
        judged(book, rules, list(batches_of(AlarmLoad(200, 400, 1.0))))
        book.tick(max(batch.received_at for batch in batches_of(AlarmLoad(200, 400, 70.0))))
        told = changes.drain()
    assert len(told) == len(rules)
    assert {change.entry.kind for change in told} == {JournalKind.RAISED}


def test_the_table_has_both_loads_beside_the_peer() -> None:
    report = bench_alarms(LOAD)
    assert [figure.name for figure in report.figures] == [
        "judging, limits only",
        "judging, with a fifth of other conditions",
    ]
    assert all(figure.value is not None and figure.peer is not None for figure in report.figures)
