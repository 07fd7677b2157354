"""Nobody limited to some sites reads or changes how production goes elsewhere."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.production import Product, SiteRates
from pdm_app.domain.production_shifts import Production
from pdm_app.domain.repositories import UnitOfWork, Work
from tests.counterparts.production import (
    BEGIN_AT,
    HOUR_US,
    REVISION,
    edit,
    product_id,
    put_production,
    reasons,
    shift,
    unit,
)

LINZ, ASSET, LINE = "site-linz", "asset-linz", "line-linz"
LIMITED = (Scope(sites=frozenset({"site-graz"})), Scope(sites=frozenset()))
SPAN = (BEGIN_AT - 48 * HOUR_US, BEGIN_AT + 48 * HOUR_US)
SHIFT = shift(LINZ, ASSET)
UNIT = unit(LINZ, ASSET, LINE, 2)
PRODUCT = Product(id=product_id(LINZ), site_id=LINZ, code="P-28", name="mine", revision=REVISION)
RATES = SiteRates(id=LINZ, site_id=LINZ, machine_hour=1)
AT_MINE = {"site_id": "site-graz"}

Crossing = Callable[[Work], Awaitable[object]]
READS: dict[str, Crossing] = {
    "units": lambda w: w.production.units(),
    "unit": lambda w: w.production.unit(ASSET),
    "products": lambda w: w.production.products(),
    "reasons": lambda w: w.production.reasons(),
    "rates": lambda w: w.production.rates(),
    "sums": lambda w: w.production.sums([ASSET], *SPAN),
    "shift": lambda w: w.production.shift(SHIFT.id),
    "shifts": lambda w: w.production.shifts([ASSET], *SPAN),
    "edits": lambda w: w.production.edits([SHIFT.id]),
}
WRITES: dict[str, Crossing] = {
    "put_unit": lambda w: w.production.put_unit(UNIT),
    "put_product": lambda w: w.production.put_product(PRODUCT),
    "put_reason": lambda w: w.production.put_reason(reasons(LINZ)[0].model_copy(update={"name": "mine"})),
    "put_rates": lambda w: w.production.put_rates(RATES),
    "put_shifts": lambda w: w.production.put_shifts([SHIFT]),
    "put_edits": lambda w: w.production.put_edits([edit(LINZ, ASSET)]),
}
THEFTS: tuple[Crossing, ...] = (
    lambda w: w.production.put_unit(UNIT.model_copy(update=AT_MINE)),
    lambda w: w.production.put_product(PRODUCT.model_copy(update=AT_MINE)),
    lambda w: w.production.put_reason(reasons(LINZ)[0].model_copy(update=AT_MINE)),
    lambda w: w.production.put_rates(RATES.model_copy(update=AT_MINE)),
    lambda w: w.production.put_shifts([SHIFT.model_copy(update=AT_MINE)]),
    lambda w: w.production.put_edits([edit(LINZ, ASSET).model_copy(update=AT_MINE)]),
)


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as work:
        return [await read(work) for read in READS.values()]


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Production, inspect.isfunction) if not name.startswith("_")}
    assert methods == set(READS) | set(WRITES)


@pytest.fixture
async def rated(plants: UnitOfWork) -> UnitOfWork:
    async with plants(EVERY_SITE) as work:
        await put_production(work, LINZ, ASSET, LINE, 2)
        await work.commit()
    return plants


async def test_what_is_stored_is_read_as_it_was(rated: UnitOfWork) -> None:
    async with rated(EVERY_SITE) as work:
        assert await work.production.unit(ASSET) == UNIT
        assert await work.production.shift(SHIFT.id) == SHIFT
        assert [one.id for one in await work.production.sums([ASSET], SHIFT.end_at - 1, SHIFT.end_at)] == [SHIFT.id]
        assert list(await work.production.sums([ASSET], SHIFT.end_at, SHIFT.end_at + 1)) == []
        assert [one.is_locked for one in await work.production.shifts([ASSET], *SPAN)] == [False, True, False]
        assert list(await work.production.edits([SHIFT.id])) == [edit(LINZ, ASSET)]
        await work.production.put_edits([edit(LINZ, ASSET).model_copy(update={"is_undone": True})])
        assert list(await work.production.edits([SHIFT.id])) == []


@pytest.mark.parametrize("scope", LIMITED, ids=["another site", "no site"])
async def test_another_site_is_neither_read_nor_changed(rated: UnitOfWork, scope: Scope) -> None:
    before = await everything(rated)
    for crossing in READS.values():
        async with rated(scope) as work:
            assert not await crossing(work)
    for crossing in (*WRITES.values(), *THEFTS):
        async with rated(scope) as work:
            with pytest.raises(NotFoundError):
                await crossing(work)
    assert await everything(rated) == before
