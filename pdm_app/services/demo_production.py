"""What the demo knows of production, kept once in the life of a data directory: people may change it afterwards."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.ports import Clock
from pdm_app.domain.production import Product, ProductionUnit, SiteRates, StopReason
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.stop_edits import StopEdit
from pdm_app.services.auditing import audit

SAID = "demo.production.said"


async def ensure_demo_production(
    work: UnitOfWork,
    clock: Clock,
    units: Iterable[ProductionUnit],
    products: Iterable[Product],
    reasons: Iterable[StopReason],
    rates: SiteRates,
) -> None:
    """Store how the plant's machines are rated, where nothing of it is stored and the machines are there."""
    async with work(EVERY_SITE) as writing:
        if await writing.production.units():
            return
        there = {asset.id for asset in await writing.assets.all()}
        rated = [unit for unit in units if unit.asset_id in there]
        if not rated:
            return
        for product in products:
            await writing.production.put_product(product.model_copy(update={"revision": 1}))
        for reason in reasons:
            await writing.production.put_reason(reason.model_copy(update={"revision": 1}))
        for unit in rated:
            await writing.production.put_unit(unit.model_copy(update={"revision": 1}))
        await writing.production.put_rates(rates.model_copy(update={"revision": 1}))
        await audit(
            writing, SYSTEM, clock.now(), "production.provisioned", subject="site", subject_id=rates.site_id,
            name=rates.site_id, site_id=rates.site_id, after={"units": [unit.id for unit in rated]},
        )  # fmt: skip
        await writing.commit()


async def ensure_demo_stops(work: UnitOfWork, clock: Clock, told: Callable[[], Sequence[StopEdit]]) -> None:
    """Store what crews said of stops before the first start, once; ``told`` reckons for a second, in a thread."""
    async with work(EVERY_SITE) as reading:
        if await reading.users.value(SAID) is not None:
            return
        there = {unit.asset_id for unit in await reading.production.units()}
    said = [edit for edit in await asyncio.to_thread(told) if edit.asset_id in there]
    async with work(EVERY_SITE) as writing:
        await writing.production.put_edits(said)
        await writing.users.put_value(SAID, "done")
        for site_id in sorted({edit.site_id for edit in said}):
            count = sum(edit.site_id == site_id for edit in said)
            await audit(
                writing, SYSTEM, clock.now(), "stops.provisioned", subject="site", subject_id=site_id, name=site_id,
                site_id=site_id, after={"stops": count},
            )  # fmt: skip
        await writing.commit()
