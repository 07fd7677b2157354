"""What crews of the demo said of stops is stored once, with the machines that are there."""

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.audit import AuditQuery
from pdm_app.services.demo_production import ensure_demo_stops
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import C_201
from tests.counterparts.production import edit, put_production


async def test_it_is_stored_once_and_what_somebody_takes_back_stays_so(
    sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    async with sqlite_work(EVERY_SITE) as work:
        await put_production(work, "graz", C_201.id, C_201.line_id, 71)
        await work.commit()
    said = edit("graz", C_201.id).model_copy(update={"id": "said"})
    gone = said.model_copy(update={"id": "gone", "asset_id": "not-here"})
    await ensure_demo_stops(sqlite_work, clock, lambda: [said, gone])
    async with sqlite_work(EVERY_SITE) as work:
        assert {each.id for each in await work.production.edits([said.shift_id])} == {"edit-graz", "said"}
        [entry] = await work.audit.page(AuditQuery(action="stops.provisioned"))
        assert entry.after == '{"stops":1}'
        await work.production.put_edits([said.model_copy(update={"is_undone": True})])
        await work.commit()
    await ensure_demo_stops(sqlite_work, clock, lambda: [said])
    async with sqlite_work(EVERY_SITE) as work:
        assert [each.id for each in await work.production.edits([said.shift_id])] == ["edit-graz"]
