"""What is planned for a line, as its shift goes: breaks of the calendar, planned maintenance, orders in work."""

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.orders import OrderFacts, OrderState
from pdm_app.domain.production import IdealCycle, Product
from pdm_app.domain.production_plan import PlannedStopFacts
from pdm_app.domain.shifts import Shift, ShiftBreak, ShiftDay
from pdm_app.services.order_sheets import OrderSheetService, OrderSheetTaken
from pdm_app.services.orders import OrderService
from pdm_app.services.planned_stops import PlannedStopService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Overflow
from tests.counterparts.installation import C_201
from tests.counterparts.production import BEGIN_AT, HOUR_US, calendar, unit
from tests.engine.test_production_watch import (
    BROKEN,
    GOOD,
    LINE,
    MADE,
    MAX,
    OLGA,
    RUNS,
    STANDS,
    STATE,
    VERA,
    Plant,
    S,
    standing,
)

CAP = Product(id="cap-28", site_id="graz", code="P-28", name="Cap 28 mm", revision=1)
BOLT = Product(id="cap-38", site_id="graz", code="P-38", name="Cap 38 mm", revision=1)
ORDERED = unit(
    "graz", C_201.id, LINE, STATE, made_signal_id=MADE, good_signal_id=GOOD, gap_s=86_400, minor_stop_s=0,
    cycles=(IdealCycle(product_id="cap-28", seconds=0.5), IdealCycle(product_id="cap-38", seconds=0.6)),
)  # fmt: skip


def facts(number: str = "4711", **more: object) -> OrderFacts:
    return OrderFacts.model_validate({"site_id": "graz", "line_id": LINE, "number": number, "quantity": 9_000, **more})


def planned(begin_h: float, end_h: float, **more: object) -> PlannedStopFacts:
    return PlannedStopFacts.model_validate(
        {
            "site_id": "graz", "begin_at": BEGIN_AT + round(begin_h * HOUR_US),
            "end_at": BEGIN_AT + round(end_h * HOUR_US), "name": "Grease", **more,
        }
    )  # fmt: skip


async def with_breaks(work: SqlUnitOfWork, *breaks: tuple[str, int]) -> None:
    kept = tuple(ShiftBreak(begin=begin, minutes=minutes) for begin, minutes in breaks)
    early = Shift(name="Early", begin="06:00", end="14:00", breaks=kept)
    async with work(EVERY_SITE) as writing:
        await writing.shifts.put(calendar("graz").model_copy(update={"days": (ShiftDay(shifts=(early,)),)}))
        await writing.commit()


async def actions(plant: Plant) -> list[str]:
    async with plant.work(EVERY_SITE) as reading:
        page = await reading.audit.page(AuditQuery(limit=50))
    return [entry.action for entry in page][::-1]


async def test_breaks_of_the_calendar_turn_stops_into_planned_time_live_and_from_history(
    work: SqlUnitOfWork, database_url: str
) -> None:
    async with standing(work, database_url) as plant:
        await with_breaks(work, ("08:00", 15))
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.step(reader, 1)
            await plant.send((STATE, 0, RUNS), (STATE, 7_000, STANDS), (STATE, 9_000, RUNS))
            await plant.step(reader, 10_000)
            live = await plant.totals()
            assert (live.planned_us, live.idle_us) == (900 * S, 1_100 * S)
            assert (live.busy_us, live.stops) == (9_100 * S, 1)  # A break parts a stop, and it stays one.
            await plant.step(reader, 28_830)
        plant.begin()
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.step(reader, 28_840)
            whole = await plant.totals()
            assert (whole.planned_us, whole.idle_us) == (900 * S, 1_100 * S)


