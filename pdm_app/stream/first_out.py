"""First-out groups: of the alarms that one cause raises together, the first one stands and the others wait behind it.

Critical alarms (priority 1) never wait. When the first one is over, the one that has waited longest takes its place.
"""

from collections.abc import Iterable

from pdm_app.domain.alarms import AlarmRule, RuleMemory
from pdm_app.domain.suppression import FIRST_OUT

Group = tuple[str, str]


class FirstOut:
    """Who stands first in each group, and who waits, in order.

    Args:
        standing: Rules with their memories and the time their alarm was raised, in any order.
    """

    def __init__(self, standing: Iterable[tuple[AlarmRule, RuleMemory, int]] = ()) -> None:
        self._first: dict[Group, str] = {}
        self._waiting: dict[Group, list[str]] = {}
        for rule, memory, _ in sorted(standing, key=lambda each: each[2]):
            group = group_of(rule)
            if group is None:
                continue
            if memory.state.is_active:
                self._first.setdefault(group, rule.id)
            elif FIRST_OUT in memory.suppressed_by:
                self._waiting.setdefault(group, []).append(rule.id)

    def before(self, rule: AlarmRule) -> str | None:
        """Return the rule behind which an alarm of this rule would wait; None where it would stand."""
        group = group_of(rule)
        first = None if group is None else self._first.get(group)
        return None if first == rule.id or rule.priority == 1 else first

    def stands(self, rule: AlarmRule) -> None:
        """Take note that an alarm of this rule is announced."""
        group = group_of(rule)
        if group is not None:
            self._first.setdefault(group, rule.id)

    def waits(self, rule: AlarmRule) -> None:
        group = group_of(rule)
        if group is not None:
            self._waiting.setdefault(group, []).append(rule.id)

    def over(self, rule: AlarmRule) -> str | None:
        """Take note that it is announced or waits no longer; return the rule whose turn it is now."""
        group = group_of(rule)
        if group is None:
            return None
        waiting = self._waiting.get(group, [])
        if rule.id in waiting:
            waiting.remove(rule.id)
        if self._first.get(group) == rule.id:
            del self._first[group]
        if group in self._first or not waiting:
            return None
        return waiting.pop(0)

    def orphans(self) -> list[str]:
        """Return, of each group without a first one, the rule whose turn it is; it waits no longer."""
        return [waiting.pop(0) for group, waiting in self._waiting.items() if waiting and group not in self._first]


def group_of(rule: AlarmRule) -> Group | None:
    return (rule.site_id, rule.group) if rule.first_out and rule.group else None
