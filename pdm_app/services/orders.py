"""Orders of lines: told with what was made for them, kept, and begun and ended by whoever stands at the line."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.oee import period
from pdm_app.domain.orders import ORDERS_MAX, RUNS_MAX, Order, OrderFacts, OrderProgress, OrderState, expected_at
from pdm_app.domain.ports import Clock
from pdm_app.domain.production import Product
from pdm_app.domain.production_intervals import Interval, totals_of
from pdm_app.domain.production_plan import OrderRun
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.auditing import audit
from pdm_app.services.production_plant import RatedPlant, plant_of, told_shifts
from pdm_app.services.record_changes import require_site
from pdm_app.stream.production_book import ProductionBook

TOLD_US_MAX = 60 * 86_400 * MICROS_PER_S  # Of work on orders: older shifts are not read again for a list.
OVER_MAX = 100
OrderEnd = Literal["paused", "done", "dropped"]


class OrderService:
    """Orders in an actor's sites.

    Args:
        work: Where they are stored.
        book: The shifts that run now; told that other orders are in work.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, book: ProductionBook, clock: Clock) -> None:
        self._work = work
        self._book = book
        self._clock = clock

    async def page(self, actor: Actor, site_id: str, *, over: bool = False) -> tuple[OrderProgress, ...]:
        """Return the orders of a site that are not over, those in work first, then by due date; or the last that are.

        Raises:
            NotFoundError: The site does not exist or lies outside the actor's.
        """
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            plant = await plant_of(work, site_id)
            orders = list(await work.plans.orders(site_id, over=over))[: OVER_MAX if over else ORDERS_MAX]
            told = await self._told(work, plant, orders)
        rank = {OrderState.RUNNING: 0, OrderState.PAUSED: 1, OrderState.PLANNED: 2}
        never = 2**62
        if over:
            return tuple(sorted(told, key=lambda one: -(one.ended_at or 0)))
        return tuple(
            sorted(told, key=lambda one: (rank[one.order.state], one.order.due_at or never, one.order.number))
        )  # fmt: skip

    async def put(self, actor: Actor, facts: OrderFacts, order_id: str | None = None, revision: int = 0) -> Order:
        """Add an order, or change one that is not over.

        Raises:
            NotFoundError: Site, line, product or order do not exist or lie outside the actor's sites.
            InvalidInputError: Another order has its number, or it goes to another line after work on it began.
            ConflictError: There are too many, it is over, or somebody else has changed it meanwhile.
        """
        actor.require(Permission.PRODUCTION_MANAGE)
        async with self._work(actor.scope) as work:
            await require_site(work, actor, facts.site_id)
            before = None if order_id is None else await self._one(work, actor, order_id)
            if (0 if before is None else before.revision) != revision:
                raise ConflictError("Somebody has changed this order meanwhile. Look at it again.")
            order = await self._kept(work, facts, before)
            await audit(
                work, actor, self._clock.now(), "order.changed" if before else "order.added", subject="order",
                subject_id=order.id, name=order.number, site_id=order.site_id, before=before, after=order,
            )  # fmt: skip
            await work.commit()
        self._book.configuration_changed()
        return order

    async def begin(self, actor: Actor, order_id: str) -> OrderRun:
        """Have a line work an order from now on; the one that it works now is paused.

        Raises:
            NotFoundError: The order does not exist or lies outside the actor's sites.
            ConflictError: It is in work already, or over, or was begun too often.
        """
        actor.require(Permission.PRODUCTION_RECORD)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            order = await self._one(work, actor, order_id)
            if order.state is OrderState.RUNNING or order.state.is_over:
                raise ConflictError(f"The order {order.number} is {order.state} and cannot be begun.")
            if len(await work.plans.runs_of([order.id])) >= RUNS_MAX:
                raise ConflictError(f"The order {order.number} was begun {RUNS_MAX} times; end it and add another.")
            other = await work.plans.going(order.line_id)
            if other is not None:
                await self._end_run(work, other, now)
                paused = await work.plans.order(other.order_id)
                if paused is not None:
                    await work.plans.put_order(_in_state(paused, OrderState.PAUSED))
            run = OrderRun(
                id=new_id(now), site_id=order.site_id, line_id=order.line_id, order_id=order.id,
                product_id=order.product_id, begin_at=now, begun_by=actor.name,
            )  # fmt: skip
            after = _in_state(order, OrderState.RUNNING)
            await work.plans.put_run(run)
            await work.plans.put_order(after)
            await audit(
                work, actor, now, "order.begun", subject="order", subject_id=order.id, name=order.number,
                site_id=order.site_id, before=order, after={"run": run.id, "paused": other and other.order_id},
            )  # fmt: skip
            await work.commit()
        self._book.configuration_changed()
        return run

    async def end(self, actor: Actor, order_id: str, outcome: OrderEnd) -> Order:
        """Pause an order, or say that it is done or not to be made.

        Raises:
            NotFoundError: As `begin`.
            ConflictError: It is over, or is to be paused and is not in work.
        """
        actor.require(Permission.PRODUCTION_MANAGE if outcome == "dropped" else Permission.PRODUCTION_RECORD)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            order = await self._one(work, actor, order_id)
            state = OrderState(outcome)
            if order.state.is_over or (state is OrderState.PAUSED and order.state is not OrderState.RUNNING):
                raise ConflictError(f"The order {order.number} is {order.state} and cannot be {outcome}.")
            if order.state is OrderState.RUNNING:
                going = await work.plans.going(order.line_id)
                if going is not None and going.order_id == order.id:
                    await self._end_run(work, going, now)
            after = _in_state(order, state)
            await work.plans.put_order(after)
            await audit(
                work, actor, now, f"order.{outcome}", subject="order", subject_id=order.id, name=order.number,
                site_id=order.site_id, before=order, after=after,
            )  # fmt: skip
            await work.commit()
        self._book.configuration_changed()
        return after

    async def _end_run(self, work: Work, run: OrderRun, now: int) -> None:
        await work.plans.put_run(run.model_copy(update={"end_at": max(now, run.begin_at + 1)}))

    async def _one(self, work: Work, actor: Actor, order_id: str) -> Order:
        order = await work.plans.order(order_id)
        if order is None or not actor.scope.covers(order.site_id):
            raise NotFoundError(f"There is no order {order_id!r}.", order_id=order_id)
        return order

    async def _kept(self, work: Work, facts: OrderFacts, before: Order | None) -> Order:
        """Store an order after it was found to be sound."""
        if before is not None and (before.state.is_over or before.site_id != facts.site_id):
            raise ConflictError(f"The order {before.number} is {before.state}; it is not changed any more.")
        if before is not None and before.line_id != facts.line_id and before.state is not OrderState.PLANNED:
            raise InvalidInputError(
                f"Work on the order {before.number} has begun; it stays on its line.",
                [FieldIssue("line_id", "cannot change any more")],
            )
        lines = {line.id for line in await work.assets.lines() if line.site_id == facts.site_id}
        if facts.line_id not in lines:
            raise NotFoundError(f"There is no line {facts.line_id!r}.", line_id=facts.line_id)
        products = {product.id for product in await work.production.products() if product.site_id == facts.site_id}
        if facts.product_id is not None and facts.product_id not in products:
            raise NotFoundError(f"There is no product {facts.product_id!r}.", product_id=facts.product_id)
        known = await work.plans.orders(facts.site_id, over=False)
        others = [one for one in known if before is None or one.id != before.id]
        if len(others) >= ORDERS_MAX:
            raise ConflictError(f"A site has {ORDERS_MAX} orders that are not over at most. End some.")
        if any(one.number == facts.number for one in others):
            raise InvalidInputError(
                f"Another order that is not over has the number {facts.number}.", [FieldIssue("number", "is taken")]
            )
        if before is None:
            order = Order(**facts.model_dump(), id=new_id(self._clock.now()), revision=1)
        else:
            order = before.model_copy(update={**facts.model_dump(), "revision": before.revision + 1})
        await work.plans.put_order(order)
        return order

    # --- what was made for them -------------------------------------------------------------------------------------

    async def _told(self, work: Work, plant: RatedPlant, orders: Sequence[Order]) -> list[OrderProgress]:
        now = self._clock.now()
        runs: dict[str, list[OrderRun]] = {}
        for run in await work.plans.runs_of([order.id for order in orders]):
            runs.setdefault(run.order_id, []).append(run)
        products = {product.id: product for product in await work.production.products()}
        intervals = await self._intervals(work, plant, [run for some in runs.values() for run in some], now)
        return [
            _progress(order, runs.get(order.id, []), intervals.get(order.id, []), plant, products, now)
            for order in orders
        ]

    async def _intervals(
        self, work: Work, plant: RatedPlant, runs: Sequence[OrderRun], now: int
    ) -> Mapping[str, list[Interval]]:
        """Return what the machines that rate a line did while an order was in work, by order."""
        found: dict[str, list[Interval]] = {}
        for line_id in dict.fromkeys(run.line_id for run in runs):
            own = [run for run in runs if run.line_id == line_id]
            begin_at = max(min(run.begin_at for run in own), now - TOLD_US_MAX)
            end_at = min(max(run.until for run in own), now)
            ids = [unit.asset_id for unit in plant.rated_by(line_id)]
            if not ids or begin_at >= end_at:
                continue
            shifts = await work.production.shifts(ids, begin_at, end_at)
            edits = await work.production.edits([shift.id for shift in shifts])
            told = told_shifts(plant, self._book, now, shifts, edits)
            live = [self._book.shift(asset_id, now) for asset_id in ids]
            told += [one for one in live if one is not None and one[0].id not in {shift.id for shift in shifts}]
            for _, intervals in told:
                for interval in intervals:
                    if interval.order_id is not None:
                        found.setdefault(interval.order_id, []).append(interval)
        return found


