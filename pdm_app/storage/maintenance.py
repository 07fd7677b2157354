"""Maintenance rules, what work costs, and maintenance events, by site."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.maintenance_events import CostBasis, CostTotal, EventQuery, MaintenanceEvent
from pdm_app.domain.maintenance_rules import MaintenanceRule
from pdm_app.domain.signals import Signal
from pdm_app.storage import dialect
from pdm_app.storage.maintenance_tables import CostBasisRow, MaintenanceEventRow, MaintenanceRuleRow
from pdm_app.storage.repository import Repository, columns_of
from pdm_app.storage.tables import SignalRow, table_of

RULES = table_of(MaintenanceRuleRow)
EVENTS = table_of(MaintenanceEventRow)
SIGNALS = table_of(SignalRow)
OF_PEOPLE = ("severity", "cost", "note", "resolved_at", "resolved_by", "resolution")
UNFINISHED_MAX = 10_000  # Of one per rule and machine at a time.


class SqlMaintenance(Repository):
    """Each belongs to a site; people and the engine change different columns of an event."""

    async def rules(self) -> Sequence[MaintenanceRule]:
        return await self._find(MaintenanceRule, MaintenanceRuleRow, RULES.c.deleted_at.is_(None), order=("name", "id"))

    async def rule(self, rule_id: str) -> MaintenanceRule | None:
        return await self._find_one(MaintenanceRule, MaintenanceRuleRow, RULES.c.id == rule_id)

    async def put_rule(self, rule: MaintenanceRule) -> None:
        await self._put(MaintenanceRuleRow, [rule])

    async def named(self, names: Sequence[str]) -> Sequence[Signal]:
        return await self._find(Signal, SignalRow, SIGNALS.c.name.in_(sorted(set(names))))

    async def costs(self) -> Sequence[CostBasis]:
        return await self._find(CostBasis, CostBasisRow)

    async def put_costs(self, basis: CostBasis) -> None:
        await self._put(CostBasisRow, [basis])

    async def event(self, event_id: str) -> MaintenanceEvent | None:
        return await self._find_one(MaintenanceEvent, MaintenanceEventRow, EVENTS.c.id == event_id)

    async def events(self, query: EventQuery) -> Sequence[MaintenanceEvent]:
        conditions = _conditions(query)
        if query.is_open is not None:
            conditions.append(EVENTS.c.resolved_at.is_(None) if query.is_open else EVENTS.c.resolved_at.is_not(None))
        if query.before is not None:
            last = await self.event(query.before)
            if last is None:
                raise InvalidInputError(
                    f"There is no event {query.before!r} to go on from. Ask for the first page, without 'before'."
                )
            same = and_(EVENTS.c.opened_at == last.opened_at, EVENTS.c.id < last.id)
            conditions.append(or_(EVENTS.c.opened_at < last.opened_at, same))
        statement = (
            select(*columns_of(MaintenanceEvent, EVENTS))
            .where(self._transaction.shows(EVENTS), *conditions)
            .order_by(EVENTS.c.opened_at.desc(), EVENTS.c.id.desc())
            .limit(query.limit)
        )
        found = await self._transaction.rows(statement, "read maintenance events")
        return [MaintenanceEvent.model_validate(row) for row in found]

    async def totals(self, query: EventQuery) -> Sequence[CostTotal]:
        is_open = case((EVENTS.c.resolved_at.is_(None), 1), else_=0).label("is_open")
        statement = (
            select(
                EVENTS.c.currency,
                is_open,
                func.count().label("events"),
                func.count(EVENTS.c.cost).label("priced"),
                func.coalesce(func.sum(EVENTS.c.cost), 0.0).label("cost"),
            )
            .where(self._transaction.shows(EVENTS), *_conditions(query))
            .group_by(EVENTS.c.currency, is_open)
        )
        found = {
            (row["currency"], bool(row["is_open"])): row
            for row in await self._transaction.rows(statement, "add up maintenance events")
        }
        nothing = {"events": 0, "priced": 0, "cost": 0.0}
        totals = []
        for currency in sorted({currency for currency, _ in found}):
            is_there, is_past = found.get((currency, True), nothing), found.get((currency, False), nothing)
            unpriced = sum(int(row["events"]) - int(row["priced"]) for row in (is_there, is_past))
            totals.append(
                CostTotal(
                    currency=currency, open=is_there["events"], open_cost=round(float(is_there["cost"]), 2),
                    resolved=is_past["events"], resolved_cost=round(float(is_past["cost"]), 2), unpriced=unpriced,
                )
            )  # fmt: skip
        return totals

    async def unfinished(self) -> Sequence[MaintenanceEvent]:
        statement = (
            select(*columns_of(MaintenanceEvent, EVENTS))
            .where(
                self._transaction.shows(EVENTS),
                EVENTS.c.rule_id.is_not(None),
                or_(EVENTS.c.resolved_at.is_(None), EVENTS.c.ended_at.is_(None)),
            )
            .order_by(EVENTS.c.opened_at, EVENTS.c.id)
            .limit(UNFINISHED_MAX)
        )
        found = await self._transaction.rows(statement, "read maintenance events")
        return [MaintenanceEvent.model_validate(row) for row in found]

    async def add(self, event: MaintenanceEvent) -> None:
        given = [event.model_dump(mode="json")]
        self._refuse_foreign(EVENTS, given)
        statement = dialect.insert_new(EVENTS, is_sqlite=self._transaction.is_sqlite)
        await self._transaction.write(statement, "store a maintenance event", given)

    async def tell(self, event_id: str, ended_at: int | None, times: int) -> None:
        mine = self._transaction.covers(EVENTS.c.site_id)
        statement = update(EVENTS).where(EVENTS.c.id == event_id, mine).values(ended_at=ended_at, times=times)
        await self._transaction.write(statement, "store how a maintenance event goes on")

    async def amend(self, event: MaintenanceEvent, revision: int) -> bool:
        fields = event.model_dump(mode="json", include={*OF_PEOPLE, "revision"})
        mine = self._transaction.covers(EVENTS.c.site_id)
        statement = update(EVENTS).where(EVENTS.c.id == event.id, EVENTS.c.revision == revision, mine).values(fields)
        return await self._transaction.write(statement, "store a maintenance event") > 0


def _conditions(query: EventQuery) -> list[ColumnElement[bool]]:
    meant = ((EVENTS.c.site_id, query.site_id), (EVENTS.c.asset_id, query.asset_id))
    return [column == wanted for column, wanted in meant if wanted is not None]
