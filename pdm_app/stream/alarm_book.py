"""The alarms that stand now, and the memory of every rule: one picture in memory that all parts share.

The engine judges batches here, people acknowledge here, screens read and watch here. Each change is published at once
and waits in `unsaved` for the engine to store it, in order. So an operator sees an alarm before, and even without, the
database; what a person did is confirmed to that person only when it is stored. After a crash in between, an alarm is
found again from the durable buffer, and an acknowledgement that nobody was promised is asked for again: both err on the
safe side.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from pdm_app.domain.alarm_steps import (
    Transition,
    acknowledge,
    changed_alarm,
    entry_of,
    journal_entry,
    raised_alarm,
    step,
    tick,
    withdraw,
    without_delays,
)
from pdm_app.domain.alarms import (
    Alarm,
    AlarmCounts,
    AlarmRule,
    AlarmState,
    JournalEntry,
    JournalKind,
    RuleMemory,
    by_urgency,
    counts_of,
)
from pdm_app.domain.audit import AuditFact
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.stream.alarm_columns import AlarmColumns
from pdm_app.stream.bus import Bus

UNSAVED_MAX = 50_000  # About 50 MB; a flood of 10 alarms a minute fills it in more than a day without a database.
LATENESS_S = 2.0  # Largest expected difference in transport time between two samples of a signal.
COUNTS_KEPT = 64
JUDGING = ("signal_id", "condition", "on_delay_s", "off_delay_s")


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """What happened to an alarm, and the alarm after it; in state A it stands no longer."""

    alarm: Alarm
    entry: JournalEntry


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A change that is not stored yet; ``memory`` is the rule's right after it, None for a remark.

    ``fact`` goes into the audit trail with it: what a person did, None for what the process did.
    """

    change: AlarmChange
    memory: RuleMemory | None
    saved: "asyncio.Future[None] | None"
    fact: AuditFact | None = None


