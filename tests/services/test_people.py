"""Adding and changing people."""

import pytest

from pdm_app.domain.access import ROLE_PERMISSIONS, SYSTEM, Actor, Role, Scope
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.services.passwords import PasswordHasher
from pdm_app.services.people import PeopleService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"


@pytest.fixture
def people(work: SqlUnitOfWork, clock: HandClock, hasher: PasswordHasher) -> PeopleService:
    return PeopleService(work, clock, hasher)


async def test_a_name_is_taken_in_any_spelling(people: PeopleService) -> None:
    await people.add(SYSTEM, "Olga", PASSWORD, Role.OPERATOR)
    with pytest.raises(ConflictError, match="olga is taken"):
        await people.add(SYSTEM, " OLGA ", PASSWORD, Role.VIEWER)


async def test_role_and_sites_change_and_what_is_not_named_stays(people: PeopleService) -> None:
    await people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, "Olga O.", ["pune"])
    await people.change(SYSTEM, "olga", role=Role.ENGINEER)
    changed = await people.change(SYSTEM, "olga", site_ids=["pune", "graz", "pune"])
    assert (changed.role, changed.site_ids, changed.display_name) == (Role.ENGINEER, ("graz", "pune"), "Olga O.")
    assert await people.all(SYSTEM) == (changed,)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
async def test_the_last_admin_can_be_neither_demoted_nor_deactivated(people: PeopleService, role: Role) -> None:
    await people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    with pytest.raises(ConflictError):
        await people.change(SYSTEM, "ada", role=role)
    with pytest.raises(ConflictError):
        await people.deactivate(SYSTEM, "ada")
    await people.change(SYSTEM, "ada", site_ids=["graz"])


async def test_what_does_not_exist_is_named(people: PeopleService) -> None:
    await people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR)
    with pytest.raises(InvalidInputError, match="There is no site 'mars'; choose from graz, pune"):
        await people.change(SYSTEM, "olga", site_ids=["mars"])
    with pytest.raises(InvalidInputError, match="belongs to devices"):
        await people.change(SYSTEM, "olga", role=Role.SERVICE)
    with pytest.raises(NotFoundError):
        await people.change(SYSTEM, "nobody", role=Role.VIEWER)


async def test_only_admins_administer_people(people: PeopleService) -> None:
    for role in Role:
        if role is Role.ADMIN:
            continue
        somebody = Actor(
            id="x", name="x", role=role, scope=Scope(sites=frozenset({"graz"})), permissions=ROLE_PERMISSIONS[role]
        )
        for attempt in (
            people.all(somebody),
            people.add(somebody, "eve", PASSWORD, Role.ADMIN),
            people.change(somebody, "eve", role=Role.ADMIN),
            people.set_password(somebody, "eve", PASSWORD),
            people.deactivate(somebody, "eve"),
        ):
            with pytest.raises(PermissionDeniedError):
                await attempt
