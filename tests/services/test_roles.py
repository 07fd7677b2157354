"""Roles made here: copies with rights of their own, which their people have at once."""

from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Permission, Role
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.settings import AuthSettings, Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
ACK = Permission.ALARMS_ACKNOWLEDGE


@pytest.fixture
async def auth(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    settings = Settings(data_dir=tmp_path / "data", auth=AuthSettings(mfa_required_roles=()))
    return AuthService(work, clock, settings, hasher)


async def test_a_copy_begins_with_the_rights_of_what_it_was_copied_from(auth: AuthService) -> None:
    role = await auth.roles.create(SYSTEM, "Shift lead", Role.OPERATOR)
    assert set(role.permissions) == ROLE_PERMISSIONS[Role.OPERATOR]
    table = await auth.roles.table(SYSTEM)
    assert table.custom == (role,)
    assert {each.role: frozenset(each.permissions) for each in table.built_in} == ROLE_PERMISSIONS


async def test_its_people_have_exactly_its_rights_and_lose_them_at_once(auth: AuthService) -> None:
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.VIEWER, site_ids=["graz"])
    role = await auth.roles.create(SYSTEM, "Shift lead", Role.OPERATOR)
    changed = await auth.people.change(SYSTEM, "olga", custom_role_id=role.id)
    assert (changed.role, changed.custom_role_id) == (Role.OPERATOR, role.id)
    session = (await auth.sign_in("olga", PASSWORD, "192.0.2.7")).session_id
    assert (await auth.actor_of_session(session)).permissions == ROLE_PERMISSIONS[Role.OPERATOR]
    await auth.roles.change(SYSTEM, role.id, permissions=[Permission.ALARMS_READ], reason="less is more")
    actor = await auth.actor_of_session(session)
    assert (actor.permissions, actor.role) == (frozenset({Permission.ALARMS_READ}), Role.OPERATOR)
    back = await auth.people.change(SYSTEM, "olga", role=Role.OPERATOR)
    assert back.custom_role_id is None, "a built-in role ends the one made here"
    assert (await auth.actor_of_session(session)).permissions == ROLE_PERMISSIONS[Role.OPERATOR]


async def test_a_role_that_somebody_has_is_not_deleted(auth: AuthService) -> None:
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.VIEWER)
    role = await auth.roles.create(SYSTEM, "Shift lead", Role.OPERATOR)
    await auth.people.change(SYSTEM, "olga", custom_role_id=role.id)
    with pytest.raises(ConflictError, match="1 people have the role Shift lead"):
        await auth.roles.delete(SYSTEM, role.id)
    await auth.people.delete(SYSTEM, "olga")
    await auth.roles.delete(SYSTEM, role.id)
    assert (await auth.roles.table(SYSTEM)).custom == ()
    with pytest.raises(NotFoundError):
        await auth.roles.change(SYSTEM, role.id, name="x")
    await auth.roles.create(SYSTEM, "Shift lead", Role.VIEWER)


async def test_what_cannot_be_is_named(auth: AuthService) -> None:
    role = await auth.roles.create(SYSTEM, "Shift lead", Role.OPERATOR)
    for based_on in (Role.ADMIN, Role.SERVICE):
        with pytest.raises(InvalidInputError, match="cannot be copied; choose from viewer"):
            await auth.roles.create(SYSTEM, "Mine", based_on)
    with pytest.raises(InvalidInputError, match="comes with the role admin"):
        await auth.roles.change(SYSTEM, role.id, permissions=[Permission.USERS_CONFIGURE])
    for name in ("shift LEAD", "Admin"):
        with pytest.raises(ConflictError, match="Choose another name"):
            await auth.roles.create(SYSTEM, name, Role.VIEWER)
    with pytest.raises(InvalidInputError, match="name"):
        await auth.roles.create(SYSTEM, "  ", Role.VIEWER)
    with pytest.raises(ConflictError, match="Somebody has changed the role"):
        await auth.roles.change(SYSTEM, role.id, name="x", revision=7)
    await auth.people.add(SYSTEM, "olga", PASSWORD, Role.VIEWER)
    with pytest.raises(InvalidInputError, match="There is no role 'x' for olga"):
        await auth.people.change(SYSTEM, "olga", custom_role_id="x")
    with pytest.raises(InvalidInputError, match="was copied from operator, not from manager"):
        await auth.people.change(SYSTEM, "olga", custom_role_id=role.id, role=Role.MANAGER)
    await auth.service_accounts.create(SYSTEM, "mes")
    with pytest.raises(InvalidInputError, match="a program has rights of its own"):
        await auth.people.change(SYSTEM, "mes", custom_role_id=role.id)


async def test_the_last_admin_keeps_the_role_admin(auth: AuthService) -> None:
    await auth.people.add(SYSTEM, "ada", PASSWORD, Role.ADMIN)
    role = await auth.roles.create(SYSTEM, "Shift lead", Role.OPERATOR)
    with pytest.raises(ConflictError, match="last active admin"):
        await auth.people.change(SYSTEM, "ada", custom_role_id=role.id)


async def test_only_those_who_administer_people_change_roles(auth: AuthService, work: SqlUnitOfWork) -> None:
    role = await auth.roles.create(SYSTEM, "Shift lead", Role.OPERATOR)
    nobody = SYSTEM.model_copy(update={"permissions": frozenset(Permission) - {Permission.USERS_CONFIGURE}})
    for attempt in (
        auth.roles.create(nobody, "Two", Role.VIEWER),
        auth.roles.change(nobody, role.id, name="Two"),
        auth.roles.delete(nobody, role.id),
    ):
        with pytest.raises(PermissionDeniedError):
            await attempt
    async with work(EVERY_SITE) as transaction:
        assert await transaction.roles.get(role.id) == role
