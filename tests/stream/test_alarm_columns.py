"""Judging by columns: what is left out must not matter, and everything else is the reference's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.alarm_steps import step
from pdm_app.domain.alarms import AlarmRule, RuleMemory
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.deviation import Deviation
from pdm_app.domain.conditions.discrete import Calculated, Discrete, Mismatch
from pdm_app.domain.conditions.instrument import BadQuality, CommunicationLost
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.alarm_columns import AlarmColumns
from pdm_app.stream.bus import Overflow

BANDED = st.one_of(
    st.builds(HighLimit, limit=st.sampled_from([0.0, 1.0, 0.1]), deadband=st.sampled_from([0.0, 0.5, 1e-30])),
    st.builds(LowLimit, limit=st.sampled_from([0.0, 1.0, 0.1]), deadband=st.sampled_from([0.0, 0.5, 1e-30])),
)
CONDITIONS = st.one_of(
    BANDED,
    st.builds(Deviation, limit=st.just(1.0), deadband=st.sampled_from([0.0, 0.3]), setpoint=st.just(0.5)),
    st.builds(Deviation, limit=st.just(0.5), setpoint_signal=st.integers(1, 4)),
    st.builds(Mismatch, expected_signal=st.integers(1, 4)),
    st.builds(Discrete, abnormal=st.just((0.5, 1.0))),
    st.builds(BadQuality, uncertain_too=st.booleans()),
    st.just(CommunicationLost()),
    st.just(Calculated()),
)
VALUES = st.sampled_from([-1.0, -0.0, 0.0, 0.1, 0.4, 0.5, 0.6, 1.0, 1.5, 1.6, 2.0, float("nan"), float("inf")])


def rule_for(number: int, signal: int, condition: AnyCondition, delays_us: tuple[int, int] = (0, 0)) -> AlarmRule:
    return AlarmRule(
        id=f"rule-{number}",
        site_id="graz",
        asset_id="p-101a",
        signal_id=signal,
        name=f"Rule {number}",
        condition=condition,
        priority=2,
        on_delay_s=delays_us[0] / 1e6,
        off_delay_s=delays_us[1] / 1e6,
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> list[AlarmRule]:
    """Up to eight rules on four signals, several of them on the same."""
    delay = st.sampled_from([0, 0, 2, 5])
    return [
        rule_for(number, draw(st.integers(1, 4)), draw(CONDITIONS), (draw(delay), draw(delay)))
        for number in range(draw(st.integers(0, 8)))
    ]


SAMPLE = st.builds(
    Sample,
    signal=st.integers(1, 6).map(SignalId),
    value=VALUES,
    quality=st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN_CLAMPED, Quality.BAD, Quality.BAD_STALE]),
    source_at=st.integers(1, 40).map(Micros),
)


@given(rules=rule_sets(), batches=st.lists(st.lists(SAMPLE, max_size=12), max_size=6))
@settings(max_examples=300, deadline=None)
def test_columns_and_single_steps_come_to_the_same_memories_and_transitions(
    rules: list[AlarmRule], batches: list[list[Sample]]
) -> None:
    book = AlarmBook()
    book.load(rules, [], [], frozenset(), Micros(0))
    memories = {rule.id: RuleMemory(rule_id=rule.id) for rule in rules}
    expected = []
    with book.changes.reader(10_000, Overflow.DROP_OLDEST) as changes:
        for samples in batches:
            book.judge(Batch.of("plc", samples, Micros(99)), Micros(99))
            for sample in samples:
                for rule in rules:
                    if sample.signal in {rule.signal_id, *rule.condition.inputs()}:
                        memories[rule.id], transitions = step(rule, memories[rule.id], sample)
                        expected += [(rule.id, transition.kind, transition.at) for transition in transitions]
        found = [(change.entry.rule_id, change.entry.kind, change.entry.at) for change in changes.drain()]
    assert sorted(found) == sorted(expected)
    assert {memory.rule_id: memory for memory in book.checkpoint().memories} == {
        rule_id: memory for rule_id, memory in memories.items() if memory.evaluated_to
    }


@given(condition=BANDED, value=st.floats(allow_nan=False, allow_infinity=False) | VALUES.filter(np.isfinite))
def test_a_band_judges_every_finite_value_as_its_condition_does(condition: AnyCondition, value: float) -> None:
    band = condition.band()
    assert band is not None
    x = band.sign * value
    assert (x > band.abnormal_above) == condition.is_abnormal(value)
    assert (x < band.normal_below) == condition.is_normal(value)


def test_a_batch_of_other_signals_only_is_nobodys_business() -> None:
    columns = AlarmColumns([rule_for(0, 5, HighLimit(limit=1.0))], [RuleMemory(rule_id="rule-0")], Micros(0))
    strangers = [Sample(SignalId(signal), 9.0, Quality.GOOD, Micros(7)) for signal in (1, 4, 6, 2**32 - 1)]
    assert list(columns.suspects(Batch.of("plc", strangers, Micros(7)))) == []
    assert columns.take_dirty().tolist() == []


def test_samples_that_change_nothing_never_reach_the_single_steps() -> None:
    rules = [rule_for(number, number + 1, HighLimit(limit=80.0)) for number in range(1000)]
    columns = AlarmColumns(rules, [RuleMemory(rule_id=rule.id) for rule in rules], Micros(0))
    calm = [Sample(SignalId(signal), 79.0, Quality.GOOD, Micros(5)) for signal in range(1, 1001)]
    calm[500] = Sample(SignalId(501), 81.0, Quality.GOOD, Micros(5))
    assert [index for index, _ in columns.suspects(Batch.of("plc", calm, Micros(5)))] == [500]
    assert columns.memory(0).evaluated_to == 5
