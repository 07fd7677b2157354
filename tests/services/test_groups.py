"""Groups: what they give holds at once, for open sessions too, and nobody gives what they do not have."""

from pathlib import Path
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Permission, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.services.auth import AuthService
from pdm_app.services.passwords import PasswordHasher
from pdm_app.settings import AuthSettings, Settings
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

PASSWORD = "copper lantern drifts"
ACK, RULES = Permission.ALARMS_ACKNOWLEDGE, Permission.ALARMS_CONFIGURE


@pytest.fixture
async def auth(work: SqlUnitOfWork, clock: HandClock, tmp_path: Path, hasher: PasswordHasher) -> AuthService:
    settings = Settings(data_dir=tmp_path / "data", auth=AuthSettings(mfa_required_roles=()))
    return AuthService(work, clock, settings, hasher)


async def person(auth: AuthService, name: str = "olga", role: Role = Role.VIEWER, **more: Any) -> str:
    return (await auth.people.add(SYSTEM, name, PASSWORD, role, **more)).id


async def signed_in(auth: AuthService, name: str = "olga") -> str:
    return (await auth.sign_in(name, PASSWORD, "192.0.2.7")).session_id


async def test_membership_gives_sites_and_rights_to_an_open_session_and_its_end_takes_them(auth: AuthService) -> None:
    olga = await person(auth, site_ids=["graz"])
    session = await signed_in(auth)
    group = await auth.groups.create(SYSTEM, "Night shift", "", ["pune"], [ACK], [olga])
    actor = await auth.actor_of_session(session)
    assert ACK in actor.permissions
    assert actor.scope.sites == frozenset({"graz", "pune"})
    assert actor.permissions == ROLE_PERMISSIONS[Role.VIEWER] | {ACK}
    await auth.groups.change(SYSTEM, group.id, {"member_ids": ()})
    actor = await auth.actor_of_session(session)
    assert (actor.permissions, actor.scope.sites) == (ROLE_PERMISSIONS[Role.VIEWER], frozenset({"graz"}))


async def test_a_denial_of_a_person_wins_over_the_groups(auth: AuthService) -> None:
    olga = await person(auth)
    await auth.people.change(SYSTEM, "olga", denials=[ACK])
    await auth.groups.create(SYSTEM, "One", permissions=[ACK], member_ids=[olga])
    assert ACK not in (await auth.actor_of_session(await signed_in(auth))).permissions
    told = await auth.users.rights(SYSTEM, olga)
    assert ACK not in told.rights
    await auth.people.change(SYSTEM, "olga", denials=[])
    assert (await auth.users.rights(SYSTEM, olga)).rights[ACK] == (told.groups[0].id,)


async def test_a_deleted_group_gives_nothing_and_a_restored_one_gives_again(auth: AuthService) -> None:
    olga, tom = await person(auth), await person(auth, "tom")
    session = await signed_in(auth)
    group = await auth.groups.create(SYSTEM, "One", permissions=[ACK], member_ids=[olga, tom])
    await auth.groups.delete(SYSTEM, group.id)
    assert ACK not in (await auth.actor_of_session(session)).permissions
    with pytest.raises(NotFoundError, match=r"is deleted\. Restore it first"):
        await auth.groups.change(SYSTEM, group.id, {"description": "x"})
    with pytest.raises(NotFoundError):
        await auth.groups.delete(SYSTEM, group.id)
    assert await auth.groups.all(SYSTEM) == ()
    await auth.people.delete(SYSTEM, "tom")
    restored = await auth.groups.restore(SYSTEM, group.id)
    assert restored.member_ids == (olga,), "who was deleted meanwhile does not come back"
    assert ACK in (await auth.actor_of_session(session)).permissions
    assert await auth.groups.all(SYSTEM) == (restored,)
    with pytest.raises(ConflictError, match="nothing to restore"):
        await auth.groups.restore(SYSTEM, group.id)


async def test_the_name_of_a_deleted_group_is_free_and_it_is_not_restored_over_another(auth: AuthService) -> None:
    first = await auth.groups.create(SYSTEM, "Night shift")
    with pytest.raises(ConflictError, match="Another group is called Night shift"):
        await auth.groups.create(SYSTEM, " night SHIFT ")
    await auth.groups.delete(SYSTEM, first.id)
    await auth.groups.create(SYSTEM, "Night shift")
    with pytest.raises(ConflictError, match="Another group"):
        await auth.groups.restore(SYSTEM, first.id)


async def test_a_stale_change_is_refused_and_loses_nothing(auth: AuthService) -> None:
    group = await auth.groups.create(SYSTEM, "One")
    changed = await auth.groups.change(SYSTEM, group.id, {"description": "first"}, revision=1)
    with pytest.raises(ConflictError, match="Somebody has changed the group One since"):
        await auth.groups.change(SYSTEM, group.id, {"description": "second"}, revision=1)
    assert await auth.groups.by_id(SYSTEM, group.id) == changed
    assert changed.revision == 2


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"name": "   "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"site_ids": ["mars"]}, "There is no site 'mars'"),
        ({"permissions": [Permission.USERS_CONFIGURE]}, "comes with the role admin and with nothing else"),
        ({"member_ids": ["nobody"]}, "'nobody' cannot be a member"),
    ],
)
async def test_what_cannot_be_is_named(auth: AuthService, wanted: dict[str, Any], said: str) -> None:
    group = await auth.groups.create(SYSTEM, "One")
    with pytest.raises(InvalidInputError, match=said):
        await auth.groups.change(SYSTEM, group.id, wanted)
    assert await auth.groups.all(SYSTEM) == (group,)


