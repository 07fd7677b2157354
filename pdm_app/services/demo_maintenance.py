"""What work costs at the sites of the demo, so that its first maintenance event has an estimate."""

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.maintenance_events import CostFacts
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.maintenance import MaintenanceService

BASES = {"INR": 45_000.0, "EUR": 500.0}
REASON = "demo plant"


async def ensure_demo_maintenance(work: UnitOfWork, clock: Clock) -> None:
    """Say what work costs at each site where nobody has said it yet."""
    async with work(EVERY_SITE) as reading:
        said = {basis.site_id for basis in await reading.maintenance.costs()}
        sites = await reading.sites.all()
    service = MaintenanceService(work, clock)
    for site in sites:
        if site.id not in said and site.currency in BASES:
            await service.put_costs(SYSTEM, site.id, CostFacts(base=BASES[site.currency]), 0, REASON)
