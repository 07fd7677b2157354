"""Rules of retention as people change them, what they order, and runs that carry them out."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from pydantic import ValidationError

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Permission, Role, Scope, User, actor_of
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, FencedError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.history import Tier
from pdm_app.domain.ports import Fence
from pdm_app.domain.removals import DueRemoval, RemovalOrder, Removed, TierSize
from pdm_app.domain.retention import (
    DAY_US,
    RetentionFacts,
    RetentionRule,
    RetentionRun,
    RetentionSubject,
    RunState,
    SignalClass,
    kept,
    without_holds,
)
from pdm_app.domain.signals import DataType
from pdm_app.services.retention import HoldFacts, RetentionService
from pdm_app.services.retention_runs import AT_US, RetentionRuns
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.templates import begin_migrated
from tests.storage.data import MINE, NOON, THEIRS, SteppedClock, put_plant

ADA = actor_of(User(id="ada", username="ada", display_name="Ada", role=Role.ADMIN))
ERIN = actor_of(User(id="erin", username="erin", display_name="Erin", role=Role.ENGINEER, site_ids=("graz",)))
HERE = ADA.model_copy(update={"scope": Scope(sites=frozenset({"site-graz"}))})
TODAY = NOON - NOON % DAY_US


def rule(rule_id: str, **facts: object) -> RetentionRule:
    return RetentionRule.model_validate({"id": rule_id, "name": rule_id, **facts})


def subject(**facts: object) -> RetentionSubject:
    given = {
        "signal": 1, "site_id": "graz", "asset_id": "pump", "asset_code": "P-101A", "name": "vib_de",
        "data_type": DataType.NUMBER, "is_derived": False, "poll_every_s": 1.0, "is_read": True,
    }  # fmt: skip
    return RetentionSubject.model_validate({**given, **facts})


class Store:
    """Three days of every order; each step is noted."""

    def __init__(self, days: int = 3, blocked: int = 0) -> None:
        self.days = days
        self.blocked = blocked
        self.taken: list[tuple[Tier, int]] = []
        self.runs: RetentionRuns | None = None
        self.cancels_after: int | None = None
        self.error: Exception | None = None

    async def due(self, order: RemovalOrder) -> DueRemoval:
        return DueRemoval(
            rule_id=order.rule_id, tier=order.tier, before_at=order.before_at, signals=len(order.signals),
            rows=10 * self.days, bytes=80 * self.days, first_at=order.before_at - self.days * DAY_US,
        )  # fmt: skip

    async def remove(self, order: RemovalOrder, fence: Fence) -> AsyncGenerator[Removed, None]:
        assert fence.token == 7
        for day in range(self.days):
            if self.error is not None:
                raise self.error
            self.taken.append((order.tier, day))
            if self.runs is not None and len(self.taken) == self.cancels_after:
                await self.runs.cancel(ADA)
            reason = "not derived yet" if self.blocked else ""
            yield Removed(day_at=day, rows=10, bytes=80, blocked=self.blocked, reason=reason)

    async def sizes(self) -> Sequence[TierSize]:
        return ()


@asynccontextmanager
async def two_plants(url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(url)
    await begin_migrated(database)
    unit = SqlUnitOfWork(database)
    await put_plant(unit, MINE, 1)
    await put_plant(unit, THEIRS, 2)
    yield unit
    await database.close()


@pytest.fixture
async def work(sqlite_url: str) -> AsyncIterator[SqlUnitOfWork]:
    async with two_plants(sqlite_url) as unit:
        yield unit


@pytest.fixture
async def any_work(database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    """On either kind of database."""
    async with two_plants(database_url) as unit:
        yield unit


async def held() -> Fence:
    return Fence(7)


def service(work: SqlUnitOfWork, store: Store, clock: SteppedClock | None = None) -> RetentionService:
    return RetentionService(work, store, clock or SteppedClock())


def runs_of(work: SqlUnitOfWork, store: Store, clock: SteppedClock) -> RetentionRuns:
    return RetentionRuns(service(work, store, clock), store, work, clock, held)


# --- which rule holds ---------------------------------------------------------------------------------------------


def days_of(rules: Sequence[RetentionRule], of: RetentionSubject) -> dict[str, int]:
    return {str(tier): keep.days for tier, keep in kept(rules, of).items()}


def test_what_no_rule_speaks_of_is_kept_for_ever() -> None:
    assert days_of([], subject()) == {}
    assert days_of([rule("texts", signal_class="text", raw_days=1)], subject()) == {}


def test_the_most_specific_rule_holds_whatever_their_order() -> None:
    general = rule("general", raw_days=30)
    of_site = rule("site", site_id="graz", raw_days=40)
    of_class = rule("class", signal_class="number", raw_days=50)
    pattern = rule("pattern", pattern="P-1*.vib_*", raw_days=60)
    of_asset = rule("asset", asset_id="pump", raw_days=70)
    exact = rule("exact", pattern="p-101a.VIB_DE", raw_days=80)
    ladder = [general, of_site, of_class, pattern, of_asset, exact]
    for count in range(1, len(ladder) + 1):
        assert days_of(ladder[:count], subject()) == {"raw": ladder[count - 1].raw_days}
        assert days_of(list(reversed(ladder[:count])), subject()) == {"raw": ladder[count - 1].raw_days}


def test_of_two_rules_that_are_alike_specific_the_longer_one_holds() -> None:
    assert days_of([rule("a", raw_days=30), rule("b", raw_days=90), rule("c", raw_days=60)], subject()) == {"raw": 90}


def test_each_tier_follows_the_most_specific_rule_that_speaks_of_it() -> None:
    general = rule("general", raw_days=30, rollup_10s_days=90, rollup_60s_days=365)
    pattern = rule("pattern", pattern="P-*.vib_*", raw_days=7)
    assert days_of([general, pattern], subject()) == {"raw": 7, "10s": 90, "60s": 365}


def test_what_is_coarser_is_kept_at_least_as_long_whichever_rules_say_so() -> None:
    assert days_of([rule("only", rollup_10s_days=30)], subject()) == {}, "raw is kept for ever, so its rollups are"
    general = rule("general", raw_days=30, rollup_10s_days=60)
    assert days_of([general, rule("asset", asset_id="pump", raw_days=365)], subject()) == {"raw": 365, "10s": 365}


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"poll_every_s": 0.2}, {SignalClass.NUMBER, SignalClass.FAST}),
        ({"poll_every_s": 0.01, "is_read": False}, {SignalClass.NUMBER}),
        ({"data_type": DataType.TEXT, "is_derived": True}, {SignalClass.TEXT, SignalClass.DERIVED}),
    ],
)
def test_signals_are_of_classes(facts: dict[str, object], found: set[SignalClass]) -> None:
    assert subject(**facts).classes == found


def test_a_rule_that_says_nothing_or_keeps_the_finer_for_longer_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one tier"):
        RetentionFacts(name="nothing")
    with pytest.raises(ValidationError, match="at least as long"):
        RetentionFacts(name="odd", raw_days=30, rollup_1h_days=7)


def test_what_is_left_between_held_spans() -> None:
    assert without_holds((0, 100), []) == [(0, 100)]
    assert without_holds((0, 100), [(90, 120), (10, 20), (15, 30)]) == [(0, 10), (30, 90)]
    assert without_holds((0, 100), [(-5, 100)]) == []


# --- changing rules -----------------------------------------------------------------------------------------------


async def test_rules_are_added_changed_and_removed_and_each_is_on_record(any_work: SqlUnitOfWork) -> None:
    retention = service(any_work, Store())
    added = await retention.add(ADA, RetentionFacts(name="Samples", raw_days=30), "the disk is small")
    await retention.change(ADA, added.id, RetentionFacts(name="Samples", raw_days=90, pattern="P-101A.*"))
    [view] = await retention.rules(ADA)
    assert (view.rule.raw_days, view.rule.changed_by, view.signals) == (90, "ada", 2)
    await retention.remove(ADA, added.id)
    assert await retention.rules(ADA) == ()
    async with any_work(EVERY_SITE) as transaction:
        entries = (await transaction.audit.page(AuditQuery(limit=10)))[:3]
    actions = ["retention.rule_removed", "retention.rule_changed", "retention.rule_added"]
    assert [entry.action for entry in entries] == actions
    assert entries[2].reason == "the disk is small"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"site_id": "nowhere"}, "site_id"),
        ({"asset_id": "nothing"}, "asset_id"),
        ({"site_id": "site-linz", "asset_id": "asset-graz"}, "asset_id"),
    ],
)
async def test_a_rule_for_what_does_not_exist_is_refused(
    work: SqlUnitOfWork, facts: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await service(work, Store()).add(ADA, RetentionFacts.model_validate({"name": "odd", "raw_days": 1, **facts}))
    assert [issue.field for issue in refused.value.issues] == [field]


async def test_only_who_sees_every_site_and_may_configure_storage_reaches_it(work: SqlUnitOfWork) -> None:
    retention = service(work, Store())
    facts = RetentionFacts(name="Samples", raw_days=30)
    with pytest.raises(PermissionDeniedError, match=str(Permission.STORAGE_CONFIGURE)):
        await retention.add(ERIN, facts)
    for refused in (retention.rules(HERE), retention.add(HERE, facts), retention.plan(HERE), retention.holds(HERE)):
        with pytest.raises(NotFoundError):
            await refused
    with pytest.raises(NotFoundError):
        await retention.change(ADA, "no-rule", facts)


async def test_a_draft_is_counted_as_if_it_were_stored_and_is_not(work: SqlUnitOfWork) -> None:
    retention = service(work, Store())
    stored = await retention.add(ADA, RetentionFacts(name="Samples", raw_days=30))
    assert [(line.tier, line.before_at) for line in (await retention.plan(ADA)).lines] == [
        (Tier.RAW, TODAY - 30 * DAY_US)
    ]
    draft = RetentionFacts(name="Samples", raw_days=7, rollup_10s_days=14)
    plan = await retention.plan(ADA, draft, stored.id)
    assert [(line.tier, line.before_at) for line in plan.lines] == [
        (Tier.RAW, TODAY - 7 * DAY_US), (Tier.ROLLUP_10S, TODAY - 14 * DAY_US),
    ]  # fmt: skip
    assert (plan.rows, plan.bytes, plan.first_at) == (60, 480, TODAY - 17 * DAY_US)
    assert [view.rule.raw_days for view in await retention.rules(ADA)] == [30]


async def test_held_spans_are_in_the_orders_as_whole_hours_until_they_are_released(any_work: SqlUnitOfWork) -> None:
    retention = service(any_work, Store())
    await retention.add(ADA, RetentionFacts(name="Samples", raw_days=1))
    begin = TODAY - 5 * DAY_US
    span = HoldFacts(reason="batch 7", signals=(1,), start_at=begin + 5, end_at=begin + 3_600_000_001)
    hold = await retention.hold(ADA, span)
    [order] = await retention.orders()
    assert order.held == (((1,), begin, begin + 7_200_000_000),)
    assert (order.held_of(2), order.held_of(1)) == ([], [(begin, begin + 7_200_000_000)])
    with pytest.raises(InvalidInputError):
        await retention.hold(ADA, span.model_copy(update={"end_at": begin}))
    await retention.release(ADA, hold.id)
    assert [order.held for order in await retention.orders()] == [()]


# --- runs ---------------------------------------------------------------------------------------------------------


async def last_run(work: SqlUnitOfWork) -> RetentionRun:
    async with work(EVERY_SITE) as transaction:
        return (await transaction.retention.runs(1))[0]


async def test_a_run_takes_finer_tiers_first_and_leaves_its_record(any_work: SqlUnitOfWork) -> None:
    store, clock = Store(days=2, blocked=4), SteppedClock()
    runs = runs_of(any_work, store, clock)
    await service(any_work, store).add(ADA, RetentionFacts(name="All", raw_days=7, rollup_10s_days=14))
    assert await runs.step() is None, "it is not time, and nobody asked"
    await runs.ask(ADA)
    with pytest.raises(ConflictError):
        await runs.ask(ADA)
    ended = await runs.step()
    assert ended is not None
    assert ended == await last_run(any_work)
    assert (ended.state, ended.asked_by, ended.rows, ended.bytes) == (RunState.DONE, "ada", 40, 320)
    assert (ended.rows_planned, ended.blocked, ended.problem) == (40, 16, "not derived yet")
    assert [tier for tier, _ in store.taken] == [Tier.RAW, Tier.RAW, Tier.ROLLUP_10S, Tier.ROLLUP_10S]
    assert (await runs.status(ADA)).running is None


async def test_the_next_run_comes_by_itself_at_its_time_of_day(work: SqlUnitOfWork) -> None:
    store, clock = Store(), SteppedClock(NOON)
    runs = runs_of(work, store, clock)
    await service(work, store).add(ADA, RetentionFacts(name="All", raw_days=7))
    assert await runs.step() is None
    assert runs.next_at is not None
    assert (runs.next_at % DAY_US, NOON < runs.next_at <= NOON + DAY_US) == (AT_US, True)
    clock.at = runs.next_at
    ended = await runs.step()
    assert ended is not None
    assert (ended.asked_by, ended.rows) == (SYSTEM.name, 30)
    assert await runs.step() is None


async def test_a_run_that_the_process_did_not_end_is_called_so_and_the_next_begins_at_once(work: SqlUnitOfWork) -> None:
    store, clock = Store(), SteppedClock(NOON)
    await service(work, store).add(ADA, RetentionFacts(name="All", raw_days=7))
    async with work(EVERY_SITE) as transaction:
        await transaction.retention.put_run(RetentionRun(id="dead", asked_by="ada", started_at=NOON - 5))
        await transaction.commit()
    runs = runs_of(work, store, clock)
    clock.at = NOON + 1
    ended = await runs.step()
    assert ended is not None
    assert (ended.state, ended.rows) == (RunState.DONE, 30)
    states = {run.id: run.state for run in (await runs.status(ADA)).recent}
    assert states == {"dead": RunState.INTERRUPTED, ended.id: RunState.DONE}


async def test_a_cancelled_run_ends_after_the_day_it_works_at(work: SqlUnitOfWork) -> None:
    store, clock = Store(days=5), SteppedClock()
    runs = runs_of(work, store, clock)
    store.runs, store.cancels_after = runs, 2
    with pytest.raises(ConflictError):
        await runs.cancel(ADA)
    await service(work, store).add(ADA, RetentionFacts(name="All", raw_days=7))
    await runs.ask(ADA)
    ended = await runs.step()
    assert ended is not None
    assert (ended.state, ended.rows, len(store.taken)) == (RunState.CANCELLED, 20, 2)


async def test_a_failure_is_on_record_and_a_lost_lease_is_handed_on(work: SqlUnitOfWork) -> None:
    store, clock = Store(), SteppedClock()
    runs = runs_of(work, store, clock)
    await service(work, store).add(ADA, RetentionFacts(name="All", raw_days=7))
    store.error = OSError("No space left on device")
    await runs.ask(ADA)
    ended = await runs.step()
    assert ended is not None
    assert (ended.state, ended.problem) == (RunState.FAILED, "No space left on device")
    store.error = FencedError("Another process collects now.")
    await runs.ask(ADA)
    with pytest.raises(FencedError):
        await runs.step()
    assert (await runs.status(ADA)).running is None
