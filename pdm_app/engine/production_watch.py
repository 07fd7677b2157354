"""Follows production: the shifts that run now live, those that are over from history, each stored when it is known.

``ProductionWatch(book, bus, historian, work, clock, fence)``; run `run` under the supervisor. A running shift is begun
from history and goes on with what the bus brings; samples that come too late have it begun again. What is over is
stored, and derived anew when late samples touch it, unless it is locked. After a restart the shifts that are missing
are derived from history, the newest first.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.ports import Clock, Fence, Historian
from pdm_app.domain.production import Product, ProductionUnit
from pdm_app.domain.production_plan import OrderRun, Plan, PlannedStop, plan_of
from pdm_app.domain.production_shifts import ProductionShift, ShiftSums, shift_id, summed
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Stretch
from pdm_app.domain.shift_derivation import intervals_of
from pdm_app.domain.shifts import ShiftCalendar, ShiftSpan
from pdm_app.engine.supervisor import Backoff
from pdm_app.stream.bus import Bus, Overflow, Reader
from pdm_app.stream.production_book import LiveShift, ProductionBook, shift_of

log = structlog.get_logger(__name__)

STEP_S = 1.0
READ_EVERY_US = 60 * MICROS_PER_S  # So late a changed calendar is in force.
STORE_EVERY_US = 60 * MICROS_PER_S  # So much is derived from history again after a crash.
CATCH_UP_DAYS = 35
CATCH_UP_AT_ONCE = 4  # Shifts per step, so that nothing else waits.
LOOK_BACK_EVERY_US = 600 * MICROS_PER_S
ROWS_MAX = 4_000_000  # A shift of 12 hours of ten signals ten times a second.
BATCHES_MAX = 20_000
DAY_US = 86_400 * MICROS_PER_S


class ProductionWatch:
    """The engine's part for production.

    Args:
        book: What is told of it.
        bus: Read live.
        historian: Asked for shifts that have begun already, and for those that are over.
        work: Where machines, calendars and shifts are stored.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held.
        known_since: From when on history is there, microseconds UTC; while a past is still being put in, newest first,
            shifts that begin before wait for it.
    """

    def __init__(
        self,
        book: ProductionBook,
        bus: Bus[Batch],
        historian: Historian,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        known_since: Callable[[], int] = lambda: 0,
    ) -> None:
        self._book = book
        self._bus = bus
        self._historian = historian
        self._work = work
        self._clock = clock
        self._fence = fence
        self._known_since = known_since
        self.backoff = Backoff(first_s=0.5, cap_s=10.0)
        self._units: dict[str, ProductionUnit] = {}
        self._products: dict[str, list[Product]] = {}
        self._states: dict[str, MachineState] = {}
        self._calendars: dict[str, tuple[ShiftCalendar, ZoneInfo]] = {}
        self._stops: list[PlannedStop] = []
        self._runs: list[OrderRun] = []
        self._read_at: int | None = None
        self._stored_at: dict[str, int] = {}
        self._looked_back_at: int | None = None
        self._missing: list[tuple[str, ShiftSpan]] = []
        self._empty: set[str] = set()
        self._dropped = 0
        self._begun_short: set[str] = set()  # Machines whose shift was begun before its past was there.

    @property
    def owed(self) -> int | None:
        """How many shifts are still to be derived; None before it has looked which."""
        return None if self._looked_back_at is None else len(self._missing)

    async def run(self) -> None:
        """Follow until cancelled; what was not stored is derived from history again.

        Raises:
            UnavailableError: The database does not answer; run it again.
        """
        await self._fence()
        self._book.live.clear()
        with self._bus.reader(BATCHES_MAX, Overflow.FALL_BEHIND) as reader:
            while True:
                await self.step(reader)
                self.backoff.reset()
                await self._clock.sleep(STEP_S)

    async def step(self, reader: Reader[Batch]) -> None:
        """Take what has come, begin and end shifts, store what is due, and derive some of what is owed."""
        now = self._clock.now()
        if self._book.is_stale or self._read_at is None or abs(now - self._read_at) >= READ_EVERY_US:
            await self._read(now)
        batches = reader.drain()
        if reader.dropped != self._dropped:
            self._dropped = reader.dropped
            log.warning("production fell behind; the shifts that run are derived from history")
            self._book.live.clear()
        else:
            self._feed(batches)
        await self._say()
        for unit in list(self._units.values()):
            await self._follow(unit, now)
        for asset_id, at in self._book.take_owed():
            self._plan_again(asset_id, at)
        known_since = self._known_since()
        for asset_id in self._begun_short & set(self._book.live):
            if self._book.live[asset_id].span.begin_at >= known_since:
                self._begun_short.discard(asset_id)
                del self._book.live[asset_id]  # It is begun anew, with the past.
        await self._catch_up(now, known_since)

    # --- what runs --------------------------------------------------------------------------------------------------

    def _feed(self, batches: Sequence[Batch]) -> None:
        if not batches or not self._book.live:
            return
        signals = np.concatenate([batch.signal for batch in batches])
        wanted = sorted({number for live in self._book.live.values() for number in live.unit.signals})
        mine = np.isin(signals, np.array(wanted, np.uint32))
        if not mine.any():
            return
        signals = signals[mine]
        at = np.concatenate([batch.source_at for batch in batches])[mine]
        value = np.concatenate([batch.value for batch in batches])[mine]
        quality = np.concatenate([batch.quality for batch in batches])[mine]
        for asset_id, live in list(self._book.live.items()):
            stretches: dict[int, Stretch] = {}
            for number in live.unit.signals:
                own = signals == number
                if own.any():
                    stretches[number] = Stretch(at[own], value[own], quality[own])
            early = min((int(each.source_at.min()) for each in stretches.values()), default=live.span.begin_at)
            if early < live.span.begin_at:
                self._plan_again(asset_id, early)
            if not live.take(stretches):
                del self._book.live[asset_id]  # It is begun from history again.

    async def _say(self) -> None:
        """Read what people said of stops of the shifts that run."""
        edited = self._book.take_edited()
        running = [live for live in self._book.live.values() if live.id in edited]
        if not running:
            return
        async with self._work(EVERY_SITE) as work:
            edits = await work.production.edits([live.id for live in running])
        for live in running:
            live.say([edit for edit in edits if edit.shift_id == live.id])

    async def _follow(self, unit: ProductionUnit, now: Micros) -> None:
        """Have the machine's shift that runs now be the one in the book, and store it now and then."""
        span = self._span(unit, now)
        live = self._book.live.get(unit.asset_id)
        if live is not None and (
            span is None or live.span != span or live.unit != unit or live.plan != self._plan(unit, span)
        ):
            if live.unit == unit and live.span.end_at <= now and live.plan == self._plan(unit, live.span):
                await self._store([live.told(live.span.end_at)[0]])
            del self._book.live[unit.asset_id]
            live = None
        if span is None or span.begin_at >= now:
            return
        if live is None:
            if span.begin_at < self._known_since():
                self._begun_short.add(unit.asset_id)
            self._book.live[unit.asset_id] = await self._begun(unit, span, now)
        elif now - self._stored_at.get(unit.asset_id, 0) >= STORE_EVERY_US:
            self._stored_at[unit.asset_id] = now
            await self._store([live.told(now)[0]])

    async def _begun(self, unit: ProductionUnit, span: ShiftSpan, now: int) -> LiveShift:
        products = self._products.get(unit.site_id, [])
        stretches = await self._samples(unit, span.begin_at, now)
        async with self._work(EVERY_SITE) as work:
            edits = await work.production.edits([shift_id(unit.asset_id, span.begin_at)])
        went_on, plan = self._went_on(unit, span, stretches), self._plan(unit, span)
        live = LiveShift(unit, products, span, self._states, edits, went_on=went_on, plan=plan)
        live.take(stretches)
        return live

    # --- what is over -----------------------------------------------------------------------------------------------

    def _plan_again(self, asset_id: str, at: int) -> None:
        """Plan to derive the shift of a moment that lies behind the one that runs."""
        unit = self._units.get(asset_id)
        span = None if unit is None else self._span(unit, at)
        if unit is None or span is None:
            return
        if span.end_at > self._clock.now():
            self._book.live.pop(asset_id, None)
        elif (asset_id, span) not in self._missing:
            self._empty.discard(shift_id(asset_id, span.begin_at))
            self._missing.insert(0, (asset_id, span))

    async def _catch_up(self, now: Micros, known_since: int) -> None:
        if self._looked_back_at is None or now - self._looked_back_at >= LOOK_BACK_EVERY_US:
            self._looked_back_at = now
            await self._look_back(now)
        some = [one for one in self._missing if one[1].begin_at >= known_since][:CATCH_UP_AT_ONCE]
        self._missing = [one for one in self._missing if one not in some]
        for asset_id, span in some:
            unit = self._units.get(asset_id)
            if unit is not None:
                await self._derive(unit, span)

    async def _look_back(self, now: Micros) -> None:
        """List the shifts that are over and not stored to their end, the newest first."""
        since = now - CATCH_UP_DAYS * DAY_US
        async with self._work(EVERY_SITE) as work:
            stored = await work.production.sums(list(self._units), since, now)
        kept: dict[str, list[ShiftSums]] = {}
        for shift in stored:
            kept.setdefault(shift.asset_id, []).append(shift)
        planned = {(asset_id, span.begin_at) for asset_id, span in self._missing}
        found: list[tuple[str, ShiftSpan]] = []
        for unit in self._units.values():
            known = self._calendars.get(unit.site_id)
            for span in known[0].spans(since, now, known[1]) if known is not None else ():
                is_planned = (unit.asset_id, span.begin_at) in planned
                is_empty = shift_id(unit.asset_id, span.begin_at) in self._empty
                if span.end_at <= now and not is_planned and not is_empty and _lacks(kept.get(unit.asset_id, []), span):
                    found.append((unit.asset_id, span))
        self._missing += sorted(
            found, key=lambda one: (-one[1].begin_at, not self._units[one[0]].is_constraint, one[0])
        )

    async def _derive(self, unit: ProductionUnit, span: ShiftSpan) -> None:
        """Derive a shift that is over from history and store it, unless it is locked."""
        key = shift_id(unit.asset_id, span.begin_at)
        stretches = await self._samples(unit, span.begin_at, span.end_at)
        products = self._products.get(unit.site_id, [])
        plan = await self._plan_then(unit, span)
        intervals = await asyncio.to_thread(intervals_of, unit, products, stretches, span.begin_at, span.end_at, plan)
        if all(one.state is MachineState.NO_DATA for one in intervals):
            self._empty.add(key)
            return
        went_on = self._went_on(unit, span, stretches)
        shift = shift_of(unit, span, intervals, span.end_at, went_on=went_on)
        async with self._work(EVERY_SITE) as work:
            edits = await work.production.edits([key])
        await self._store([summed(shift, edits, self._states, unit.minor_us)[0]])

    # --- reading and storing ----------------------------------------------------------------------------------------

    async def _read(self, now: Micros) -> None:
        self._book.is_stale = False
        async with self._work(EVERY_SITE) as work:
            units = await work.production.units()
            products = await work.production.products()
            reasons = await work.production.reasons()
            zones = {site.id: ZoneInfo(site.time_zone) for site in await work.sites.all()}
            calendars = await work.shifts.all()
            self._stops = list(await work.plans.stops(now - DAY_US, now + DAY_US))
            self._runs = list(await work.plans.runs(now - DAY_US, now + DAY_US))
            there = {asset.id for asset in await work.assets.all()}
        self._units = {unit.asset_id: unit for unit in units if unit.asset_id in there}
        self._products = {}
        for product in products:
            self._products.setdefault(product.site_id, []).append(product)
        self._states = {reason.id: reason.state for reason in reasons}
        self._calendars = {
            calendar.site_id: (calendar, zones[calendar.site_id]) for calendar in calendars if calendar.site_id in zones
        }
        for gone in set(self._book.live) - set(self._units):
            del self._book.live[gone]
        self._read_at = now

    def _plan(self, unit: ProductionUnit, span: ShiftSpan) -> Plan:
        """Return what is planned for a machine in the shift that runs now."""
        return plan_of(unit, span, self._stops, self._runs)

    async def _plan_then(self, unit: ProductionUnit, span: ShiftSpan) -> Plan:
        """Return what was planned for a machine in a shift that is over."""
        async with self._work(EVERY_SITE) as work:
            stops = await work.plans.stops(span.begin_at, span.end_at)
            runs = await work.plans.runs(span.begin_at, span.end_at)
        return plan_of(unit, span, stops, runs)

    def _span(self, unit: ProductionUnit, at: int) -> ShiftSpan | None:
        known = self._calendars.get(unit.site_id)
        return None if known is None else known[0].at(at, known[1])

    async def _samples(self, unit: ProductionUnit, begin_at: int, end_at: int) -> Mapping[int, Stretch]:
        try:
            return await self._historian.samples(unit.signals, Micros(begin_at), Micros(end_at), ROWS_MAX)
        except InvalidInputError as error:
            log.warning("a shift has too many samples to be rated", asset=unit.asset_id, error=error.message)
            return {}

    def _went_on(self, unit: ProductionUnit, span: ShiftSpan, stretches: Mapping[int, Stretch]) -> bool:
        """Whether the shift began in the state in which the one right before it ended."""
        if self._span(unit, span.begin_at - 1) is None:
            return False
        around = intervals_of(unit, [], stretches, span.begin_at - 1, span.begin_at + 1)
        return len(around) == 1 and around[0].state is not MachineState.NO_DATA

    async def _store(self, shifts: Sequence[ProductionShift]) -> None:
        async with self._work(EVERY_SITE) as work:
            await work.hold(await self._fence())
            writable = []
            for shift in shifts:
                stored = await work.production.shift(shift.id)
                if stored is None or not stored.is_locked:
                    writable.append(shift.model_copy(update={"revision": 0 if stored is None else stored.revision + 1}))
            await work.production.put_shifts(writable)
            await work.commit()


def _lacks(kept: Sequence[ShiftSums], span: ShiftSpan) -> bool:
    """Whether a shift that is over is still to be derived: it is not there to its end, and nothing lies across it.

    What lies across it was worked by another calendar, and counts.
    """
    place = bisect_left(kept, span.end_at, key=lambda shift: shift.begin_at) - 1
    if place < 0 or kept[place].end_at <= span.begin_at:
        return True
    last = kept[place]
    return last.begin_at == span.begin_at and not last.is_over and not last.is_locked