class AlarmBook:
    """Standing alarms and rule memories.

    Args:
        unsaved_max: Changes that may wait for the database. At this bound the engine stops judging, and the samples
            wait in the durable buffer; people's acts are refused.
        lateness_s: See `AlarmColumns.overdue`.

    Attributes:
        changes: Every change as it happens; `load` changes everything and publishes nothing, ``loads`` counts it.
        is_open: Whether people's acts are taken; not while no engine would store them.
        judged: Samples judged.
        transitions: Changes of alarms.
    """

    def __init__(self, unsaved_max: int = UNSAVED_MAX, lateness_s: float = LATENESS_S) -> None:
        self.changes: Bus[AlarmChange] = Bus()
        self.is_open = True
        self.loads = 0
        self.judged = 0
        self.transitions = 0
        self._unsaved: deque[Unsaved] = deque()
        self._unsaved_max = unsaved_max
        self._unsaved_arrived = asyncio.Event()
        self._lateness_us = round(lateness_s * MICROS_PER_S)
        self._columns = AlarmColumns((), (), Micros(0))
        self._index_of: dict[str, int] = {}
        self._standing: dict[str, Alarm] = {}
        self._simulated: Collection[int] = frozenset()
        self._retired: list[RuleMemory] = []  # of rules no longer in force, to be saved once more
        self._counts: dict[tuple[frozenset[str] | None, str | None], AlarmCounts] = {}

    # --- rules ----------------------------------------------------------------------------------------------------

    def load(
        self,
        rules: Iterable[AlarmRule],
        memories: Iterable[RuleMemory],
        standing: Iterable[Alarm],
        simulated: Collection[int],
        now: Micros,
    ) -> None:
        """Take over what is stored, and forget what was here; before anything is judged.

        A memory and an alarm are stored together, so they agree. Should they not (a damaged or half-restored database),
        the rule of a lost alarm starts anew, so that it is raised again rather than never, and an alarm without a
        memory gets one, so that it can be acknowledged.

        Args:
            rules: All rules; only enabled ones are in force.
            memories: Of any rules.
            standing: All alarms not in state A.
            simulated: Ids of signals of a simulated plant.
            now: Microseconds UTC.
        """
        self.loads += 1
        self._unsaved.clear()
        self._retired.clear()
        self._counts.clear()
        self._standing = {alarm.id: alarm for alarm in standing}
        memory_of = {memory.rule_id: memory for memory in memories}
        for rule_id, memory in memory_of.items():
            if memory.alarm_id is not None and memory.alarm_id not in self._standing:
                memory_of[rule_id] = RuleMemory(rule_id=rule_id, evaluated_to=memory.evaluated_to)
        for alarm in tuple(self._standing.values()):
            known = memory_of.get(alarm.rule_id)
            own = RuleMemory(
                rule_id=alarm.rule_id,
                state=alarm.state,
                alarm_id=alarm.id,
                evaluated_to=alarm.raised_at if known is None else known.evaluated_to,
            )
            if known is None or known.alarm_id is None:
                memory_of[alarm.rule_id] = own
            elif known.alarm_id != alarm.id:
                self._clear(own, None, "The rule stands for another alarm.", now)
        self._enforce(rules, memory_of, simulated, now)

    def reload(self, rules: Iterable[AlarmRule], simulated: Collection[int], now: Micros) -> None:
        """Put changed rules in force; states are kept, alarms of rules no longer in force are cleared."""
        memory_of = {rule_id: self._columns.memory(index) for rule_id, index in self._index_of.items()}
        self._enforce(rules, memory_of, simulated, now)
        self._columns.mark_all()  # What the old columns had still to save is in these now.

    def _enforce(
        self, rules: Iterable[AlarmRule], memory_of: dict[str, RuleMemory], simulated: Collection[int], now: Micros
    ) -> None:
        before = {rule.id: rule for rule in self._columns.rules}
        in_force = [rule for rule in rules if rule.enabled]
        ids = {rule.id for rule in in_force}
        for rule_id, memory in memory_of.items():
            if rule_id not in ids:
                calm = without_delays(memory).model_copy(update={"state": AlarmState.NORMAL, "alarm_id": None})
                self._retired.append(calm)
                self._clear(memory, calm, "The rule is no longer in force.", now)
        memories = []
        for rule in in_force:
            memory = memory_of.get(rule.id, RuleMemory(rule_id=rule.id))
            is_changed = rule.id in before and _judges_otherwise(before[rule.id], rule)
            memories.append(without_delays(memory) if is_changed else memory)  # The old rule's delay says nothing now.
        self._simulated = simulated
        self._columns = AlarmColumns(in_force, memories, now)
        self._index_of = {rule.id: index for index, rule in enumerate(self._columns.rules)}

    def _clear(self, memory: RuleMemory, after: RuleMemory | None, why: str, now: Micros) -> None:
        """Withdraw the alarm of ``memory``, if one stands; ``after`` is stored with it."""
        _, transition = withdraw(memory, now, "system", why)
        if transition is not None:
            alarm = changed_alarm(self._standing[transition.alarm_id], transition)
            self._settle(alarm, entry_of(alarm, transition, now), after)

    # --- the process ----------------------------------------------------------------------------------------------

    def judge(self, batch: Batch, recorded_at: Micros) -> None:
        """Judge a batch by every rule of its signals."""
        self.judged += len(batch)
        columns = self._columns
        for index, sample in columns.suspects(batch):
            rule = columns.rules[index]
            memory, transitions = step(rule, columns.memory(index), sample)
            columns.remember(index, memory)
            for transition in transitions:
                self._turn(rule, transition, memory, recorded_at)

    def tick(self, now: Micros) -> None:
        """End delays that are over although their signals are silent; only while nothing waits to be judged."""
        columns = self._columns
        for index, horizon in columns.overdue(now, self._lateness_us):
            rule = columns.rules[index]
            memory, transitions = tick(rule, columns.memory(index), horizon)
            columns.remember(index, memory)
            for transition in transitions:
                self._turn(rule, transition, memory, now)

    def _turn(self, rule: AlarmRule, transition: Transition, memory: RuleMemory, recorded_at: Micros) -> None:
        if transition.kind is JournalKind.RAISED:
            standing = self._standing.get(transition.alarm_id)
            simulated = rule.signal_id in self._simulated
            alarm = raised_alarm(rule, standing, transition, simulated=simulated)
        else:
            alarm = changed_alarm(self._standing[transition.alarm_id], transition)
        self._settle(alarm, entry_of(alarm, transition, recorded_at), memory)

    # --- people ---------------------------------------------------------------------------------------------------

    def acknowledge(
        self, alarm_id: str, at: Micros, actor: str, comment: str, fact: AuditFact | None = None
    ) -> "tuple[Alarm, asyncio.Future[None]]":
        """Acknowledge a standing alarm; the future is done when that, and ``fact`` in the audit trail, is stored.

        Raises:
            KeyError: It does not stand, or nothing awaits acknowledgement; look before, nothing can come between.
            UnavailableError: Too much waits for the database.
        """
        standing = self._standing[alarm_id]
        self._require_room(standing)
        index = self._index_of[standing.rule_id]
        memory, transition = acknowledge(self._columns.memory(index), at, actor, comment)
        if transition is None:
            raise KeyError(alarm_id)
        self._columns.remember(index, memory)
        alarm = changed_alarm(standing, transition)
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settle(alarm, entry_of(alarm, transition, at), memory, saved, fact)
        return alarm, saved

    def remark(
        self, alarm: Alarm, at: Micros, actor: str, comment: str, fact: AuditFact | None = None
    ) -> "tuple[Alarm, asyncio.Future[None]]":
        """Add a remark to an alarm, standing or not; the future is done when it, and ``fact``, is stored.

        Raises:
            UnavailableError: Too much waits for the database.
        """
        self._require_room(alarm)
        remarked = self._standing.get(alarm.id, alarm).model_copy(update={"comment": comment})
        entry = journal_entry(remarked, JournalKind.COMMENTED, at, at, actor=actor, comment=comment)
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settle(remarked, entry, None, saved, fact)
        return remarked, saved

    def _require_room(self, alarm: Alarm) -> None:
        if not self.is_open:
            raise UnavailableError(
                f"{alarm.name}: not taken, because this process does not watch the alarms: it is starting, or another "
                "one does. Try again in a few seconds.",
                alarm_id=alarm.id,
            )
        if self.is_full:
            raise UnavailableError(
                f"{alarm.name}: not taken, because {len(self._unsaved)} changes of alarms already wait for the "
                "database. Check the database on the health page, then try again.",
                alarm_id=alarm.id,
            )

    def _settle(
        self,
        alarm: Alarm,
        entry: JournalEntry,
        memory: RuleMemory | None,
        saved: "asyncio.Future[None] | None" = None,
        fact: AuditFact | None = None,
    ) -> None:
        if alarm.state is AlarmState.NORMAL:
            self._standing.pop(alarm.id, None)
        else:
            self._standing[alarm.id] = alarm
        self._counts.clear()
        self.transitions += 1
        change = AlarmChange(alarm, entry)
        self._unsaved.append(Unsaved(change, memory, saved, fact))
        self._unsaved_arrived.set()
        self.changes.publish(change)

    # --- reading --------------------------------------------------------------------------------------------------

    def get(self, alarm_id: str) -> Alarm | None:
        """Return a standing alarm."""
        return self._standing.get(alarm_id)

    def standing(self, covers: Callable[[Alarm], bool]) -> tuple[Alarm, ...]:
        """Return the standing alarms that ``covers`` admits, most urgent first."""
        return tuple(sorted(filter(covers, self._standing.values()), key=by_urgency))

    def counts(self, sites: frozenset[str] | None, site_id: str | None) -> AlarmCounts:
        """Count what stands in ``sites`` (None for all), or only in ``site_id`` of them."""
        key = (sites, site_id)
        counts = self._counts.get(key)
        if counts is None:
            if len(self._counts) >= COUNTS_KEPT:
                self._counts.clear()
            counts = self._counts[key] = counts_of(
                alarm
                for alarm in self._standing.values()
                if (sites is None or alarm.site_id in sites) and site_id in (None, alarm.site_id)
            )
        return counts

    @property
    def rules_in_force(self) -> int:
        return len(self._columns.rules)

    @property
    def delays_running(self) -> int:
        return self._columns.delays_running

    # --- storing --------------------------------------------------------------------------------------------------

    @property
    def unsaved(self) -> int:
        """Changes that wait to be stored."""
        return len(self._unsaved)

    @property
    def is_full(self) -> bool:
        return len(self._unsaved) >= self._unsaved_max

    async def unsaved_arrived(self) -> None:
        """Return once a change waits to be stored."""
        while not self._unsaved:
            self._unsaved_arrived.clear()
            await self._unsaved_arrived.wait()

    def oldest_unsaved(self, changes_max: int) -> Sequence[Unsaved]:
        """Return the changes to store next; they stay until `saved`."""
        return [self._unsaved[place] for place in range(min(changes_max, len(self._unsaved)))]

    def saved(self, changes: Sequence[Unsaved]) -> None:
        """Forget changes that are stored, and tell who waits for them."""
        for _ in changes:
            unsaved = self._unsaved.popleft()
            if unsaved.saved is not None and not unsaved.saved.done():
                unsaved.saved.set_result(None)

    def checkpoint(self) -> "Checkpoint":
        """Return the memories of all rules judged since the last checkpoint.

        They know of every change so far, so they are stored with the last unsaved change or after it, never before.
        """
        columns, retired = self._columns, self._retired
        self._retired = []
        dirty = columns.take_dirty()

        def put_back() -> None:
            columns.put_back(dirty)
            self._retired = retired + self._retired

        return Checkpoint([*retired, *(columns.memory(int(index)) for index in dirty)], put_back)


def _judges_otherwise(before: AlarmRule, after: AlarmRule) -> bool:
    """Whether two states of a rule judge a value differently; words and priority leave a running delay alone."""
    return any(getattr(before, name) != getattr(after, name) for name in JUDGING)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Memories to store; ``put_back`` when that has failed."""

    memories: Sequence[RuleMemory]
    put_back: Callable[[], None]
