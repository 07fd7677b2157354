"""What the demo knows of production, kept once in the life of a data directory: people may change it afterwards."""

from collections.abc import Iterable

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.ports import Clock
from pdm_app.domain.production import Product, ProductionUnit, SiteRates, StopReason
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit


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
