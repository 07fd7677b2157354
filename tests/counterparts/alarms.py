"""The alarm part of the product on real storage: rules, people, buffer, watch, service; the database has a switch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.alarms import Alarm, AlarmRule
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.engine.alarm_watch import AlarmWatch
from pdm_app.engine.lease_keeper import LeaseKeeper
from pdm_app.services.alarms import AlarmService
from pdm_app.storage.buffer import DiskBuffer
from pdm_app.storage.database import Database
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.bus import Bus
from tests.counterparts.clocks import NOON, HandClock, until

SUCTION, HEADER = 41, 21


def _rule(rule_id: str, site: str, asset: str, signal: int, **settings: object) -> AlarmRule:
    values: dict[str, object] = {
        "id": rule_id,
        "site_id": site,
        "asset_id": asset,
        "signal_id": signal,
        "name": rule_id.replace("-", " ").capitalize(),
        "priority": 2,
        "cause": "Strainer clogged",
        "consequence": "Cavitation",
        "action": "Open the bypass.",
        **settings,
    }
    return AlarmRule.model_validate(values)


RULES = (
    _rule("suction-low", "pune", "p-501", SUCTION, condition=LowLimit(limit=1.2, deadband=0.1)),
    _rule("suction-very-low", "pune", "p-501", SUCTION, priority=1, condition=LowLimit(limit=0.8)),
    _rule("flow-low", "pune", "p-501", SUCTION + 1, condition=LowLimit(limit=10.0), comment_required=True),
    _rule("header-high", "graz", "c-201", HEADER, priority=3, condition=HighLimit(limit=8.0)),
)


def person(name: str, role: Role = Role.OPERATOR, *sites: str) -> Actor:
    scope = EVERY_SITE if role is Role.ADMIN else Scope(sites=frozenset(sites or ("pune",)))
    return Actor(id=name, name=name, role=role, scope=scope, permissions=ROLE_PERMISSIONS[role])


ANNA, BORIS = person("anna"), person("boris")
GRETA = person("greta", Role.OPERATOR, "graz")
VERA = person("vera", Role.VIEWER)
ADA = person("ada", Role.ADMIN)


class SwitchedWork:
    """The real unit of work behind a switch: off, the database does not answer."""

    def __init__(self, work: SqlUnitOfWork) -> None:
        self._work = work
        self.is_on = True

    def __call__(self, scope: Scope) -> AbstractAsyncContextManager[Work]:
        if not self.is_on:
            raise UnavailableError("The database does not answer.")
        return self._work(scope)

    async def ping(self) -> float:
        return await self._work.ping()


class Running:
    """The alarm part of the product, on real storage."""

    def __init__(
        self,
        work: SwitchedWork,
        clock: HandClock,
        keeper: LeaseKeeper,
        folder: Path,
        own_rules: Sequence[AlarmRule] = (),
    ) -> None:
        self.work = work
        self.clock = clock
        self.buffer = DiskBuffer(folder / "buffer.sqlite", 10_000_000)
        self.bus: Bus[Batch] = Bus()
        self.book = AlarmBook()
        self.watch = AlarmWatch(
            self.book, self.bus, self.buffer, work, clock, keeper.held, own_rules, has_connections=bool(own_rules)
        )
        self.service = AlarmService(work, self.book, clock, stored_s_max=10.0)

    async def see(self, signal: int, value: float, second: float) -> None:
        """Let a sample come in and wait until it has been judged."""
        at = Micros(NOON + round(second * MICROS_PER_S))
        self.clock.at = max(self.clock.at, at)
        batch = Batch.of("plc", [Sample(SignalId(signal), value, Quality.GOOD, at)], self.clock.now())
        judged = self.book.judged
        self.bus.publish(batch.numbered(self.buffer.offer(batch).seq))
        await until(lambda: self.book.judged > judged)

    async def alarm(self, rule_id: str) -> Alarm:
        return next(alarm for alarm in await self.service.active(ADA) if alarm.rule_id == rule_id)


@asynccontextmanager
async def running(
    work: SwitchedWork, clock: HandClock, url: str, folder: Path, own_rules: Sequence[AlarmRule] = ()
) -> AsyncIterator[Running]:
    """Run from what is stored; leaving it ends it as kill -9 does."""
    database = Database(url)
    keeper = LeaseKeeper(SqlLease(database, clock), clock, "tests")
    product = Running(work, clock, keeper, folder, own_rules)
    tasks = [asyncio.create_task(keeper.run()), asyncio.create_task(product.watch.run())]
    try:
        await until(lambda: product.watch.status.is_live or any(task.done() for task in tasks))
        yield product
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await product.buffer.close()
        await database.close()


async def with_rules(work: SqlUnitOfWork) -> SwitchedWork:
    """Store the rules in a stored plant."""
    async with work(EVERY_SITE) as transaction:
        for rule in RULES:
            await transaction.alarms.put_rule(rule)
        await transaction.commit()
    return SwitchedWork(work)