async def test_planned_maintenance_counts_from_when_it_is_said_also_of_a_shift_that_is_over(
    work: SqlUnitOfWork, database_url: str
) -> None:
    async with standing(work, database_url) as plant:
        service = PlannedStopService(work, plant.book, plant.clock)
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.step(reader, 1)
            await plant.send((STATE, 0, RUNS), (STATE, 3_600, BROKEN), (STATE, 10_800, RUNS))
            await plant.step(reader, 11_000)
            stop = await service.put(MAX, planned(1, 2, asset_id=C_201.id))
            await plant.step(reader, 11_001)
            live = await plant.totals()
            assert (live.planned_us, live.breakdown_us, live.failures) == (3_600 * S, 3_600 * S, 1)
            await plant.step(reader, 28_830)
            moved = await service.put(MAX, planned(1, 3, line_id=LINE), stop.id, stop.revision)
            await plant.step(reader, 28_840)
            over = await plant.totals()
            assert (over.planned_us, over.breakdown_us, over.failures) == (7_200 * S, 0, 0)
            with pytest.raises(ConflictError, match="meanwhile"):
                await service.drop(MAX, stop.id, stop.revision)
            await service.drop(MAX, stop.id, moved.revision, "parts were missing")
            await plant.step(reader, 28_850)
            assert (await plant.totals()).breakdown_us == 7_200 * S
            assert await service.page(VERA, "graz", BEGIN_AT, BEGIN_AT + HOUR_US * 8) == ()
        assert await actions(plant) == ["planned_stop.added", "planned_stop.changed", "planned_stop.dropped"]


async def test_planned_time_is_said_by_those_who_may_of_machines_that_are_there(
    sqlite_work: SqlUnitOfWork, sqlite_url: str
) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        service = PlannedStopService(sqlite_work, plant.book, plant.clock)
        with pytest.raises(PermissionDeniedError):
            await service.put(OLGA, planned(1, 2))
        with pytest.raises(NotFoundError):
            await service.put(MAX, planned(1, 2, line_id="nowhere"))
        with pytest.raises(NotFoundError):
            await service.put(MAX, planned(1, 2, asset_id="nothing"))
        with pytest.raises(InvalidInputError):
            await service.page(VERA, "graz", BEGIN_AT, BEGIN_AT)


async def test_each_order_has_what_was_made_while_it_was_in_work(work: SqlUnitOfWork, database_url: str) -> None:
    async with standing(work, database_url) as plant:
        async with work(EVERY_SITE) as writing:
            await writing.production.put_unit(ORDERED)
            await writing.production.put_product(CAP)
            await writing.production.put_product(BOLT)
            await writing.commit()
        service = OrderService(work, plant.book, plant.clock)
        first = await service.put(MAX, facts(product_id="cap-28", quantity=9_000, due_at=BEGIN_AT + 3 * HOUR_US))
        second = await service.put(MAX, facts("4712", product_id="cap-38"))
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.step(reader, 1)
            await plant.send((STATE, 0, RUNS), (MADE, 0, 0), (GOOD, 0, 0))
            await service.begin(OLGA, first.id)
            await plant.step(reader, 3_600)
            await plant.send((MADE, 3_599, 6_100), (GOOD, 3_599, 6_000))
            await plant.step(reader, 3_601)
            [told, _] = await service.page(VERA, "graz")
            assert (told.order.state, told.product, told.good, told.scrap) == (OrderState.RUNNING, "P-28", 6_000, 100)
            assert told.period is not None
            assert told.period.figures.performance == pytest.approx(6_100 * 0.5 / 3_600, rel=1e-3)
            assert told.done_at == pytest.approx(plant.clock.at + 1_800 * S, abs=5 * S)  # Half of what is made.
            assert not told.is_late
            await service.begin(OLGA, second.id)
            await plant.step(reader, 3_602)
            await plant.send((MADE, 7_200, 11_100), (GOOD, 7_200, 11_000), (STATE, 7_201, STANDS))
            await plant.step(reader, 10_802)
            now, before = await service.page(VERA, "graz")
            assert (now.order.id, now.good, now.order.state) == (second.id, 5_000, OrderState.RUNNING)
            assert now.period is not None
            assert now.period.totals.ideal_made_s == pytest.approx(5_000 * 0.6)
            assert (before.order.state, before.good, before.is_late) == (OrderState.PAUSED, 6_000, True)
            done = await service.end(OLGA, second.id, "done")
            assert done.state is OrderState.DONE
            await plant.step(reader, 28_830)
        plant.begin()
        service = OrderService(work, plant.book, plant.clock)
        with plant.bus.reader(100, Overflow.FALL_BEHIND) as reader:
            await plant.step(reader, 28_840)
            assert [(one.order.id, one.good) for one in await service.page(VERA, "graz")] == [(first.id, 6_000)]
            assert [(one.order.id, one.good) for one in await service.page(VERA, "graz", over=True)] == [
                (second.id, 5_000)
            ]
        assert await actions(plant) == ["order.added", "order.added", "order.begun", "order.begun", "order.done"]


