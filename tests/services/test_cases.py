"""Cases as a service: what is gathered, told and decided, who may, and what is on record."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.cases import CaseQuery, CaseState, Decision
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.maintenance_rules import Severity
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.cases import CaseService
from pdm_app.services.maintenance import MaintenanceService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import person
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import C_201, G_1, P_501

ERIN, OTTO = person("erin", Role.ENGINEER), person("otto", Role.OPERATOR)
GRETA = person("greta", Role.ENGINEER, "graz")


@pytest.fixture
def service(work: SqlUnitOfWork, clock: HandClock) -> CaseService:
    return CaseService(work, clock)


async def test_a_case_is_opened_told_snoozed_confirmed_and_closed_and_each_is_on_record(
    service: CaseService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    event = await MaintenanceService(work, clock).report(ERIN, P_501.id, "Rattles", Severity.HIGH)
    case = await service.open(ERIN, P_501.id, "Bearing, drive end", text="louder since Monday")
    for step in range(3):
        clock.at += MICROS_PER_S
        case = await service.note(ERIN, case.id, f"note {step}")
    clock.at += MICROS_PER_S
    case = await service.link(ERIN, case.id, [], [event.id])
    assert await service.link(ERIN, case.id, [], [event.id]) == case
    clock.at += MICROS_PER_S
    soon = clock.at + 3600 * MICROS_PER_S
    case = await service.decide(ERIN, case.id, Decision.SNOOZE, case.revision, text="next stop", until=soon)
    assert case.state is CaseState.SNOOZED
    clock.at = soon
    [listed] = (await service.page(OTTO, CaseQuery(site_id="pune"))).cases
    assert listed.state is CaseState.OPEN
    clock.at += MICROS_PER_S
    case = await service.decide(ERIN, case.id, Decision.CONFIRM, case.revision, label="bearing wear")
    with pytest.raises(ConflictError, match="erin has changed"):
        await service.decide(ERIN, case.id, Decision.CLOSE, case.revision - 1)
    clock.at += MICROS_PER_S
    case = await service.decide(ERIN, case.id, Decision.CLOSE, case.revision)
    view = await service.show(OTTO, case.id)
    assert view.case == case
    assert [(entry.act, entry.text) for entry in view.entries] == [
        ("opened", "louder since Monday"), ("noted", "note 0"), ("noted", "note 1"), ("noted", "note 2"),
        ("linked", "1"), ("snooze", "next stop"), ("confirm", ""), ("close", ""),
    ]  # fmt: skip
    assert view.events == (event,)
    assert (await service.page(OTTO, CaseQuery())).cases == ()
    assert (await service.page(OTTO, CaseQuery(is_closed=True))).cases == (case,)
    async with work(EVERY_SITE) as transaction:
        actions = [entry.action for entry in await transaction.audit.page(AuditQuery())]
    assert actions[:4] == ["cases.closed", "cases.confirmed", "cases.snoozed", "cases.linked"]


async def test_pages_follow_each_other(service: CaseService, clock: HandClock) -> None:
    for number in range(5):
        clock.at += 1
        await service.open(ERIN, P_501.id, f"Case {number}")
    first = await service.page(OTTO, CaseQuery(limit=3))
    second = await service.page(OTTO, CaseQuery(limit=3, before=first.before))
    assert [case.title for case in (*first.cases, *second.cases)] == [f"Case {n}" for n in (4, 3, 2, 1, 0)]
    assert second.before is None


async def test_a_case_gathers_what_is_of_its_machine_only(
    service: CaseService, work: SqlUnitOfWork, clock: HandClock
) -> None:
    event = await MaintenanceService(work, clock).report(ERIN, G_1.id, "Warm", Severity.HIGH)
    with pytest.raises(InvalidInputError, match="another machine"):
        await service.open(ERIN, P_501.id, "Bearing", event_ids=[event.id])
    with pytest.raises(NotFoundError, match="no alarm 'nowhere'"):
        await service.open(ERIN, P_501.id, "Bearing", alarm_ids=["nowhere"])


async def test_who_may_not_is_refused_and_what_is_elsewhere_is_not_there(
    service: CaseService, work: SqlUnitOfWork
) -> None:
    with pytest.raises(PermissionDeniedError):
        await service.open(OTTO, P_501.id, "Bearing")
    with pytest.raises(NotFoundError):
        await service.open(ERIN, C_201.id, "Bearing")
    case = await service.open(ERIN, P_501.id, "Bearing")
    for reached in (
        service.show(GRETA, case.id),
        service.note(GRETA, case.id, "mine"),
        service.link(GRETA, case.id, [], []),
        service.decide(GRETA, case.id, Decision.CONFIRM, case.revision, label="mine"),
        service.page(GRETA, CaseQuery(site_id="pune")),
        service.page(GRETA, CaseQuery(before=case.id)),
    ):
        with pytest.raises((NotFoundError, InvalidInputError)):
            await reached
    assert (await service.page(GRETA, CaseQuery())).cases == ()
    async with work(GRETA.scope) as transaction:
        assert not await transaction.cases.entries(case.id)
        assert not await transaction.cases.change(case.model_copy(update={"title": "mine"}), case.revision)
        with pytest.raises(NotFoundError):
            await transaction.cases.add(case)
        await transaction.commit()
    async with work(EVERY_SITE) as transaction:
        assert await transaction.cases.get(case.id) == case
