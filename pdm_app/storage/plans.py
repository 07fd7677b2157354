"""Orders of lines, work on them, and planned time of machines, by site."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from pdm_app.domain.orders import ORDERS_MAX, Order, OrderState
from pdm_app.domain.production_plan import PLANNED_US_MAX, OrderRun, PlannedStop
from pdm_app.storage.plan_tables import OrderRow, OrderRunRow, PlannedStopRow
from pdm_app.storage.repository import KEYS_PER_QUERY, Repository, chunks
from pdm_app.storage.tables import table_of

ORDERS = table_of(OrderRow)
RUNS = table_of(OrderRunRow)
STOPS = table_of(PlannedStopRow)
OVER = tuple(state for state in OrderState if state.is_over)


class SqlProductionPlans(Repository):
    """Every record of it belongs to a site."""

    async def orders(self, site_id: str, *, over: bool) -> Sequence[Order]:
        is_over = ORDERS.c.state.in_(OVER)
        statement = (
            select(ORDERS)
            .where(
                self._transaction.covers(ORDERS.c.site_id), ORDERS.c.site_id == site_id, is_over if over else ~is_over
            )
            .order_by(ORDERS.c.id.desc() if over else ORDERS.c.id)
        )
        rows = await self._transaction.rows(statement.limit(ORDERS_MAX) if over else statement, "read orders")
        return [Order.model_validate(row) for row in rows]

    async def order(self, order_id: str) -> Order | None:
        return await self._find_one(Order, OrderRow, ORDERS.c.id == order_id)

    async def put_order(self, order: Order) -> None:
        await self._put(OrderRow, [order])

    async def runs(self, begin_at: int, end_at: int) -> Sequence[OrderRun]:
        touching = (RUNS.c.begin_at < end_at, or_(RUNS.c.end_at.is_(None), RUNS.c.end_at > begin_at))
        return await self._find(OrderRun, OrderRunRow, *touching, order=("begin_at", "id"))

    async def runs_of(self, order_ids: Sequence[str]) -> Sequence[OrderRun]:
        found: list[OrderRun] = []
        for some in chunks(dict.fromkeys(order_ids), KEYS_PER_QUERY):
            found += await self._find(OrderRun, OrderRunRow, RUNS.c.order_id.in_(some))
        return sorted(found, key=lambda run: (run.begin_at, run.id))

    async def going(self, line_id: str) -> OrderRun | None:
        return await self._find_one(OrderRun, OrderRunRow, RUNS.c.line_id == line_id, RUNS.c.end_at.is_(None))

    async def put_run(self, run: OrderRun) -> None:
        await self._put(OrderRunRow, [run])

    async def stops(self, begin_at: int, end_at: int) -> Sequence[PlannedStop]:
        touching = (STOPS.c.begin_at < end_at, STOPS.c.begin_at > begin_at - PLANNED_US_MAX, STOPS.c.end_at > begin_at)
        return await self._find(PlannedStop, PlannedStopRow, *touching, order=("begin_at", "id"))

    async def stop(self, stop_id: str) -> PlannedStop | None:
        return await self._find_one(PlannedStop, PlannedStopRow, STOPS.c.id == stop_id)

    async def put_stop(self, stop: PlannedStop) -> None:
        await self._put(PlannedStopRow, [stop])
