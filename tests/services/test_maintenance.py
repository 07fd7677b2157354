"""Maintenance events, their costs and rules as services: who may, what is on record, what is refused."""

from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.maintenance_events import ClassCost, CostFacts, EventQuery
from pdm_app.domain.maintenance_rules import AlarmStands, MaintenanceRuleFacts, ScoreAbove, Severity, SignalBeyond
from pdm_app.services.maintenance import MaintenanceService
from pdm_app.services.maintenance_rules import MaintenanceRuleService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import person
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import C_201, P_501, SIGNALS

ERIN, OTTO = person("erin", Role.ENGINEER), person("otto", Role.OPERATOR)
SCORE = ScoreAbove(signal=SIGNALS[3].name, threshold=0.8)


def facts(**said: Any) -> MaintenanceRuleFacts:
    given = {"site_id": "pune", "name": "Bearing", "asset_id": P_501.id, "sensor": AlarmStands(), "score": SCORE}
    return MaintenanceRuleFacts.model_validate({**given, **said})


@pytest.fixture
def service(sqlite_work: SqlUnitOfWork, clock: HandClock) -> MaintenanceService:
    return MaintenanceService(sqlite_work, clock)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def rules(sqlite_work: SqlUnitOfWork, clock: HandClock, told: list[str]) -> MaintenanceRuleService:
    async def changed() -> None:
        told.append("changed")

    return MaintenanceRuleService(sqlite_work, clock, changed)


async def actions(work: SqlUnitOfWork) -> list[str]:
    async with work(EVERY_SITE) as transaction:
        return [entry.action for entry in reversed(await transaction.audit.page(AuditQuery()))]


async def test_somebody_reports_prices_and_resolves_an_event_and_each_is_on_record(
    service: MaintenanceService, sqlite_work: SqlUnitOfWork
) -> None:
    await service.put_costs(ERIN, "pune", CostFacts(base=45_000), 0)
    event = await service.report(ERIN, P_501.id, "  Rattles ", Severity.CRITICAL, "since noon")
    assert (event.name, event.cost, event.currency, event.opened_by) == ("Rattles", 67_500, "INR", "erin")
    event = await service.price(ERIN, event.id, 1_000.0, event.revision, "own people")
    event = await service.resolve(ERIN, event.id, "Screw tightened", event.revision)
    assert (event.resolved_by, event.resolution, event.is_open) == ("erin", "Screw tightened", False)
    page = await service.events(OTTO, EventQuery(site_id="pune"))
    assert page.events == (event,)
    [total] = page.totals
    assert (total.open, total.resolved, total.resolved_cost) == (0, 1, 1_000)
    assert await actions(sqlite_work) == [
        f"maintenance.{done}" for done in ("costs_changed", "reported", "priced", "resolved")
    ]


async def test_of_two_who_resolve_one_is_first_and_the_other_is_told_by_whom(service: MaintenanceService) -> None:
    event = await service.report(ERIN, P_501.id, "Rattles", Severity.HIGH)
    with pytest.raises(InvalidInputError, match="without a word"):
        await service.resolve(ERIN, event.id, "  ", event.revision)
    await service.price(ERIN, event.id, None, event.revision)
    with pytest.raises(ConflictError, match="meanwhile"):
        await service.resolve(ERIN, event.id, "Done", event.revision)
    await service.resolve(ERIN, event.id, "Done", event.revision + 1)
    with pytest.raises(ConflictError, match="resolved already, by erin"):
        await service.resolve(ERIN, event.id, "Done too", event.revision + 2)


async def test_pages_follow_each_other(service: MaintenanceService, clock: HandClock) -> None:
    for number in range(5):
        clock.at += 1
        await service.report(ERIN, P_501.id, f"Event {number}", Severity.MEDIUM)
    first = await service.events(OTTO, EventQuery(limit=3))
    second = await service.events(OTTO, EventQuery(limit=3, before=first.before))
    assert [event.name for event in (*first.events, *second.events)] == [f"Event {n}" for n in (4, 3, 2, 1, 0)]
    assert second.before is None


async def test_who_may_not_is_refused_and_what_is_elsewhere_is_not_there(
    service: MaintenanceService, rules: MaintenanceRuleService
) -> None:
    with pytest.raises(PermissionDeniedError):
        await service.report(OTTO, P_501.id, "Rattles", Severity.HIGH)
    with pytest.raises(PermissionDeniedError):
        await rules.add(OTTO, facts())
    with pytest.raises(NotFoundError):
        await service.report(ERIN, C_201.id, "Rattles", Severity.HIGH)
    with pytest.raises(NotFoundError):
        await service.events(ERIN, EventQuery(asset_id=C_201.id))


async def test_a_class_of_machines_is_priced_once(service: MaintenanceService) -> None:
    twice = tuple(ClassCost(asset_class=name, base=1) for name in ("Pump", "pump "))
    with pytest.raises(InvalidInputError, match="once"):
        await service.put_costs(ERIN, "pune", CostFacts(base=1, classes=twice), 0)
    await service.put_costs(ERIN, "pune", CostFacts(base=1), 0)
    with pytest.raises(ConflictError):
        await service.put_costs(ERIN, "pune", CostFacts(base=2), 0)


async def test_rules_are_made_changed_and_removed_and_the_watch_hears_of_each(
    rules: MaintenanceRuleService, told: list[str], sqlite_work: SqlUnitOfWork
) -> None:
    rule = await rules.add(ERIN, facts())
    rule = await rules.change(ERIN, rule.id, facts(name="Bearing, drive end"), rule.revision)
    with pytest.raises(ConflictError):
        await rules.change(ERIN, rule.id, facts(), rule.revision - 1)
    assert await rules.list(OTTO, "pune") == (rule,)
    await rules.remove(ERIN, rule.id, rule.revision)
    assert await rules.list(OTTO) == ()
    with pytest.raises(NotFoundError):
        await rules.remove(ERIN, rule.id, rule.revision)
    assert told == ["changed"] * 3
    assert await actions(sqlite_work) == [f"maintenance.rule_{done}" for done in ("added", "changed", "removed")]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"score": ScoreAbove(signal="nothing_like_it", threshold=1)}, "P-501 has no signal 'nothing_like_it'"),
        ({"sensor": SignalBeyond(signal="bearing_x", limit=85)}, "has no signal 'bearing_x'"),
        ({"asset_id": None, "asset_class": "Press"}, "no machine of the class 'Press'"),
        ({"asset_id": None, "asset_class": "Machine", "score": ScoreAbove(signal="no", threshold=1)}, "have no signal"),
    ],
)  # fmt: skip
async def test_a_rule_that_could_never_find_anything_is_refused_with_what_is_missing(
    rules: MaintenanceRuleService, said: dict[str, Any], words: str, told: list[str]
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        await rules.add(ERIN, facts(**said))
    assert told == []
