"""How much of a core judging takes: thousands of rules over a stream of samples, as the alarm watch does it.

The same book, the same columns, the same steps; only buffer and database are left out, which are measured elsewhere.
The CPU time of this process counts, so other load on the machine does not. The peer judges the same samples one by one
by the reference, which is what an engine without columns does.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pdm_app.cli.bench.figures import Figure, Report
from pdm_app.cli.bench.machine import machine
from pdm_app.domain.alarm_steps import step
from pdm_app.domain.alarms import AlarmRule, RuleMemory
from pdm_app.domain.conditions.any_condition import AnyCondition
from pdm_app.domain.conditions.deviation import Deviation
from pdm_app.domain.conditions.instrument import BadQuality, Stale
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.conditions.rate_of_change import RateOfChange
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.stream.alarm_book import AlarmBook

BATCHES_PER_S = 20  # What a plant of this size makes of its samples on the bus.
LEVEL, NOISE = 50.0, 4.0
CORE_SHARE_MUST = 20.0
CORE_SHARE_GOAL = 5.0
PEER_SECONDS = 2.0
CHANGES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class AlarmLoad:
    """How many rules, over how many samples a second, for how many seconds of source time."""

    rules: int
    samples_per_s: int
    seconds: float

    @property
    def signals(self) -> int:
        return min(self.rules, self.samples_per_s)


def bench_alarms(load: AlarmLoad) -> Report:
    """Judge the load as fast as it goes; what counts is the CPU time for each second of it."""
    limits, mixed = rules_of(load, is_mixed=False), rules_of(load, is_mixed=True)
    batches = list(batches_of(load))
    few = [batch for batch in batches if batch.received_at <= PEER_SECONDS * MICROS_PER_S]
    figures = []
    for name, rules in (("limits only", limits), ("with a fifth of other conditions", mixed)):
        book = AlarmBook()
        used_s = judged(book, rules, batches)
        peer_s = reference(rules, few)
        figures.append(
            Figure(
                f"judging, {name}",
                100 * used_s / load.seconds,
                "% of a core",
                must=CORE_SHARE_MUST,
                goal=CORE_SHARE_GOAL,
                peer=100 * peer_s / min(PEER_SECONDS, load.seconds),
                note=f"{book.transitions} changes of alarms",
            )
        )
    return Report(
        title="bench alarms: rules over samples",
        machine=machine(Path.cwd()),
        load=f"{load.rules:,} rules on {load.signals:,} signals, {load.samples_per_s:,} samples/s, "
        f"{load.seconds:g} s of source time; CPU time of the judging alone",
        peer="the same rules and samples, judged one by one",
        figures=tuple(figures),
    )


def rules_of(load: AlarmLoad, *, is_mixed: bool) -> list[AlarmRule]:
    """Return rules evenly over the signals, every fifth one, if asked for, of another kind than a limit."""
    return [
        AlarmRule(
            id=f"rule-{number}",
            site_id="bench",
            asset_id="bench",
            signal_id=1 + number % load.signals,
            name=f"Rule {number}",
            condition=_other(number) if is_mixed and number % 5 == 0 else _limit(number),
            priority=3,
            on_delay_s=2.0,
        )
        for number in range(load.rules)
    ]


def _limit(number: int) -> AnyCondition:
    far = 3.7 * NOISE  # About one sample in ten thousand lies beyond.
    return HighLimit(limit=LEVEL + far, deadband=1.0) if number % 2 else LowLimit(limit=LEVEL - far, deadband=1.0)


def _other(number: int) -> AnyCondition:
    return (
        Deviation(limit=5 * NOISE, setpoint=LEVEL),
        RateOfChange(limit_per_s=NOISE, window_s=10),
        Stale(after_s=60),
        BadQuality(),
    )[number // 5 % 4]


def batches_of(load: AlarmLoad) -> Iterator[Batch]:
    """Yield batches of noise around a level, each signal in turn."""
    random = np.random.default_rng(1)
    size, at, signal = load.samples_per_s // BATCHES_PER_S, 0, 0
    for _ in range(round(load.seconds * BATCHES_PER_S)):
        at += MICROS_PER_S // BATCHES_PER_S
        yield Batch(
            device="bench",
            signal=(1 + (signal + np.arange(size)) % load.signals).astype(np.uint32),
            source_at=np.full(size, at, dtype=np.int64),
            value=random.normal(LEVEL, NOISE, size),
            quality=np.zeros(size, dtype=np.uint16),
            received_at=Micros(at),
        )
        signal += size


def judged(book: AlarmBook, rules: Sequence[AlarmRule], batches: Sequence[Batch]) -> float:
    """Return the CPU seconds of judging all batches, with the ticks that come in between."""
    book.load(rules, (), (), frozenset(), Micros(0))
    began_s = time.process_time()
    for place, batch in enumerate(batches):
        book.judge(batch, batch.received_at)
        if place % 5 == 0:
            book.tick(batch.received_at)
        while changes := book.oldest_unsaved(CHANGES_AT_ONCE):
            book.saved(changes)
    return time.process_time() - began_s


def reference(rules: Sequence[AlarmRule], batches: Sequence[Batch]) -> float:
    """Return the CPU seconds of judging all batches sample by sample, rule by rule."""
    of_signal: dict[int, list[AlarmRule]] = {}
    for rule in rules:
        of_signal.setdefault(rule.signal_id, []).append(rule)
    memories = {rule.id: RuleMemory(rule_id=rule.id) for rule in rules}
    began_s = time.process_time()
    for batch in batches:
        rows = zip(batch.signal.tolist(), batch.value.tolist(), batch.source_at.tolist(), strict=True)
        for signal, value, at in rows:
            sample = Sample(SignalId(signal), value, Quality.GOOD, Micros(at))
            for rule in of_signal.get(signal, ()):
                memories[rule.id], _ = step(rule, memories[rule.id], sample)
    return time.process_time() - began_s
