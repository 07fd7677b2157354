"""Adding and changing people."""

import asyncio

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Actor, Permission, Role, Scope, actor_of
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


# --- the end of an account, and rights of one person -----------------------------------------------------------------


async def test_a_deleted_person_leaves_a_name_and_nothing_to_enter_with(
    people: PeopleService, work: SqlUnitOfWork
) -> None:
    olga = await people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR, "Olga O.", ["pune"])
    gone = await people.delete(SYSTEM, "olga")
    assert (gone.display_name, gone.site_ids, gone.is_active) == ("Olga O.", (), False)
    assert gone.deleted_at is not None
    assert await people.all(SYSTEM) == ()
    assert await people.by_id(SYSTEM, olga.id) == gone
    async with work(EVERY_SITE) as transaction:
        assert await transaction.users.password_hash(olga.id) is None
        assert await transaction.users.sessions(olga.id) == []
        trail = await transaction.audit.after(None, 100)
    assert [(entry.action, entry.name) for entry in trail] == [("users.created", "olga"), ("users.deleted", "olga")]
    for attempt in (
        people.change(SYSTEM, "olga", is_active=True),
        people.set_password(SYSTEM, "olga", PASSWORD),
        people.delete(SYSTEM, "olga"),
        people.reset_mfa(SYSTEM, "olga"),
    ):
        with pytest.raises(NotFoundError):
            await attempt


async def test_the_name_of_a_deleted_person_is_nobody_elses(people: PeopleService) -> None:
    await people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR)
    await people.delete(SYSTEM, "olga")
    with pytest.raises(ConflictError, match="belonged to somebody who is deleted, and journals name them"):
        await people.add(SYSTEM, "olga", PASSWORD, Role.ADMIN)


async def test_the_last_admin_cannot_be_deleted(people: PeopleService) -> None:
    await people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    await people.add(SYSTEM, "eve", PASSWORD, Role.ADMIN)
    await people.deactivate(SYSTEM, "eve")
    with pytest.raises(ConflictError, match="last active admin"):
        await people.delete(SYSTEM, "ada")
    await people.change(SYSTEM, "eve", is_active=True)
    await people.delete(SYSTEM, "ada")


async def test_two_admins_who_end_each_other_at_once_leave_one(people: PeopleService) -> None:
    await people.add(SYSTEM, "first", PASSWORD, Role.ADMIN)
    left = "first"
    for round_ in range(5):
        other = f"other{round_}"
        await people.add(SYSTEM, other, PASSWORD, Role.ADMIN)
        outcomes = await asyncio.gather(
            people.deactivate(SYSTEM, left), people.change(SYSTEM, other, role=Role.VIEWER), return_exceptions=True
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConflictError", "User"]
        (admin,) = [user for user in await people.all(SYSTEM) if user.role is Role.ADMIN and user.is_active]
        left = admin.username


async def test_rights_of_one_person_stand_beside_those_of_the_role(people: PeopleService) -> None:
    await people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR)
    changed = await people.change(
        SYSTEM, "olga", grants=[Permission.CONNECTIONS_CONFIGURE], denials=[Permission.ALARMS_ACKNOWLEDGE]
    )
    of_role = ROLE_PERMISSIONS[Role.OPERATOR]
    assert actor_of(changed).permissions == of_role - {Permission.ALARMS_ACKNOWLEDGE} | {
        Permission.CONNECTIONS_CONFIGURE
    }
    assert await people.all(SYSTEM) == (changed,)
    assert actor_of(await people.change(SYSTEM, "olga", grants=(), denials=())).permissions == of_role


async def test_administering_people_can_be_neither_given_nor_taken_alone(people: PeopleService) -> None:
    await people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    await people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR)
    with pytest.raises(InvalidInputError, match="comes with the role admin and with nothing else"):
        await people.change(SYSTEM, "olga", grants=[Permission.USERS_CONFIGURE])
    with pytest.raises(InvalidInputError):
        await people.change(SYSTEM, "ada", denials=[Permission.USERS_CONFIGURE])


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
async def test_a_name_that_cannot_be_shown_is_refused(people: PeopleService, name: str) -> None:
    await people.add(SYSTEM, "olga", PASSWORD, Role.OPERATOR)
    with pytest.raises(InvalidInputError, match="write 1 to 120 characters"):
        await people.change(SYSTEM, "olga", display_name=name)


async def test_text_that_means_something_elsewhere_is_only_text_here(people: PeopleService) -> None:
    for number, name in enumerate(("<script>alert(1)</script>", "'; DROP TABLE users; --", "${jndi:x}", "\u202eevil")):
        await people.add(SYSTEM, f"person{number}", PASSWORD, Role.VIEWER, name)
    assert [user.display_name for user in await people.all(SYSTEM)][1] == "'; DROP TABLE users; --"
    with pytest.raises(InvalidInputError, match="username cannot be used"):
        await people.add(SYSTEM, "x' OR '1'='1", PASSWORD, Role.ADMIN)
