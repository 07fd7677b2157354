"""Routes for the product's own alarms: made by those who see every site, and by nobody else."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Role, User
from pdm_app.domain.errors import InvalidInputError, NotFoundError
from pdm_app.domain.notice_routes import NoticeRouteFacts, RouteStep
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.services.notice_routes import NoticeRouteService
from pdm_app.services.rotas import RotaService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, person
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import P_501

ERIN = person("erin", Role.ENGINEER)


def facts(user_id: str, **said: object) -> NoticeRouteFacts:
    step = RouteStep(user_ids=(user_id,), channels=(ChannelKind.EMAIL,))
    return NoticeRouteFacts.model_validate({"site_id": SYSTEM_ID, "name": "Itself", "steps": (step,), **said})


async def test_an_admin_routes_the_alarms_of_the_product_and_an_engineer_of_one_site_does_not(
    sqlite_work: SqlUnitOfWork, clock: HandClock
) -> None:
    service, rotas = NoticeRouteService(sqlite_work, clock), RotaService(sqlite_work, clock)
    async with sqlite_work(EVERY_SITE) as work:
        for name, role in (("ada", Role.ADMIN), ("olga", Role.OPERATOR)):
            user = User(id=name, username=name, display_name=name, role=role, site_ids=("pune",))
            await work.users.put(user)
        await work.commit()
    assert [each.id for each in await rotas.people(ADA, "pune")] == ["ada", "olga"]
    assert [each.id for each in await rotas.people(ADA, SYSTEM_ID)] == ["ada"]
    with pytest.raises(NotFoundError):
        await rotas.people(ERIN, SYSTEM_ID)
    with pytest.raises(NotFoundError):
        await service.add(ERIN, facts("nobody"))
    with pytest.raises(InvalidInputError):
        await service.add(ADA, facts("nobody"))
    with pytest.raises(InvalidInputError):
        await service.add(ADA, facts("nobody", asset_ids=(P_501.id,)))
    route = await service.add(ADA, facts("ada"))
    assert await service.all(ADA) == (route,)
    assert await service.all(ERIN) == ()
    with pytest.raises(NotFoundError):
        await service.remove(ERIN, route.id)
