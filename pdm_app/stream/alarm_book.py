"""The alarms that stand now, and the memory of every rule: one picture in memory that all parts share.

The engine judges batches here, people acknowledge here, screens read and watch here. Each change is published at once
and waits in `unsaved` for the engine to store it, in order. So an operator sees an alarm before, and even without, the
database; what a person did is confirmed to that person only when it is stored. After a crash in between, an alarm is
found again from the durable buffer, and an acknowledgement that nobody was promised is asked for again: both err on the
safe side.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from pdm_app.domain.alarm_entries import (
    alarm_after,
    changed_alarm,
    entry_of,
    journal_entry,
)
from pdm_app.domain.alarm_holds import expired, lifted, suppressed
from pdm_app.domain.alarm_steps import acknowledge, begun, fresh, judges_otherwise, reset, run, withdraw, without_delays
from pdm_app.domain.alarm_transitions import Transition
from pdm_app.domain.alarms import (
    Alarm,
    AlarmCounts,
    AlarmRule,
    AlarmState,
    JournalEntry,
    JournalKind,
    RuleMemory,
)
from pdm_app.domain.audit import AuditFact
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Sample
from pdm_app.domain.suppression import FIRST_OUT
from pdm_app.stream.alarm_columns import AlarmColumns
from pdm_app.stream.alarm_guards import AlarmGuards, Verdict
from pdm_app.stream.alarm_queue import AlarmChange, AlarmQueue, Checkpoint, Unsaved
from pdm_app.stream.bus import Bus
from pdm_app.stream.first_out import FirstOut
from pdm_app.stream.standing_alarms import StandingAlarms, reconciled

UNSAVED_MAX = 50_000  # About 50 MB; a flood of 10 alarms a minute fills it in more than a day without a database.
LATENESS_S = 2.0  # Largest expected difference in transport time between two samples of a signal.
Act: TypeAlias = "Callable[[AlarmRule, RuleMemory], tuple[RuleMemory, Transition | None]]"
Done: TypeAlias = "tuple[Alarm, asyncio.Future[None]]"


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
        self._queue = AlarmQueue(unsaved_max)
        self._lateness_us = round(lateness_s * MICROS_PER_S)
        self._columns = AlarmColumns((), (), Micros(0))
        self._guards = AlarmGuards((), (), Micros(0))
        self._first_out = FirstOut()
        self._index_of: dict[str, int] = {}
        self._standing = StandingAlarms()
        self._simulated: Collection[int] = frozenset()
        self._retired: list[RuleMemory] = []  # of rules no longer in force, to be saved once more

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

        Where they do not agree (a damaged or half-restored database), see `reconciled`.

        Args:
            rules: All rules; only enabled ones are in force.
            memories: Of any rules.
            standing: All alarms not in state A.
            simulated: Ids of signals of a simulated plant.
            now: Microseconds UTC.
        """
        self.loads += 1
        self._queue.clear()
        self._retired.clear()
        self._standing = StandingAlarms(standing)
        memory_of, doubled = reconciled(memories, self._standing)
        for own in doubled:
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
                calm = fresh(memory)
                self._retired.append(calm)
                self._clear(memory, calm, "The rule is no longer in force.", now)
        memories = []
        for rule in in_force:
            memory = memory_of.get(rule.id, RuleMemory(rule_id=rule.id))
            is_changed = rule.id in before and judges_otherwise(before[rule.id], rule)
            memory = without_delays(memory) if is_changed else memory  # The old rule's delay says nothing now.
            memories.append(begun(rule, memory, now))
        self._simulated = simulated
        self._columns = AlarmColumns(in_force, memories, now)
        self._index_of = {rule.id: index for index, rule in enumerate(self._columns.rules)}
        self._silence(now)

    def _silence(self, now: Micros) -> None:
        """Begin anew with what keeps rules silent by design; end what no rule asks for any more."""
        columns = self._columns
        memories = [columns.memory(index) for index in range(len(columns.rules))]
        self._guards = AlarmGuards(columns.rules, memories, now)
        raised_at = {alarm.rule_id: alarm.raised_at for alarm in self._standing}
        standing = [(rule, memories[index], raised_at.get(rule.id, now)) for index, rule in enumerate(columns.rules)]
        self._first_out = FirstOut(standing)
        for index, rule in enumerate(columns.rules):
            asked = {suppression.cause for suppression in rule.suppressions}
            asked |= {FIRST_OUT} if rule.first_out and rule.group else set()
            for cause in memories[index].suppressed_by:
                if cause not in asked:
                    self._lift(index, now, cause)
        for rule_id in self._first_out.orphans():
            self._lift(self._index_of[rule_id], now, FIRST_OUT)

    def _clear(self, memory: RuleMemory, after: RuleMemory | None, why: str, now: Micros) -> None:
        """Withdraw the alarm of ``memory``, if one stands; ``after`` is stored with it."""
        _, transition = withdraw(memory, now, "system", why)
        if transition is not None:
            alarm = changed_alarm(self._standing[transition.alarm_id], transition)
            self._settle(alarm, entry_of(alarm, transition, now), after)

    # --- the process ----------------------------------------------------------------------------------------------

    def judge(self, batch: Batch, recorded_at: Micros) -> None:
        """Judge a batch by every rule of its signals; first what keeps rules silent, then the rules."""
        self.judged += len(batch)
        for verdict in self._guards.judge(batch):
            self._suppress(verdict, recorded_at)
        for index, sample in self._columns.suspects(batch):
            self._step(index, sample, recorded_at)

    def tell_shifts(self, runs: Mapping[str, bool], at: Micros) -> None:
        """Say at which sites a shift runs; rules that are silent by the shift calendar go by it."""
        self.judge(self._guards.shifts_batch(runs, at), at)

    def tick(self, now: Micros) -> None:
        """End delays that are over although their signals are silent; only while nothing waits to be judged."""
        for verdict in self._guards.tick(now, self._lateness_us):
            self._suppress(verdict, now)
        for index, horizon in self._columns.overdue(now, self._lateness_us):
            self._step(index, horizon, now)

    def unshelve_expired(self, now: Micros) -> None:
        """End shelvings whose time is over, whether anything is judged or not."""
        for index in self._columns.shelved_too_long(now):
            self._change(index, *expired(self._columns.memory(index), now), now)

    def _step(self, index: int, cause: Sample | Micros, recorded_at: Micros) -> None:
        """Let a sample, or the passing of source time, do what it does to a rule."""
        rule, before = self._columns.rules[index], self._columns.memory(index)
        memory, transitions = run(rule, before, cause)
        if transitions and before.state is AlarmState.NORMAL and transitions[-1].kind is JournalKind.RAISED:
            first = self._first_out.before(rule)
            if first is not None:
                words = f"{FIRST_OUT}: {self._columns.rules[self._index_of[first]].name}"
                just_before = Micros(transitions[-1].at - 1)  # So that the journal tells the two in this order.
                silent, noted = suppressed(rule, before, just_before, FIRST_OUT, words)
                self._first_out.waits(rule)
                memory, transitions = run(rule, silent, cause)
                transitions = transitions if noted is None else (noted, *transitions)
        self._columns.remember(index, memory)
        for transition in transitions:
            self._turn(rule, transition, memory, recorded_at)

    def _suppress(self, verdict: Verdict, recorded_at: Micros) -> None:
        index = self._index_of[verdict.rule_id]
        suppression, memory = verdict.suppression, self._columns.memory(index)
        if verdict.holds:
            rule = self._columns.rules[index]
            self._change(
                index, *suppressed(rule, memory, verdict.at, suppression.cause, suppression.words), recorded_at
            )
        else:
            self._lift(index, recorded_at, suppression.cause, verdict.at)

    def _lift(self, index: int, now: Micros, cause: str, at: Micros | None = None) -> None:
        self._change(index, *lifted(self._columns.memory(index), now if at is None else at, cause), now)

    def _change(self, index: int, memory: RuleMemory, transition: Transition | None, recorded_at: Micros) -> None:
        self._columns.remember(index, memory)
        if transition is not None:
            self._turn(self._columns.rules[index], transition, memory, recorded_at)

    def _turn(
        self,
        rule: AlarmRule,
        transition: Transition,
        memory: RuleMemory,
        recorded_at: Micros,
        saved: "asyncio.Future[None] | None" = None,
        fact: AuditFact | None = None,
    ) -> Alarm:
        """Take note of one transition, and of what it means for the rule's first-out group."""
        standing = self._standing.get(transition.alarm_id)
        simulated = rule.signal_id in self._simulated
        alarm = alarm_after(rule, standing, transition, simulated=simulated)
        self._settle(alarm, entry_of(alarm, transition, recorded_at), memory, saved, fact)
        if transition.after.is_active:
            self._first_out.stands(rule)
        elif not (memory.abnormal and FIRST_OUT in memory.suppressed_by):
            self._end_turn(rule, transition, recorded_at)
        return alarm

    def _end_turn(self, rule: AlarmRule, transition: Transition, recorded_at: Micros) -> None:
        """Let the next of the group have its turn; who waited for nothing waits no longer."""
        following = self._first_out.over(rule)
        index = self._index_of[rule.id]
        if transition.kind is JournalKind.RETURNED and not self._columns.memory(index).is_abnormal:
            self._lift(index, recorded_at, FIRST_OUT, transition.at)
        if following is not None:
            self._lift(self._index_of[following], recorded_at, FIRST_OUT, transition.at)

    # --- people ---------------------------------------------------------------------------------------------------

    def acknowledge(self, alarm_id: str, at: Micros, actor: str, comment: str, fact: AuditFact | None = None) -> Done:
        """Acknowledge a standing alarm; the future is done when that, and ``fact`` in the audit trail, is stored.

        Raises:
            KeyError: It does not stand, or nothing awaits acknowledgement; look before, nothing can come between.
            UnavailableError: Too much waits for the database.
        """
        rule_id = self._standing[alarm_id].rule_id
        return self.act(rule_id, at, lambda _, memory: acknowledge(memory, at, actor, comment), fact)

    def reset(self, alarm_id: str, at: Micros, actor: str, comment: str, fact: AuditFact | None = None) -> Done:
        """Let a latched alarm go; raises as `acknowledge` does."""
        rule_id = self._standing[alarm_id].rule_id
        return self.act(rule_id, at, lambda _, memory: reset(memory, at, actor, comment), fact)

    def act(self, rule_id: str, at: Micros, does: Act, fact: AuditFact | None = None) -> Done:
        """Do to a rule's alarm what a person asks for; the future is done when that, and ``fact``, is stored.

        Raises:
            KeyError: The rule is not in force, or ``does`` makes no transition; look before.
            UnavailableError: Too much waits for the database.
        """
        index = self._index_of[rule_id]
        rule = self._columns.rules[index]
        self._require_room(rule.name, rule_id)
        memory, transition = does(rule, self._columns.memory(index))
        if transition is None:
            raise KeyError(rule_id)
        self._columns.remember(index, memory)
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        return self._turn(rule, transition, memory, at, saved, fact), saved

    def rule(self, rule_id: str) -> tuple[AlarmRule, RuleMemory] | None:
        """Return a rule in force, and what is known of it now."""
        index = self._index_of.get(rule_id)
        return None if index is None else (self._columns.rules[index], self._columns.memory(index))

    def remark(self, alarm: Alarm, at: Micros, actor: str, comment: str, fact: AuditFact | None = None) -> Done:
        """Add a remark to an alarm, standing or not; the future is done when it, and ``fact``, is stored.

        Raises:
            UnavailableError: Too much waits for the database.
        """
        self._require_room(alarm.name, alarm.id)
        remarked = (self._standing.get(alarm.id) or alarm).model_copy(update={"comment": comment})
        entry = journal_entry(remarked, JournalKind.COMMENTED, at, at, actor=actor, comment=comment)
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._settle(remarked, entry, None, saved, fact)
        return remarked, saved

    def _require_room(self, name: str, id: str) -> None:
        if not self.is_open:
            raise UnavailableError(
                f"{name}: not taken, because this process does not watch the alarms: it is starting, or another "
                "one does. Try again in a few seconds.",
                id=id,
            )
        if self.is_full:
            raise UnavailableError(
                f"{name}: not taken, because {len(self._queue)} changes of alarms already wait for the "
                "database. Check the database on the health page, then try again.",
                id=id,
            )

    def _settle(
        self,
        alarm: Alarm,
        entry: JournalEntry,
        memory: RuleMemory | None,
        saved: "asyncio.Future[None] | None" = None,
        fact: AuditFact | None = None,
    ) -> None:
        self._standing.put(alarm)
        self.transitions += 1
        change = AlarmChange(alarm, entry)
        self._queue.add(Unsaved(change, memory, saved, fact))
        self.changes.publish(change)

    # --- reading --------------------------------------------------------------------------------------------------

    def get(self, alarm_id: str) -> Alarm | None:
        """Return a standing alarm."""
        return self._standing.get(alarm_id)

    def standing(self, covers: Callable[[Alarm], bool]) -> tuple[Alarm, ...]:
        """Return the announced alarms that ``covers`` admits, most urgent first."""
        return self._standing.announced(covers)

    @property
    def alarms(self) -> StandingAlarms:
        """All alarms not in state A, to be read only."""
        return self._standing

    def counts(self, sites: frozenset[str] | None, site_id: str | None) -> AlarmCounts:
        """Count what stands in ``sites`` (None for all), or only in ``site_id`` of them."""
        return self._standing.counts(sites, site_id)

    @property
    def delays_running(self) -> int:
        return self._columns.delays_running

    # --- storing --------------------------------------------------------------------------------------------------

    @property
    def unsaved(self) -> int:
        """Changes that wait to be stored."""
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        return self._queue.is_full

    async def unsaved_arrived(self) -> None:
        """Return once a change waits to be stored."""
        await self._queue.arrived()

    def oldest_unsaved(self, changes_max: int) -> Sequence[Unsaved]:
        """Return the changes to store next; they stay until `saved`."""
        return self._queue.oldest(changes_max)

    def saved(self, changes: Sequence[Unsaved]) -> None:
        """Forget changes that are stored, and tell who waits for them."""
        self._queue.saved(changes)

    def checkpoint(self) -> Checkpoint:
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