def _in_state(order: Order, state: OrderState) -> Order:
    return order.model_copy(update={"state": state, "revision": order.revision + 1})


def _progress(
    order: Order, runs: Sequence[OrderRun], intervals: Sequence[Interval], plant: RatedPlant,
    products: Mapping[str, Product], now: int,
) -> OrderProgress:  # fmt: skip
    totals = totals_of(intervals)
    begun_at = min((run.begin_at for run in runs), default=None)
    ended_at = None if any(run.end_at is None for run in runs) else max((run.until for run in runs), default=None)
    busy_us = totals.busy_us // max(len(plant.rated_by(order.line_id)), 1)  # Machines beside each other share it.
    done_at = ended_at if order.state is OrderState.DONE else None
    if order.state is OrderState.RUNNING:
        done_at = expected_at(order.quantity, totals.good, busy_us, now)
    late_at = done_at if done_at is not None else now
    product = products.get(order.product_id or "")
    line = plant.lines.get(order.line_id)
    rated = period(begun_at or now, ended_at or now, totals, plant.rates) if intervals else None
    return OrderProgress(
        order=order,
        product="" if product is None else product.code,
        product_name="" if product is None else product.name,
        line="" if line is None else line.name,
        begun_at=begun_at,
        ended_at=ended_at,
        runs=tuple(runs[-20:]),
        period=rated,
        good=totals.good,
        made=totals.made,
        scrap=totals.scrap,
        setup_s=totals.setup_us / MICROS_PER_S,
        done_at=done_at,
        is_late=order.state is not OrderState.DROPPED and order.due_at is not None and late_at > order.due_at,
    )
