"""A small plant for alarm tests, with a durable buffer and a store that can fail or end the process.

The store holds what was committed and nothing else, so that a watch made anew from it starts where a killed process
would. `KilledError` is raised at a chosen operation on store or buffer, which ends the watch as kill -9 ends a process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from pdm_app.domain.access import Actor, Permission, Role, Scope
from pdm_app.domain.alarms import Alarm, AlarmRule, AlarmState, JournalEntry, JournalQuery, RuleMemory
from pdm_app.domain.assets import Asset, Site
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.errors import FencedError, UnavailableError
from pdm_app.domain.outbox import NoticeEvent
from pdm_app.domain.ports import Fence, Ticket
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import Signal
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Bus
from tests.counterparts.clocks import NOON, HandClock, settle

S = MICROS_PER_S


class KilledError(Exception):
    """The process ends here."""


class Mortal:
    """Counts operations and kills the process at one of them."""

    def __init__(self) -> None:
        self.operations = 0
        self.killed_at: int | None = None

    def live(self) -> None:
        self.operations += 1
        if self.operations == self.killed_at:
            raise KilledError


class MemoryBuffer:
    """Batches in a list; committed at once unless ``holds`` them back."""

    def __init__(self, fate: Mortal) -> None:
        self._fate = fate
        self._batches: list[Batch] = []
        self.committed = 0
        self.holds = False
        self.positions: dict[str, int] = {}
        self._arrived = asyncio.Event()

    def offer(self, batch: Batch) -> Ticket:
        self._batches.append(batch.numbered(len(self._batches) + 1))
        if not self.holds:
            self.commit()
        return Ticket(len(self._batches), asyncio.get_running_loop().create_future())

    def commit(self) -> None:
        self.committed = len(self._batches)
        self._arrived.set()

    async def read(self, after: int, samples_max: int) -> Sequence[Batch]:
        self._fate.live()
        return self._batches[
            after : min(self.committed, after + samples_max // 10_000)
        ]  # Five: several reads to catch up.

    async def wait(self, after: int) -> None:
        while self.committed <= after:
            self._arrived.clear()
            await self._arrived.wait()

    async def confirm(self, consumer: str, seq: int) -> None:
        self._fate.live()
        assert seq <= self.committed, "confirmed what is not on disk"
        self.positions[consumer] = seq
        self._fate.live()

    async def position(self, consumer: str) -> int:
        return self.positions.get(consumer, 0)

    depth = bytes_used = bytes_max = quarantined = 0
    trouble = identity = ""


@dataclass
class Tables:
    """What is committed."""

    rules: dict[str, AlarmRule] = field(default_factory=dict)
    memories: dict[str, RuleMemory] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    events: dict[str, NoticeEvent] = field(default_factory=dict)
    journal: dict[str, JournalEntry] = field(default_factory=dict)


class MemoryAlarms:
    """The alarm repository over `Tables`; writes become visible with the commit."""

    def __init__(self, tables: Tables, scope: Scope, fate: Mortal) -> None:
        self._tables = tables
        self._scope = scope
        self._fate = fate
        self.writes: list[Callable[[], None]] = []

    async def rules(self) -> Sequence[AlarmRule]:
        return [rule for rule in self._tables.rules.values() if self._scope.covers(rule.site_id)]

    async def rule(self, rule_id: str) -> AlarmRule | None:
        return next((rule for rule in await self.rules() if rule.id == rule_id), None)

    async def put_rule(self, rule: AlarmRule) -> None:
        self.writes.append(lambda: self._tables.rules.update({rule.id: rule}))

    async def memories(self) -> Sequence[RuleMemory]:
        return list(self._tables.memories.values())

    async def put_memories(self, memories: Sequence[RuleMemory]) -> None:
        self._fate.live()
        self.writes.append(lambda: self._tables.memories.update({memory.rule_id: memory for memory in memories}))

    async def standing(self) -> Sequence[Alarm]:
        return [alarm for alarm in self._tables.alarms.values() if alarm.state is not AlarmState.NORMAL]

    async def get(self, alarm_id: str) -> Alarm | None:
        alarm = self._tables.alarms.get(alarm_id)
        return alarm if alarm is not None and self._scope.covers(alarm.site_id) else None

    async def put(self, alarms: Sequence[Alarm]) -> None:
        self._fate.live()
        self.writes.append(lambda: self._tables.alarms.update({alarm.id: alarm for alarm in alarms}))

    async def add_events(self, events: Sequence[NoticeEvent]) -> None:
        self.writes.append(lambda: self._tables.events.update({event.id: event for event in events}))

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        self._fate.live()

        def write() -> None:
            for entry in entries:
                self._tables.journal.setdefault(entry.id, entry)

        self.writes.append(write)

    async def journal(self, query: JournalQuery) -> Sequence[JournalEntry]:
        entries = [entry for entry in self._tables.journal.values() if self._scope.covers(entry.site_id)]
        entries = [entry for entry in entries if query.asset_id in (None, entry.asset_id)]
        ordered = sorted(entries, key=lambda entry: (entry.at, entry.id), reverse=True)
        if query.before is not None:
            place = next(place for place, entry in enumerate(ordered) if entry.id == query.before)
            ordered = ordered[place + 1 :]
        return ordered[: query.limit]


class MemoryStore:
    """A unit of work over `Tables`."""

    def __init__(self, fate: Mortal, sites: Sequence[Site], signals: Sequence[Signal]) -> None:
        self.tables = Tables()
        self.is_down = False
        self.commits = 0
        self.token = 1
        self.open = asyncio.Event()
        self.open.set()
        self._fate = fate
        self._sites = sites
        self._signals = signals

    def __call__(self, scope: Scope) -> AbstractAsyncContextManager[Work]:
        return self._work(scope)

    @asynccontextmanager
    async def _work(self, scope: Scope) -> AsyncIterator[Work]:
        if self.is_down:
            raise UnavailableError("The database does not answer.")
        self._fate.live()
        alarms = MemoryAlarms(self.tables, scope, self._fate)

        async def commit() -> None:
            await self.open.wait()
            if self.is_down:
                raise UnavailableError("The database does not answer.")
            self._fate.live()
            for write in alarms.writes:
                write()
            self.commits += 1
            self._fate.live()

        async def hold(fence: Fence) -> None:
            if fence.token != self.token:
                raise FencedError("Another process holds the lease.")

        async def all_sites() -> Sequence[Site]:
            return [site for site in self._sites if scope.covers(site.id)]

        async def all_signals() -> Sequence[Signal]:
            return [signal for signal in self._signals if scope.covers(signal.site_id)]

        async def asset(asset_id: str) -> Asset | None:
            rules = [rule for rule in await alarms.rules() if rule.asset_id == asset_id]
            return cast(Asset, rules[0]) if rules else None

        yield cast(
            Work,
            SimpleNamespace(
                alarms=alarms,
                outbox=SimpleNamespace(add_events=alarms.add_events),
                sites=SimpleNamespace(all=all_sites),
                signals=SimpleNamespace(all=all_signals),
                assets=SimpleNamespace(get=asset),
                hold=hold,
                commit=commit,
            ),
        )

    async def ping(self) -> float:
        return 0.0


def limit(rule_id: str, signal: int, high: float = 10.0, **settings: Any) -> AlarmRule:
    """A high limit with a deadband of 1, on an asset named after its signal."""
    values: dict[str, Any] = {
        "id": rule_id,
        "site_id": "graz",
        "asset_id": f"asset-{signal}",
        "signal_id": signal,
        "name": f"Rule {rule_id}",
        "condition": HighLimit(limit=high, deadband=1.0),
        "priority": 2,
        **settings,
    }
    return AlarmRule(**values)


def batch_of(*samples: tuple[int, float, int] | tuple[int, float, int, Quality], received_at: int = NOON) -> Batch:
    """A batch from (signal, value, source time[, quality])."""
    return Batch.of(
        "plc",
        [
            Sample(SignalId(given[0]), given[1], given[3] if len(given) > 3 else Quality.GOOD, Micros(given[2]))
            for given in samples
        ],
        Micros(received_at),
    )


def person(name: str = "anna", role: Role = Role.OPERATOR, sites: frozenset[str] | None = frozenset({"graz"})) -> Actor:
    permissions = {Permission.ALARMS_READ} | ({Permission.ALARMS_ACKNOWLEDGE} if role is not Role.VIEWER else set())
    return Actor(id=name, name=name, role=role, scope=Scope(sites=sites), permissions=frozenset(permissions))


class AlarmPlant:
    """Clock, buffer, store, bus and a running watch that can be killed and started again."""

    def __init__(self, rules: Sequence[AlarmRule], unsaved_max: int = 50_000, lateness_s: float = 2.0) -> None:
        self.clock = HandClock()
        self.fate = Mortal()
        self.buffer = MemoryBuffer(self.fate)
        sites = [Site(id=id, code=id, name=id, time_zone="UTC", currency="EUR") for id in ("graz", "pune")]
        self.store = MemoryStore(self.fate, sites, [])
        self.store.tables.rules = {rule.id: rule for rule in rules}
        self._unsaved_max = unsaved_max
        self._lateness_s = lateness_s
        self.task: asyncio.Task[None] | None = None
        self.may_lead = asyncio.Event()
        self.may_lead.set()
        self._renew()

    def _renew(self) -> None:
        self.book = AlarmBook(self._unsaved_max, self._lateness_s)
        self.bus: Bus[Batch] = Bus()
        self.watch = AlarmWatch(self.book, self.bus, self.buffer, self.store, self.clock, self.lease)

    async def lease(self) -> Fence:
        await self.may_lead.wait()
        return Fence(1)

    async def start(self) -> None:
        """Start, or start again from what is stored."""
        self._renew()
        self.task = asyncio.create_task(self.watch.run())
        await settle()
        await self.revive()

    async def kill(self) -> None:
        """End the process without any farewell."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def revive(self) -> bool:
        """Start again if the process was killed; tell whether it was."""
        if self.task is None or not self.task.done():
            return False
        error = self.task.exception()
        if not isinstance(error, KilledError):
            raise AssertionError("the watch ended by itself") from error
        await self.start()
        return True

    async def send(self, *samples: Any, later_s: float = 0.0) -> None:
        """Deliver a batch as the collector does: into the buffer and onto the bus."""
        await self.clock.advance(later_s)
        self.deliver(*samples)
        await settle()

    def deliver(self, *samples: Any) -> Batch:
        batch = batch_of(*samples, received_at=self.clock.at)
        batch = batch.numbered(self.buffer.offer(batch).seq)
        self.bus.publish(batch)
        return batch

    @property
    def journal(self) -> list[JournalEntry]:
        """The stored journal, oldest first."""
        return sorted(self.store.tables.journal.values(), key=lambda entry: (entry.at, entry.id))