async def test_a_program_is_no_member(auth: AuthService) -> None:
    robot = (await auth.service_accounts.create(SYSTEM, "mes")).account.id
    with pytest.raises(InvalidInputError, match="mes cannot be a member"):
        await auth.groups.create(SYSTEM, "One", member_ids=[robot])


async def test_nobody_gives_what_they_do_not_have_in_any_way(auth: AuthService) -> None:
    ada, olga = await person(auth, "ada", Role.ADMIN), await person(auth)
    await person(auth, "eve", Role.ADMIN)
    await auth.people.change(SYSTEM, "ada", denials=[RULES])
    group = await auth.groups.create(SYSTEM, "Engineers", permissions=[RULES])
    bare = await auth.groups.create(SYSTEM, "Bare")
    gone = await auth.groups.create(SYSTEM, "Gone", permissions=[RULES], member_ids=[olga])
    await auth.groups.delete(SYSTEM, gone.id)
    await auth.people.add(SYSTEM, "rita", PASSWORD, Role.ENGINEER)
    await auth.people.change(SYSTEM, "rita", denials=[RULES])
    wide = await auth.roles.create(SYSTEM, "Wide", Role.OPERATOR, [RULES])
    narrow = await auth.roles.create(SYSTEM, "Narrow", Role.OPERATOR, [])
    lacking = await auth.actor_of_session(await signed_in(auth, "ada"))
    assert RULES not in lacking.permissions
    attempts = {
        "grant": auth.people.change(lacking, "olga", grants=[RULES]),
        "own denial": auth.people.change(lacking, "ada", denials=[]),
        "another's denial": auth.people.change(lacking, "rita", denials=[]),
        "role": auth.people.change(lacking, "olga", role=Role.ENGINEER),
        "custom role": auth.people.change(lacking, "olga", custom_role_id=wide.id),
        "new person": auth.people.add(lacking, "new", PASSWORD, Role.ENGINEER),
        "invitation": auth.links.invite(lacking, "guest", Role.ADMIN),
        "new group": auth.groups.create(lacking, "Mine", permissions=[RULES]),
        "right of a group": auth.groups.change(lacking, bare.id, {"permissions": [RULES]}),
        "member of a group": auth.groups.change(lacking, group.id, {"member_ids": [ada]}),
        "restored group": auth.groups.restore(lacking, gone.id),
        "new role": auth.roles.create(lacking, "Mine", Role.ENGINEER),
        "right of a role": auth.roles.change(lacking, narrow.id, permissions=[RULES]),
        "program": auth.service_accounts.create(lacking, "mes", permissions=[RULES]),
    }
    for attempt in attempts.values():
        with pytest.raises(PermissionDeniedError, match="nobody gives a right they do not have"):
            await attempt
    await auth.groups.change(lacking, group.id, {"description": "others may be changed"})
    await auth.people.change(lacking, "rita", display_name="Rita")


async def test_who_makes_a_programs_account_lets_it_send_samples(auth: AuthService) -> None:
    await person(auth, "ada", Role.ADMIN)
    admin = await auth.actor_of_session(await signed_in(auth, "ada"))
    assert Permission.SAMPLES_INGEST not in admin.permissions
    made = await auth.service_accounts.create(admin, "mes", permissions=[Permission.SAMPLES_INGEST])
    assert made.account.grants == (Permission.SAMPLES_INGEST,)


async def test_only_those_who_administer_people_see_or_change_groups(auth: AuthService) -> None:
    group = await auth.groups.create(SYSTEM, "One")
    nobody = SYSTEM.model_copy(update={"permissions": frozenset(Permission) - {Permission.USERS_CONFIGURE}})
    for attempt in (
        auth.groups.all(nobody),
        auth.groups.by_id(nobody, group.id),
        auth.groups.create(nobody, "Two"),
        auth.groups.change(nobody, group.id, {"name": "Two"}),
        auth.groups.delete(nobody, group.id),
        auth.groups.restore(nobody, group.id),
        auth.users.rights(nobody, "x"),
    ):
        with pytest.raises(PermissionDeniedError):
            await attempt


async def test_the_trail_tells_who_changed_what_of_a_group_and_why(auth: AuthService, work: SqlUnitOfWork) -> None:
    olga = await person(auth)
    group = await auth.groups.create(SYSTEM, "One", permissions=[ACK])
    await auth.groups.change(SYSTEM, group.id, {"member_ids": [olga]}, reason="she covers for Tom")
    async with work(EVERY_SITE) as transaction:
        entry, made = await transaction.audit.page(AuditQuery(subject="group"))
    assert (entry.action, entry.reason, made.action) == ("groups.changed", "she covers for Tom", "groups.created")
    assert olga in entry.after
    assert "permissions" not in entry.after, "what has not changed is left out"