async def test_an_order_is_begun_and_ended_as_it_stands(sqlite_work: SqlUnitOfWork, sqlite_url: str) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        service = OrderService(sqlite_work, plant.book, plant.clock)
        order = await service.put(MAX, facts())
        with pytest.raises(InvalidInputError, match="has the number 4711"):
            await service.put(MAX, facts())
        with pytest.raises(PermissionDeniedError):
            await service.put(OLGA, facts("4713"))
        with pytest.raises(NotFoundError):
            await service.put(MAX, facts("4713", line_id="nowhere"))
        with pytest.raises(NotFoundError):
            await service.put(MAX, facts("4713", product_id="nothing"))
        with pytest.raises(ConflictError, match="is planned and cannot be paused"):
            await service.end(OLGA, order.id, "paused")
        with pytest.raises(PermissionDeniedError):
            await service.end(OLGA, order.id, "dropped")
        await service.begin(OLGA, order.id)
        with pytest.raises(ConflictError, match="is running"):
            await service.begin(OLGA, order.id)
        with pytest.raises(InvalidInputError, match="stays on its line"):
            await service.put(MAX, facts(line_id="graz-packing-1"), order.id, 2)
        await service.end(OLGA, order.id, "paused")
        await service.end(MAX, order.id, "dropped")
        with pytest.raises(ConflictError, match="is dropped"):
            await service.begin(OLGA, order.id)


async def test_a_sheet_of_orders_is_taken_whole_or_not_at_all(sqlite_work: SqlUnitOfWork, sqlite_url: str) -> None:
    async with standing(sqlite_work, sqlite_url) as plant:
        async with sqlite_work(EVERY_SITE) as writing:
            await writing.production.put_product(CAP)
            await writing.commit()
        sheets = OrderSheetService(sqlite_work, plant.clock)
        service = OrderService(sqlite_work, plant.book, plant.clock)
        head = "Number;Line;Quantity;Product;Setup min;Due\n"
        rows = f"A-1;{LINE};1.000,5;P-28;14;2026-12-01\nA-2;{LINE};20;;;2026-12-01T08:00:00+01:00\n"
        with pytest.raises(InvalidInputError, match=r"Row 3: .*'P-99' is known.* and 1 more"):
            await sheets.take(MAX, "graz", f"{head}A-1;{LINE};5;;;\nA-2;{LINE};5;P-99;;\nA-1;{LINE};5;;;\n")
        with pytest.raises(InvalidInputError, match="no column quantity"):
            await sheets.take(MAX, "graz", "number,line\nA-1,x\n")
        with pytest.raises(PermissionDeniedError):
            await sheets.take(OLGA, "graz", head + rows)
        assert await service.page(VERA, "graz") == ()
        assert await sheets.take(MAX, "graz", head + rows) == OrderSheetTaken(added=2, known=0)
        assert await sheets.take(MAX, "graz", head + rows) == OrderSheetTaken(added=0, known=2)
        told = {one.order.number: one.order for one in await service.page(VERA, "graz")}
        assert (told["A-1"].quantity, told["A-1"].product_id, told["A-1"].setup_min) == (1_000.5, "cap-28", 14)
        assert told["A-2"].due_at == 1_796_108_400 * S
        assert await actions(plant) == ["order.sheet_added"]
