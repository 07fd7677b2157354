"""Nobody limited to some sites reads or changes what is planned for lines elsewhere."""

import inspect

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.orders import OrderState, ProductionPlans
from pdm_app.domain.repositories import UnitOfWork
from tests.contracts.crossings import Crossing, assert_nothing_crosses
from tests.counterparts.production import BEGIN_AT, HOUR_US, order, order_run, planned_stop, put_plan

LINZ, LINE = "site-linz", "line-linz"
SPAN = (BEGIN_AT, BEGIN_AT + 100 * HOUR_US)
ORDER, RUN, STOP = order(LINZ, LINE), order_run(LINZ, LINE), planned_stop(LINZ, LINE)
MINE = {"site_id": "site-graz"}
READS: dict[str, Crossing] = {
    "orders": lambda w: w.plans.orders(LINZ, over=False),
    "order": lambda w: w.plans.order(ORDER.id),
    "runs": lambda w: w.plans.runs(*SPAN),
    "runs_of": lambda w: w.plans.runs_of([RUN.order_id]),
    "going": lambda w: w.plans.going(LINE),
    "stops": lambda w: w.plans.stops(*SPAN),
    "stop": lambda w: w.plans.stop(STOP.id),
}
CHANGES: dict[str, Crossing] = {
    "put_order": lambda w: w.plans.put_order(ORDER.model_copy(update={"note": "mine"})),
    "put_run": lambda w: w.plans.put_run(RUN.model_copy(update={"end_at": RUN.begin_at + 1})),
    "put_stop": lambda w: w.plans.put_stop(STOP.model_copy(update={"note": "mine"})),
}
THEFTS: tuple[Crossing, ...] = (
    lambda w: w.plans.put_order(ORDER.model_copy(update=MINE)),
    lambda w: w.plans.put_run(RUN.model_copy(update=MINE)),
    lambda w: w.plans.put_stop(STOP.model_copy(update=MINE)),
)


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        return [await read(w) for read in READS.values()]


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(ProductionPlans, inspect.isfunction) if not name.startswith("_")}
    assert methods == set(READS) | set(CHANGES)


async def test_plans_are_read_as_they_were_and_by_nobody_else(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await put_plan(w, LINZ, LINE)
        await w.commit()
    running = order(LINZ, LINE, OrderState.RUNNING)
    assert await everything(plants) == [[ORDER, running], ORDER, [RUN], [RUN], RUN, [STOP], STOP]
    async with plants(EVERY_SITE) as w:
        assert list(await w.plans.runs(RUN.begin_at - 5, RUN.begin_at)) == []
        await w.plans.put_run(RUN.model_copy(update={"end_at": RUN.begin_at + 5}))
        assert list(await w.plans.runs(RUN.begin_at + 5, RUN.begin_at + 9)) == []
        assert await w.plans.going(LINE) is None
        await w.plans.put_order(ORDER.model_copy(update={"state": OrderState.DONE}))
        assert [one.id for one in await w.plans.orders(LINZ, over=True)] == [ORDER.id]
    await assert_nothing_crosses(plants, READS, (*CHANGES.values(), *THEFTS), everything)
