"""A critical sensor together with a score opens an event: once, also across crashes and outages of the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.alarm_figures import Happening
from pdm_app.domain.alarms import EVENTS, JournalEntry, JournalQuery
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.maintenance_events import CostBasis, EventQuery, MaintenanceEvent
from pdm_app.domain.maintenance_rules import AlarmStands, MaintenanceRule, ScoreAbove, SignalBeyond
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.maintenance_watch import MaintenanceWatch
from pdm_app.services.maintenance import MaintenanceService
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.latest import Latest
from tests.counterparts.alarms import SUCTION, SwitchedWork, person, running, with_rules
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import P_501, SIGNALS

BEARING, SCORE = SIGNALS[2], SIGNALS[3]
ERIN = person("erin", Role.ENGINEER)
HOT = SignalBeyond(signal=BEARING.name, limit=85.0)


def rule(**facts: Any) -> MaintenanceRule:
    given = {
        "id": "hot", "site_id": "pune", "name": "Bearing is failing", "asset_id": P_501.id, "sensor": HOT,
        "score": ScoreAbove(signal=SCORE.name, threshold=0.8), "advice": "Change the bearing.", "revision": 1,
    }  # fmt: skip
    return MaintenanceRule.model_validate({**given, **facts})


class Site:
    """A watch over a real database; values and time are set by hand."""

    def __init__(self, work: SwitchedWork, clock: HandClock) -> None:
        self.work, self.clock, self.latest, self.book = work, clock, Latest(), AlarmBook()
        self.service = MaintenanceService(work, clock)
        self.fence: Fence | None = None
        self.crash()

    def crash(self) -> None:
        """End as a kill does; the newest values are read again from history."""
        self.watch = MaintenanceWatch(self.work, self.book, self.latest, self.clock, self._held)

    async def _held(self) -> Fence:
        assert self.fence is not None
        return self.fence

    async def put(self, *rules: MaintenanceRule, base: float | None = 45_000) -> None:
        async with self.work(EVERY_SITE) as work:
            for one in rules:
                await work.maintenance.put_rule(one)
            if base is not None:
                await work.maintenance.put_costs(CostBasis(id="pune", site_id="pune", base=base))
            await work.commit()

    async def see(
        self, bearing_c: float | None, score: float | None, *, at_s: float, quality: Quality = Quality.GOOD
    ) -> None:
        """Let values come, and the watch look."""
        at = Micros(NOON + round(at_s * MICROS_PER_S))
        self.clock.at = max(self.clock.at, at)
        rows = [
            Sample(SignalId(signal.id), value, quality, at)
            for signal, value in ((BEARING, bearing_c), (SCORE, score))
            if value is not None
        ]
        with self.latest.listening(self.watch._touched):
            self.latest.merge(Batch.of("plc", rows, self.clock.now()))
        await self.watch.step()

    async def events(self) -> list[MaintenanceEvent]:
        async with self.work(EVERY_SITE) as work:
            return list(reversed(await work.maintenance.events(EventQuery())))

    async def journal(self) -> list[JournalEntry]:
        async with self.work(EVERY_SITE) as work:
            return list(reversed(await work.alarms.journal(JournalQuery())))


@asynccontextmanager
async def begun(work: SqlUnitOfWork, clock: HandClock, url: str) -> AsyncIterator[Site]:
    database = Database(url)
    try:
        site = Site(SwitchedWork(work), clock)
        fence = await SqlLease(database, clock).acquire("tests", 86_400)
        assert fence is not None
        site.fence = fence
        yield site
    finally:
        await database.close()


@pytest.fixture
async def stored(work: SqlUnitOfWork, clock: HandClock, database_url: str) -> AsyncIterator[Site]:
    """On SQLite and on MariaDB."""
    async with begun(work, clock, database_url) as site:
        yield site


@pytest.fixture
async def site(sqlite_work: SqlUnitOfWork, clock: HandClock, sqlite_url: str) -> AsyncIterator[Site]:
    async with begun(sqlite_work, clock, sqlite_url) as site:
        yield site


async def test_one_of_the_two_alone_opens_nothing_and_both_together_open_one_event(stored: Site) -> None:
    await stored.put(rule())
    await stored.see(90.0, 0.1, at_s=1)
    await stored.see(70.0, 0.9, at_s=2)
    assert await stored.events() == []
    await stored.see(85.0, 0.8, at_s=3)
    await stored.see(88.0, 0.9, at_s=4)
    [event] = await stored.events()
    assert (event.name, event.severity, event.asset_id) == ("Bearing is failing", "critical", "p-501")
    assert (event.value, event.limit, event.score, event.score_limit) == (85.0, 85.0, 0.8, 0.8)
    assert (event.signal_id, event.score_signal_id) == (BEARING.id, SCORE.id)
    assert (event.cost, event.currency) == (67_500, "INR")
    assert event.opened_at == NOON + 3 * MICROS_PER_S
    assert (event.is_open, event.ended_at, event.note) == (True, None, "Change the bearing.")


async def test_it_is_in_the_journal_once_and_in_no_figure_of_alarms(stored: Site) -> None:
    await stored.put(rule())
    await stored.see(90.0, 0.9, at_s=1)
    [event] = await stored.events()
    stored.clock.at += 1
    await stored.service.resolve(ERIN, event.id, "Bearing changed", event.revision)
    assert [(entry.kind, entry.alarm_id) for entry in await stored.journal()] == [(kind, event.id) for kind in EVENTS]
    async with stored.work(EVERY_SITE) as work:
        counted: list[Happening] = list(await work.alarms.happenings(0, 2**53, None, 100))
        assert counted == []
        assert await work.alarms.journal_begins_at(None) is None
        assert await work.outbox.events(10) == []


async def test_what_ends_and_comes_again_while_the_event_is_open_is_the_same_event(site: Site) -> None:
    await site.put(rule())
    await site.see(90.0, 0.9, at_s=1)
    await site.see(70.0, 0.9, at_s=5)
    [event] = await site.events()
    assert event.ended_at == NOON + 5 * MICROS_PER_S
    await site.see(91.0, 0.9, at_s=9)
    [event] = await site.events()
    assert (event.ended_at, event.times) == (None, 2)


async def test_a_resolved_event_is_not_opened_again_until_its_cause_was_over(site: Site) -> None:
    await site.put(rule())
    await site.see(90.0, 0.9, at_s=1)
    [event] = await site.events()
    await site.service.resolve(ERIN, event.id, "Looked at it", event.revision)
    await site.see(91.0, 0.95, at_s=2)
    site.crash()
    await site.see(92.0, 0.95, at_s=3)
    assert len(await site.events()) == 1
    await site.see(60.0, 0.1, at_s=4)
    await site.see(93.0, 0.95, at_s=5)
    first, second = await site.events()
    assert (first.resolution, first.ended_at) == ("Looked at it", NOON + 4 * MICROS_PER_S)
    assert (second.is_open, second.times) == (True, 1)


@pytest.mark.parametrize("crash_at", range(6))
async def test_a_crash_at_any_look_makes_no_second_event_and_loses_none(site: Site, crash_at: int) -> None:
    await site.put(rule())
    for step, (bearing_c, score) in enumerate([(60, 0.1), (90, 0.9), (91, 0.9), (60, 0.9), (92, 0.9), (60, 0.1)]):
        await site.see(bearing_c, score, at_s=step)
        if step == crash_at:
            site.crash()
            await site.watch.step()
    [event] = await site.events()
    assert (event.times, event.ended_at) == (2, NOON + 5 * MICROS_PER_S)
    assert len(await site.journal()) == 1


async def test_what_happens_while_the_database_is_out_is_stored_in_order_afterwards(stored: Site) -> None:
    await stored.put(rule())
    await stored.see(60.0, 0.1, at_s=0)
    stored.work.is_on = False
    for at_s, bearing_c in ((1, 90.0), (2, 60.0), (3, 91.0), (90, 60.0)):
        with pytest.raises(UnavailableError):
            await stored.see(bearing_c, 0.9, at_s=at_s)
    assert stored.watch.owed == 4
    stored.work.is_on = True
    await stored.watch.step()
    [event] = await stored.events()
    assert (event.times, event.opened_at) == (2, NOON + MICROS_PER_S)
    assert event.ended_at == NOON + 90 * MICROS_PER_S
    assert stored.watch.owed == 0


async def test_bad_quality_says_nothing_how_it_stood_is_how_it_stands(site: Site) -> None:
    await site.put(rule())
    await site.see(90.0, 0.9, at_s=1, quality=Quality.BAD_STALE)
    assert await site.events() == []
    await site.see(90.0, 0.9, at_s=2)
    await site.see(20.0, 0.0, at_s=3, quality=Quality.BAD_STALE)
    [event] = await site.events()
    assert event.ended_at is None


async def test_a_rule_of_a_class_is_for_each_machine_that_has_the_signals(site: Site) -> None:
    await site.put(rule(asset_id=None, asset_class="machine"), base=None)
    await site.see(90.0, 0.9, at_s=1)
    assert site.watch.watched == 1, "the gateway is of that class, but has no such signals"
    [event] = await site.events()
    assert (event.asset_id, event.cost) == ("p-501", None), "nobody has said what work costs here"


async def test_the_event_of_a_rule_that_is_removed_goes_on_no_longer_but_stays_open(site: Site) -> None:
    await site.put(rule())
    await site.see(90.0, 0.9, at_s=1)
    await site.put(rule(deleted_at=1, revision=2))
    await site.watch.reload()
    await site.see(91.0, 0.9, at_s=20)
    [event] = await site.events()
    assert (event.is_open, event.ended_at) == (True, NOON + 20 * MICROS_PER_S)


async def test_an_active_alarm_of_the_machine_and_a_score_open_an_event_that_names_the_alarm(
    sqlite_work: SqlUnitOfWork, clock: HandClock, sqlite_url: str, tmp_path: Path
) -> None:
    stored = await with_rules(sqlite_work)
    async with running(stored, clock, sqlite_url, tmp_path) as product:
        site = Site(stored, clock)
        site.book, site.fence = product.book, await product.watch._fence()
        site.crash()
        await site.put(rule(sensor=AlarmStands(priority=2)))
        await site.see(None, 0.9, at_s=1)
        assert await site.events() == []
        await product.see(SUCTION, 1.0, 2)
        await site.watch.step()
        [event] = await site.events()
        alarm = await product.alarm("suction-low")
        assert (event.alarm_id, event.value, event.limit) == (alarm.id, 1.0, 1.2)
        await product.see(SUCTION, 2.0, 3)
        await until(lambda: not alarm_is_active(product.book))
        await site.watch.step()
        [event] = await site.events()
        assert event.ended_at is not None


def alarm_is_active(book: AlarmBook) -> bool:
    return any(alarm.state.is_active for alarm in book.alarms)
