"""Shift calendars and rotas as services: who may, what is on record, what is refused."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Actor, Role, Scope
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.notice_routes import NoticeRoute, RouteStep
from pdm_app.domain.notices import ChannelKind
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.rotas import CrewTurn, RotaFacts, Turn
from pdm_app.domain.shifts import Shift, ShiftCalendarFacts, ShiftDay
from pdm_app.services.rotas import RotaService
from pdm_app.services.shifts import ShiftService
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.templates import begin_migrated
from tests.storage import data
from tests.storage.data import MINE, NOON, THEIRS, S, put_plant

HERE, THERE = f"site-{MINE}", f"site-{THEIRS}"
DAY_US = 86_400 * S
CALENDAR = ShiftCalendarFacts(
    anchor=date(2025, 11, 17),
    days=(
        ShiftDay(
            shifts=(
                Shift(name="Early", begin="06:00", end="14:00", crew="A"),
                Shift(name="Late", begin="14:00", end="22:00", crew="B"),
            )
        ),
    ),
)
ENGINEER = Actor(
    id="erin", name="erin", role=Role.ENGINEER, scope=Scope(sites=frozenset({HERE})),
    permissions=ROLE_PERMISSIONS[Role.ENGINEER],
)  # fmt: skip


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[UnitOfWork]:
    database = Database(database_url)
    await begin_migrated(database)
    work = SqlUnitOfWork(database)
    for name, number in ((MINE, 1), (THEIRS, 2)):
        await put_plant(work, name, number)
        async with work(EVERY_SITE) as w:
            await w.users.put(data.user(name))
            await w.commit()
    yield work
    await database.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)  # 13:00 on a Thursday in Graz.


@pytest.fixture
def shifts(work: UnitOfWork, clock: HandClock) -> ShiftService:
    return ShiftService(work, clock)


@pytest.fixture
def rotas(work: UnitOfWork, clock: HandClock) -> RotaService:
    return RotaService(work, clock)


def rota(**more: Any) -> RotaFacts:
    given = {
        "site_id": HERE,
        "name": "Fitters",
        "anchor": date(2025, 11, 17),
        "turns": (Turn(user_ids=("user-graz",)),),
    }
    return RotaFacts.model_validate({**given, **more})


async def test_a_site_has_no_shifts_until_somebody_says_when_it_works(shifts: ShiftService) -> None:
    nothing = await shifts.show(ENGINEER, HERE)
    assert (nothing.calendar, nothing.now, nothing.zone) == (None, None, "Europe/Vienna")
    assert await shifts.spans(ENGINEER, HERE, NOON, NOON + DAY_US) == ()
    kept = await shifts.put(ENGINEER, HERE, CALENDAR, 0, "as agreed")
    assert kept.revision == 1
    found = await shifts.show(ENGINEER, HERE)
    assert found.now is not None
    assert (found.now.name, found.now.crew) == ("Early", "A")
    assert found.before is not None
    assert (found.before.name, found.before.on) == ("Late", date(2025, 11, 19))
    names = [span.name for span in await shifts.spans(ENGINEER, HERE, NOON, NOON + DAY_US)]
    assert names == ["Early", "Late", "Early"]


async def test_a_calendar_that_was_changed_meanwhile_is_not_overwritten(shifts: ShiftService, work: UnitOfWork) -> None:
    await shifts.put(ENGINEER, HERE, CALENDAR, 0)
    with pytest.raises(ConflictError, match="changed these shifts meanwhile"):
        await shifts.put(ENGINEER, HERE, CALENDAR, 0)
    await shifts.put(ENGINEER, HERE, CALENDAR, 1, "again")
    async with work(EVERY_SITE) as w:
        entries = await w.audit.page(AuditQuery(action="shifts.changed"))
    assert [(entry.reason, entry.site_id) for entry in entries] == [("again", HERE), ("", HERE)]


async def test_shifts_of_another_site_and_of_years_are_refused(shifts: ShiftService) -> None:
    for asked in (shifts.show(ENGINEER, THERE), shifts.put(ENGINEER, THERE, CALENDAR, 0)):
        with pytest.raises(NotFoundError, match=f"no site '{THERE}'"):
            await asked
    await shifts.put(ENGINEER, HERE, CALENDAR, 0)
    with pytest.raises(InvalidInputError, match="for 800 days at once"):
        await shifts.spans(ENGINEER, HERE, 0, NOON)


async def test_a_rota_says_who_is_on_call_and_who_comes_next(rotas: RotaService, shifts: ShiftService) -> None:
    await shifts.put(ENGINEER, HERE, CALENDAR, 0)
    await rotas.add(ENGINEER, rota())
    await rotas.add(ENGINEER, rota(name="Crews", turns=(), crews=(CrewTurn(crew="B", user_ids=("user-graz",)),)))
    crews, fitters = await rotas.all(ENGINEER, HERE)
    assert fitters.now.user_ids == ("user-graz",)
    assert crews.now.user_ids == ()  # The early shift is crew A's.
    assert crews.following is not None
    assert crews.following.user_ids == ("user-graz",)
    assert [person.id for person in await rotas.people(ENGINEER, HERE)] == ["user-graz"]


async def test_a_rota_names_people_of_its_site_alone_and_stays_there(rotas: RotaService) -> None:
    with pytest.raises(NotFoundError, match="nobody with the id 'user-linz'"):
        await rotas.add(ENGINEER, rota(turns=(Turn(user_ids=("user-linz",)),)))
    with pytest.raises(NotFoundError, match=f"no site '{THERE}'"):
        await rotas.add(ENGINEER, rota(site_id=THERE))
    kept = await rotas.add(ENGINEER, rota())
    admin = ENGINEER.model_copy(update={"scope": EVERY_SITE})
    with pytest.raises(InvalidInputError, match="stays at its site"):
        await rotas.change(admin, kept.id, rota(site_id=THERE), kept.revision)
    with pytest.raises(ConflictError, match="changed this rota meanwhile"):
        await rotas.change(ENGINEER, kept.id, rota(name="Others"), 7)
    assert (await rotas.change(ENGINEER, kept.id, rota(name="Others"), kept.revision)).name == "Others"


async def test_a_rota_that_a_route_asks_for_is_not_removed(rotas: RotaService, work: UnitOfWork) -> None:
    kept = await rotas.add(ENGINEER, rota())
    step = RouteStep(rota_ids=(kept.id,), channels=(ChannelKind.SMS,))
    async with work(EVERY_SITE) as w:
        await w.outbox.put_route(NoticeRoute(id="route", site_id=HERE, name="Night", steps=(step,)))
        await w.commit()
    with pytest.raises(ConflictError, match="'Fitters': Night"):
        await rotas.remove(ENGINEER, kept.id)
    async with work(EVERY_SITE) as w:
        await w.outbox.remove_route("route")
        await w.commit()
    await rotas.remove(ENGINEER, kept.id, "no longer needed")
    assert await rotas.all(ENGINEER, HERE) == ()
    async with work(EVERY_SITE) as w:
        actions = [entry.action for entry in await w.audit.page(AuditQuery())]
    assert {"rotas.added", "rotas.removed"} <= set(actions)
