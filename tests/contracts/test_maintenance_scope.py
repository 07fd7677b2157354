"""Nobody limited to some sites reads or changes maintenance rules, costs or events elsewhere."""

import inspect

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.maintenance_events import (
    ClassCost,
    CostBasis,
    CostTotal,
    EventKind,
    EventQuery,
    Maintenance,
    MaintenanceEvent,
)
from pdm_app.domain.maintenance_rules import AlarmStands, MaintenanceRule, ScoreAbove, Severity, SignalBeyond
from pdm_app.domain.repositories import UnitOfWork
from tests.contracts.crossings import Crossing, assert_nothing_crosses
from tests.storage.data import NOON, signal

SCORE = ScoreAbove(signal="anomaly", threshold=0.5)
RULES = [
    MaintenanceRule(
        id="rule-1", site_id="site-linz", name="Alarm", asset_id="asset-linz", sensor=AlarmStands(priority=2),
        score=SCORE,
    ),
    MaintenanceRule(
        id="rule-2", site_id="site-linz", name="Bearing", asset_class="Pump", score=SCORE, severity=Severity.HIGH,
        sensor=SignalBeyond(signal="bearing", limit=85.5), advice="Grease it.",
    ),
]  # fmt: skip
BASIS = CostBasis(
    id="site-linz", site_id="site-linz", base=0.1 + 0.2, classes=(ClassCost(asset_class="Pump", base=5e5),), revision=3
)


def event(event_id: str, at_s: int, **said: object) -> MaintenanceEvent:
    given: dict[str, object] = {
        "id": event_id, "site_id": "site-linz", "asset_id": "asset-linz", "kind": EventKind.FOUND, "name": "Bearing",
        "severity": Severity.CRITICAL, "rule_id": "rule-2", "signal_id": 2**32 - 1, "value": 0.1 + 0.2, "limit": 85.5,
        "opened_at": NOON + at_s, "recorded_at": NOON + at_s + 1, "opened_by": "rule", "currency": "EUR",
        "cost": 67_500.0, **said,
    }  # fmt: skip
    return MaintenanceEvent.model_validate(given)


OPEN, ENDED = event("e-1", 1), event("e-2", 2, ended_at=NOON + 9, cost=None, note="☂")
DONE = event("e-3", 2, ended_at=NOON + 9, resolved_at=NOON + 10, resolved_by="tom", resolution="Changed")
REPORTED = event("e-4", 4, rule_id=None, kind=EventKind.REPORTED, ended_at=NOON + 4, currency="INR", cost=0.0)
EVENTS = [REPORTED, DONE, ENDED, OPEN]
THEIRS = EventQuery(site_id="site-linz")

READS: dict[str, Crossing] = {
    "rules": lambda w: w.maintenance.rules(),
    "rule": lambda w: w.maintenance.rule("rule-1"),
    "named": lambda w: w.maintenance.named([signal("linz", 2).name]),
    "costs": lambda w: w.maintenance.costs(),
    "event": lambda w: w.maintenance.event("e-1"),
    "events": lambda w: w.maintenance.events(THEIRS),
    "totals": lambda w: w.maintenance.totals(THEIRS),
    "unfinished": lambda w: w.maintenance.unfinished(),
    "tell": lambda w: w.maintenance.tell("e-1", NOON + 5, 2),
    "amend": lambda w: w.maintenance.amend(OPEN.model_copy(update={"note": "mine", "revision": 1}), 0),
}
WRITES: dict[str, Crossing] = {
    "put_rule": lambda w: w.maintenance.put_rule(RULES[0].model_copy(update={"name": "mine"})),
    "put_costs": lambda w: w.maintenance.put_costs(BASIS.model_copy(update={"base": 1.0})),
    "add": lambda w: w.maintenance.add(event("e-9", 9)),
}
THEFTS: tuple[Crossing, ...] = (
    lambda w: w.maintenance.put_rule(RULES[0].model_copy(update={"site_id": "site-graz"})),
    lambda w: w.maintenance.put_costs(BASIS.model_copy(update={"site_id": "site-graz"})),
)


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        return [
            list(await w.maintenance.rules()), list(await w.maintenance.costs()),
            list(await w.maintenance.events(EventQuery())),
        ]  # fmt: skip


async def put_all(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        for rule in RULES:
            await w.maintenance.put_rule(rule)
        await w.maintenance.put_costs(BASIS)
        for one in EVENTS:
            await w.maintenance.add(one)
        await w.commit()


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Maintenance, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | WRITES.keys() == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork) -> None:
    await put_all(plants)
    before = await everything(plants)
    assert before == [RULES, [BASIS], EVENTS], "each comes back as it was given"
    await assert_nothing_crosses(plants, READS, (*WRITES.values(), *THEFTS), everything)


async def test_pages_sums_and_what_is_unfinished(plants: UnitOfWork) -> None:
    await put_all(plants)
    async with plants(EVERY_SITE) as w:
        found = w.maintenance
        assert list(await found.events(EventQuery(limit=2))) == [REPORTED, DONE]
        assert list(await found.events(EventQuery(limit=2, before="e-3"))) == [ENDED, OPEN]
        assert list(await found.events(EventQuery(is_open=False, asset_id="asset-linz"))) == [DONE]
        assert list(await found.events(EventQuery(is_open=True, limit=2))) == [REPORTED, ENDED]
        assert list(await found.unfinished()) == [OPEN, ENDED]
        assert list(await found.totals(EventQuery(is_open=True))) == [
            CostTotal(currency="EUR", open=2, open_cost=67_500, resolved=1, resolved_cost=67_500, unpriced=1),
            CostTotal(currency="INR", open=1, open_cost=0, resolved=0, resolved_cost=0, unpriced=0),
        ]


async def test_people_and_the_engine_do_not_overwrite_each_other_and_of_two_people_one_is_first(
    plants: UnitOfWork,
) -> None:
    await put_all(plants)
    resolved = OPEN.model_copy(update={"resolved_at": NOON + 7, "resolved_by": "tom", "revision": 1})
    async with plants(EVERY_SITE) as w:
        await w.maintenance.tell("e-1", NOON + 5, 3)
        assert await w.maintenance.amend(resolved, 0)
        assert not await w.maintenance.amend(resolved.model_copy(update={"resolved_by": "ann"}), 0)
        await w.maintenance.add(event("e-1", 1, name="another"))
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert await w.maintenance.event("e-1") == resolved.model_copy(update={"ended_at": NOON + 5, "times": 3})
