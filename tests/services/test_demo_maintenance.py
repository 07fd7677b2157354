"""The demo says what work costs at its sites, once; what somebody says instead stays."""

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.maintenance_events import CostFacts
from pdm_app.domain.maintenance_rules import Severity
from pdm_app.services.demo_maintenance import ensure_demo_maintenance
from pdm_app.services.maintenance import MaintenanceService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock


async def test_the_first_event_of_each_site_has_an_estimate_and_what_people_say_stays(
    sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    await ensure_demo_maintenance(sqlite_work, clock)
    await MaintenanceService(sqlite_work, clock).put_costs(SYSTEM, "graz", CostFacts(base=900.0), 1)
    await ensure_demo_maintenance(sqlite_work, clock)
    async with sqlite_work(EVERY_SITE) as work:
        bases = {basis.site_id: basis.estimate("", Severity.CRITICAL) for basis in await work.maintenance.costs()}
    assert bases == {"graz": 1_350.0, "pune": 67_500.0}
