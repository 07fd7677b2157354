"""The demo tells people from its first alarm on, and leaves alone what somebody has changed since."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Role, User
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.services.demo_notices import ensure_demo_notices
from pdm_app.services.notice_routes import NoticeRouteService
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.templates import begin_migrated
from tests.storage import data
from tests.storage.data import MINE, THEIRS, put_plant

HERE, THERE = f"site-{MINE}", f"site-{THEIRS}"
CLOCK = HandClock(data.NOON)


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url)
    await begin_migrated(database)
    work = SqlUnitOfWork(database)
    for name, number in ((MINE, 1), (THEIRS, 2)):
        await put_plant(work, name, number)
    people = (("olga.operator", Role.OPERATOR, (HERE, THERE)), ("erin.engineer", Role.ENGINEER, (HERE, THERE)),
              ("tom.tech", Role.TECHNICIAN, (HERE,)), ("ada.admin", Role.ADMIN, ()))  # fmt: skip
    async with work(EVERY_SITE) as w:
        for name, role, sites in people:
            user = User(id=f"id-{name}", username=name, display_name=name, role=role, site_ids=sites)
            await w.users.put(user)
        await w.commit()
    yield work
    await database.close()


async def test_each_site_has_shifts_somebody_on_call_and_a_route_with_addresses(work: UnitOfWork) -> None:
    await ensure_demo_notices(work, CLOCK)
    async with work(EVERY_SITE) as w:
        assert {calendar.site_id for calendar in await w.shifts.all()} == {HERE, THERE}
        rotas = {rota.site_id: rota for rota in await w.rotas.all()}
        routes = {route.site_id: route for route in await w.outbox.routes()}
        contacts = {contact.id for contact in await w.outbox.contacts() if contact.email and contact.phone}
    assert rotas[HERE].people == ("id-erin.engineer", "id-tom.tech")
    assert rotas[THERE].people == ("id-erin.engineer",)  # Tom does not see that site.
    assert [step.user_ids for step in routes[SYSTEM_ID].steps] == [("id-ada.admin",)], "told of the product itself"
    first, second = routes[HERE].steps
    assert first.user_ids == ("id-olga.operator",)
    assert second.rota_ids == (rotas[HERE].id,)
    assert {"id-olga.operator", "id-erin.engineer", "id-tom.tech"} <= contacts


async def test_what_somebody_has_removed_since_stays_removed(work: UnitOfWork) -> None:
    await ensure_demo_notices(work, CLOCK)
    routes = NoticeRouteService(work, CLOCK)
    for route in await routes.all(SYSTEM):
        await routes.remove(SYSTEM, route.id)
    await ensure_demo_notices(work, CLOCK)
    assert await routes.all(SYSTEM) == ()


async def test_without_its_accounts_the_demo_tells_nobody(work: UnitOfWork) -> None:
    async with work(EVERY_SITE) as w:
        olga = await w.users.get("id-olga.operator")
        assert olga is not None
        await w.users.put(olga.model_copy(update={"username": "somebody.else"}))
        await w.commit()
    await ensure_demo_notices(work, CLOCK)
    assert [route.site_id for route in await NoticeRouteService(work, CLOCK).all(SYSTEM)] == [SYSTEM_ID]
