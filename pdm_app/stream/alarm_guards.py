"""Which alarms are kept silent by design, judged from the signals that say so, or from the shifts of their site.

A suppression is judged like an alarm of its own that nobody sees: a condition that holds, and
lingers for its off-delay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdm_app.domain.alarm_steps import step, tick
from pdm_app.domain.alarm_transitions import Transition
from pdm_app.domain.alarms import AlarmRule, AlarmState, JournalKind, RuleMemory
from pdm_app.domain.samples import Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.suppression import AnySuppression, ShiftSuppression
from pdm_app.stream.alarm_columns import AlarmColumns

SHIFT_SERIES = 4_294_900_000  # Numbers above those of any plant stand for whether a shift runs, one for each site.


@dataclass(frozen=True, slots=True)
class Verdict:
    """A suppression begins to hold, or holds no longer."""

    rule_id: str
    suppression: AnySuppression
    holds: bool
    at: Micros


class AlarmGuards:
    """The suppressions of all rules in force.

    Args:
        rules: The rules.
        memories: Theirs, in the same order; they know which suppressions held last.
        now: Microseconds UTC.
    """

    def __init__(self, rules: Sequence[AlarmRule], memories: Sequence[RuleMemory], now: Micros) -> None:
        self._meant: dict[str, tuple[str, AnySuppression]] = {}
        self._shift_series: dict[str, int] = {}
        guards: list[AlarmRule] = []
        states: list[RuleMemory] = []
        for rule, memory in zip(rules, memories, strict=True):
            for suppression in rule.suppressions:
                guard = _guard(rule, suppression, f"guard-{len(guards)}", self._number(rule, suppression))
                held = suppression.cause in memory.suppressed_by
                state = AlarmState.UNACKNOWLEDGED if held else AlarmState.NORMAL
                guards.append(guard)
                states.append(RuleMemory(rule_id=guard.id, state=state, alarm_id=guard.id if held else None))
                self._meant[guard.id] = (rule.id, suppression)
        self._columns = AlarmColumns(guards, states, now)

    def _number(self, rule: AlarmRule, suppression: AnySuppression) -> int:
        if isinstance(suppression, ShiftSuppression):
            return self._shift_series.setdefault(rule.site_id, SHIFT_SERIES + len(self._shift_series))
        return suppression.signal_id

    def shifts_batch(self, runs: Mapping[str, bool], at: Micros) -> Batch:
        """Say as samples whether a shift runs at each site that a rule asks about; ``runs`` by the id of the site."""
        samples = [
            Sample(SignalId(number), float(runs[site_id]), Quality.GOOD, at)
            for site_id, number in self._shift_series.items()
            if site_id in runs
        ]
        return Batch.of("shifts", samples, at)

    def judge(self, batch: Batch) -> list[Verdict]:
        """Judge a batch; the order is that of the samples."""
        columns, found = self._columns, []
        for index, sample in columns.suspects(batch):
            memory, transitions = step(columns.rules[index], columns.memory(index), sample)
            columns.remember(index, memory)
            found += [self._verdict(columns.rules[index], transition) for transition in transitions]
        return found

    def tick(self, now: Micros, lateness_us: int) -> list[Verdict]:
        """End what lingered although its signal is silent."""
        columns, found = self._columns, []
        for index, horizon in columns.overdue(now, lateness_us):
            memory, transitions = tick(columns.rules[index], columns.memory(index), horizon)
            columns.remember(index, memory)
            found += [self._verdict(columns.rules[index], transition) for transition in transitions]
        return found

    def _verdict(self, guard: AlarmRule, transition: Transition) -> Verdict:
        rule_id, suppression = self._meant[guard.id]
        return Verdict(rule_id, suppression, transition.kind is JournalKind.RAISED, transition.at)


def _guard(rule: AlarmRule, suppression: AnySuppression, guard_id: str, number: int) -> AlarmRule:
    return AlarmRule(
        id=guard_id,
        site_id=rule.site_id,
        asset_id=rule.asset_id,
        signal_id=number,
        name=guard_id,
        condition=suppression.condition,
        priority=4,
        off_delay_s=suppression.lingers_s,
        ack_required=False,
    )
