"""The alarms that are not in state A, announced or kept silent, and how many they are."""

from collections.abc import Callable, Iterable, Iterator

from pdm_app.domain.alarm_entries import memory_of_alarm
from pdm_app.domain.alarms import Alarm, AlarmCounts, AlarmState, RuleMemory, by_urgency, counts_of

COUNTS_KEPT = 64


class StandingAlarms:
    """Alarms by id."""

    def __init__(self, alarms: Iterable[Alarm] = ()) -> None:
        self._alarms = {alarm.id: alarm for alarm in alarms}
        self._counts: dict[tuple[frozenset[str] | None, str | None], AlarmCounts] = {}

    def __iter__(self) -> Iterator[Alarm]:
        return iter(tuple(self._alarms.values()))

    def __contains__(self, alarm_id: str) -> bool:
        return alarm_id in self._alarms

    def __getitem__(self, alarm_id: str) -> Alarm:
        return self._alarms[alarm_id]

    def get(self, alarm_id: str) -> Alarm | None:
        return self._alarms.get(alarm_id)

    def put(self, alarm: Alarm) -> None:
        """Take an alarm as it now is; one in state A stands no longer."""
        if alarm.state is AlarmState.NORMAL:
            self._alarms.pop(alarm.id, None)
        else:
            self._alarms[alarm.id] = alarm
        self._counts.clear()

    def announced(self, covers: Callable[[Alarm], bool]) -> tuple[Alarm, ...]:
        """Return the announced alarms that ``covers`` admits, most urgent first."""
        found = (alarm for alarm in self._alarms.values() if alarm.state.is_announced and covers(alarm))
        return tuple(sorted(found, key=by_urgency))

    def silent(self, covers: Callable[[Alarm], bool]) -> tuple[Alarm, ...]:
        """Return the alarms kept silent that ``covers`` admits, those whose time ends first in front."""
        found = (alarm for alarm in self._alarms.values() if alarm.state.is_held and covers(alarm))
        return tuple(sorted(found, key=lambda alarm: (alarm.state, alarm.shelved_until or 0, by_urgency(alarm))))

    def tally(self, covers: Callable[[Alarm], bool]) -> AlarmCounts:
        """Count what ``covers`` admits."""
        return counts_of(filter(covers, self._alarms.values()))

    def counts(self, sites: frozenset[str] | None, site_id: str | None) -> AlarmCounts:
        """Count what stands in ``sites`` (None for all), or only in ``site_id`` of them."""
        key = (sites, site_id)
        counts = self._counts.get(key)
        if counts is None:
            if len(self._counts) >= COUNTS_KEPT:
                self._counts.clear()
            counts = self._counts[key] = self.tally(
                lambda alarm: (sites is None or alarm.site_id in sites) and site_id in (None, alarm.site_id)
            )
        return counts


def reconciled(
    memories: Iterable[RuleMemory], standing: StandingAlarms
) -> tuple[dict[str, RuleMemory], list[RuleMemory]]:
    """Make stored memories and stored alarms agree, should they not.

    They are stored together. In a damaged or half-restored database, the rule of a lost alarm starts anew, so that it
    is raised again rather than never, and an alarm without a memory gets one, so that it can be acknowledged.

    Returns:
        The memory of each rule; and, of alarms beside which their rule remembers another one, what would belong to
        them.
    """
    memory_of = {memory.rule_id: memory for memory in memories}
    for rule_id, memory in memory_of.items():
        if memory.alarm_id is not None and memory.alarm_id not in standing:
            memory_of[rule_id] = RuleMemory(rule_id=rule_id, evaluated_to=memory.evaluated_to)
    doubled = []
    for alarm in standing:
        known = memory_of.get(alarm.rule_id)
        own = memory_of_alarm(alarm, alarm.raised_at if known is None else known.evaluated_to)
        if known is None or known.alarm_id is None:
            memory_of[alarm.rule_id] = own
        elif known.alarm_id != alarm.id:
            doubled.append(own)
    return memory_of, doubled
