"""Opens a maintenance event when a critical sensor and a score together call for one, once for each time.

``MaintenanceWatch(work, book, latest, clock, fence)``; run `run` under the supervisor. It looks at the alarms that
stand and at the newest values, whenever one of them has changed that a rule names.

* What a rule finds is held in memory until it is stored, in order, so that an outage of the database loses nothing.
* Whether a rule holds at a machine is stored with its event: after a crash what went on goes on, and no second event is
  opened for it. What was resolved while its condition holds is not opened again until the condition has been over.
* A value of bad quality, and a missing one, say nothing: how it stood is how it stands.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.alarms import Alarm
from pdm_app.domain.assets import Asset
from pdm_app.domain.maintenance_events import EventKind, MaintenanceEvent, event_entry, found_id
from pdm_app.domain.maintenance_rules import AlarmStands, MaintenanceRule, SignalBeyond, number_of
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import I8, MICROS_PER_S, Micros
from pdm_app.engine.supervisor import Backoff
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.latest import Latest

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5  # What comes and goes faster is not what maintenance is called for.
READ_EVERY_US = 60 * MICROS_PER_S  # So late a new machine, or a signal that got another name, is watched.
OWED_MAX = 10_000  # Changes that wait for the database; beyond them the oldest are kept.
FOUND_BY = "rule"
NO_CURRENCY = "XXX"  # ISO 4217 for none: of a site that is gone.


@dataclass(slots=True)
class _Watched:
    """One rule at one machine; ``event_id`` is the newest event of it that is open or goes on."""

    rule: MaintenanceRule
    asset: Asset
    score_id: int
    sensor_id: int | None
    event_id: str | None = None
    holds: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """That a rule began, or ceased, to hold."""

    watched: _Watched
    holds: bool
    at: Micros
    value: float | None
    score: float
    alarm: Alarm | None


class MaintenanceWatch:
    """The engine's part for maintenance.

    Args:
        work: Where rules and events are stored.
        book: The alarms that stand; judged from once its watch leads.
        latest: The newest value of each signal.
        clock: Injected time.
        fence: Returns the proof of the collector lease once it is held; nothing is found before.
    """

    def __init__(
        self, work: UnitOfWork, book: AlarmBook, latest: Latest, clock: Clock, fence: Callable[[], Awaitable[Fence]]
    ) -> None:
        self._work = work
        self._book = book
        self._latest = latest
        self._clock = clock
        self._fence = fence
        self.backoff = Backoff(first_s=0.5, cap_s=10.0)
        self._watched: list[_Watched] = []
        self._is_watched = np.zeros(0, dtype=bool)  # By slot of `Latest`.
        self._is_touched = True
        self._alarms_seen = (-1, -1)
        self._owed: deque[_Seen] = deque()
        self._read_at: Micros | None = None

    @property
    def watched(self) -> int:
        """How many machines are watched, each once for each of its rules."""
        return len(self._watched)

    @property
    def owed(self) -> int:
        """How many changes wait for the database."""
        return len(self._owed)

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            FencedError: Another process watches; this one must stop.
            UnavailableError: The database does not answer; run again, what was found is kept.
        """
        await self._fence()
        with self._latest.listening(self._touched):
            self._is_touched = True
            while True:
                await self.step()
                self.backoff.reset()
                await self._clock.sleep(LOOK_EVERY_S)

    async def reload(self) -> None:
        """Put the stored rules in force at the next look."""
        self._read_at = None

    async def step(self) -> None:
        """Look once, and store what was found.

        Raises:
            UnavailableError: The database does not answer.
        """
        now = self._clock.now()
        try:
            if not self._owed and (self._read_at is None or abs(now - self._read_at) >= READ_EVERY_US):
                await self._read(now)
        finally:  # Rules in force are judged by, also while nothing can be read.
            self._look(now)
        while self._owed:
            await self._store(self._owed[0])
            self._owed.popleft()

    # --- looking ----------------------------------------------------------------------------------------------------

    def _touched(self, slots: I8) -> None:
        inside = slots[slots < len(self._is_watched)]
        if not self._is_touched and self._is_watched[inside].any():
            self._is_touched = True

    def _look(self, now: Micros) -> None:
        alarms = (self._book.loads, self._book.transitions)
        if not self._book.is_open or not (self._is_touched or alarms != self._alarms_seen):
            return
        self._is_touched, self._alarms_seen = False, alarms
        if not self._watched:
            return
        standing: dict[str, list[Alarm]] = {}
        for alarm in self._book.alarms:
            standing.setdefault(alarm.asset_id, []).append(alarm)
        for watched in self._watched:
            seen = self._judged(watched, standing.get(watched.asset.id, []), now)
            if seen is None or seen.holds == watched.holds:
                continue
            if len(self._owed) >= OWED_MAX:
                log.error("too many maintenance events wait for the database", events=len(self._owed))
                return
            watched.holds = seen.holds
            self._owed.append(seen)

    def _judged(self, watched: _Watched, alarms: list[Alarm], now: Micros) -> _Seen | None:
        """Return whether a rule holds now; None where that cannot be said."""
        rule, said = watched.rule, self._latest.sample(watched.score_id)
        score = number_of(said)
        if said is None or score is None:
            return None
        is_high, at = score >= rule.score.threshold, said.source_at
        if isinstance(rule.sensor, AlarmStands):
            alarm = rule.sensor.found(alarms)
            if alarm is not None:
                at = Micros(max(at, alarm.raised_at))
            holds = is_high and alarm is not None
            return _Seen(watched, holds, at if holds else now, alarm.value if alarm else None, score, alarm)
        sample = self._latest.sample(watched.sensor_id) if watched.sensor_id is not None else None
        value = number_of(sample)
        if sample is None or value is None:
            return None
        return _Seen(
            watched, is_high and rule.sensor.holds(value), Micros(max(at, sample.source_at)), value, score, None
        )

    # --- storing ----------------------------------------------------------------------------------------------------

    async def _store(self, seen: _Seen) -> None:
        watched = seen.watched
        fence = await self._fence()
        async with self._work(EVERY_SITE) as work:
            await work.hold(fence)
            event = await work.maintenance.event(watched.event_id) if watched.event_id is not None else None
            if event is not None and event.ended_at is not None and not event.is_open:
                event = None  # It is over and resolved: what comes now is another one.
            if event is None and seen.holds:
                event = await self._open(work, seen)
            elif event is not None and seen.holds and event.ended_at is not None:
                await work.maintenance.tell(event.id, None, event.times + 1)
            elif event is not None and not seen.holds and event.ended_at is None:
                await work.maintenance.tell(event.id, max(seen.at, event.opened_at), event.times)
            await work.commit()
        watched.event_id = event.id if event is not None else None

    async def _open(self, work: Work, seen: _Seen) -> MaintenanceEvent:
        rule, asset = seen.watched.rule, seen.watched.asset
        sites = await work.sites.all()
        currency = next((site.currency for site in sites if site.id == rule.site_id), NO_CURRENCY)
        basis = next((each for each in await work.maintenance.costs() if each.site_id == rule.site_id), None)
        event = MaintenanceEvent(
            id=found_id(rule, asset.id, seen.at), site_id=rule.site_id, asset_id=asset.id, kind=EventKind.FOUND,
            name=rule.name, severity=rule.severity, rule_id=rule.id, opened_at=int(seen.at),
            recorded_at=int(self._clock.now()), opened_by=FOUND_BY, note=rule.advice, simulated=asset.simulated,
            alarm_id=seen.alarm.id if seen.alarm is not None else None,
            signal_id=seen.alarm.signal_id if seen.alarm is not None else seen.watched.sensor_id,
            value=seen.value, limit=_limit(seen), score_signal_id=seen.watched.score_id, score=seen.score,
            score_limit=rule.score.threshold, currency=currency,
            cost=basis.estimate(asset.asset_class, rule.severity) if basis is not None else None,
        )  # fmt: skip
        await work.maintenance.add(event)
        entry = event_entry(event, seen.at, Micros(event.recorded_at), FOUND_BY, rule.advice)
        await work.alarms.append([entry])
        log.info("a maintenance event is open", rule=rule.name, asset=asset.code, severity=str(rule.severity))
        return event

    # --- putting rules in force -------------------------------------------------------------------------------------

    async def _read(self, now: Micros) -> None:
        async with self._work(EVERY_SITE) as work:
            rules = [rule for rule in await work.maintenance.rules() if rule.enabled]
            unfinished = await work.maintenance.unfinished()
            assets = await work.assets.all() if rules else ()
            signals = await work.maintenance.named(list(_names(rules))) if rules else ()
        numbers = {(signal.asset_id, signal.name): signal.id for signal in signals}
        watched = {
            (rule.id, asset.id): _Watched(rule, asset, score, sensor)
            for rule in rules
            for asset in assets
            if rule.is_for(asset)
            if (score := numbers.get((asset.id, rule.score.signal))) is not None
            for read in [_sensor_of(rule)]
            for sensor in [numbers.get((asset.id, read)) if read is not None else None]
            if sensor is not None or read is None
        }
        orphans = []
        for event in unfinished:  # Oldest first, so that the newest one stands.
            one = watched.get((event.rule_id or "", event.asset_id))
            if one is not None:
                one.event_id, one.holds = event.id, event.ended_at is None
            elif event.ended_at is None:
                orphans.append(event)
        await self._end(orphans, now)
        self._watched = list(watched.values())
        self._listen()
        self._read_at, self._is_touched = now, True

    async def _end(self, orphans: Iterable[MaintenanceEvent], now: Micros) -> None:
        """Note that nobody watches any more what opened these: a rule, a machine or a signal is gone."""
        orphans = list(orphans)
        if not orphans:
            return
        fence = await self._fence()
        async with self._work(EVERY_SITE) as work:
            await work.hold(fence)
            for event in orphans:
                await work.maintenance.tell(event.id, max(int(now), event.opened_at), event.times)
            await work.commit()

    def _listen(self) -> None:
        numbers = [number for one in self._watched for number in (one.score_id, one.sensor_id) if number is not None]
        slots = self._latest.slots(numbers)
        self._is_watched = np.zeros(int(slots.max()) + 1 if len(slots) else 0, dtype=bool)
        self._is_watched[slots] = True


def _sensor_of(rule: MaintenanceRule) -> str | None:
    """Return the name of the signal that a rule watches; None where it watches alarms."""
    return rule.sensor.signal if isinstance(rule.sensor, SignalBeyond) else None


def _names(rules: Iterable[MaintenanceRule]) -> Iterable[str]:
    for rule in rules:
        yield rule.score.signal
        sensor = _sensor_of(rule)
        if sensor is not None:
            yield sensor


def _limit(seen: _Seen) -> float | None:
    if seen.alarm is not None:
        return seen.alarm.limit
    sensor = seen.watched.rule.sensor
    return sensor.limit if isinstance(sensor, SignalBeyond) else None
