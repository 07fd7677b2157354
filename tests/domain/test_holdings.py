"""What a person may do and see in the end: role, groups, own rights and denials, sites, and what is shared singly."""

from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, Permission, Role, Scope, SharedAsset, User
from pdm_app.domain.holdings import (
    BASE_ROLES,
    CustomRole,
    Group,
    Holdings,
    Share,
    ShareAccess,
    ShareKind,
    permissions_of,
    scope_of,
    sources_of,
)
from pdm_app.domain.samples import Micros

NOON = Micros(1_800_000_000_000_000)

rights = st.sets(st.sampled_from(sorted(Permission))).map(lambda chosen: tuple(sorted(chosen)))
sites = st.sets(st.sampled_from(["graz", "pune", "linz"])).map(lambda chosen: tuple(sorted(chosen)))


@st.composite
def people(draw: st.DrawFn) -> tuple[User, Holdings]:
    custom = None
    role = draw(st.sampled_from([role for role in Role if role is not Role.SERVICE]))
    if role in BASE_ROLES and draw(st.booleans()):
        custom = CustomRole(id="role-1", name="Night shift", based_on=role, permissions=draw(rights))
    user = User(id="u-1", username="olga", display_name="Olga", role=role, site_ids=draw(sites), grants=draw(rights),
                denials=draw(rights), custom_role_id=custom.id if custom else None)  # fmt: skip
    groups = tuple(
        Group(
            id=f"g-{number}",
            name=f"Group {number}",
            site_ids=draw(sites),
            permissions=draw(rights),
            member_ids=("u-1",),
            deleted_at=draw(st.sampled_from([None, 1])),
        )
        for number in range(draw(st.integers(0, 3)))
    )
    return user, Holdings(role=custom, groups=groups)


def live(held: Holdings) -> list[Group]:
    return [group for group in held.groups if group.deleted_at is None]


@given(people())
def test_rights_are_those_of_role_groups_and_person_less_what_was_denied(person: tuple[User, Holdings]) -> None:
    user, held = person
    of_role = set(held.role.permissions) if held.role else set(ROLE_PERMISSIONS[user.role])
    for right in Permission:
        is_given = right in of_role or right in user.grants or any(right in group.permissions for group in live(held))
        assert (right in permissions_of(user, held)) == (is_given and right not in user.denials)


@given(people(), rights)
def test_a_denial_wins_whatever_else_is_given(person: tuple[User, Holdings], more: tuple[Permission, ...]) -> None:
    user, held = person
    generous = Group(id="g-all", name="All", permissions=more, member_ids=("u-1",))
    raised = user.model_copy(update={"grants": (*user.grants, *more)})
    found = permissions_of(raised, held.model_copy(update={"groups": (*held.groups, generous)}))
    assert not found & set(user.denials)
    assert found == permissions_of(user, held) | (set(more) - set(user.denials)), "and nothing else is gained or lost"


@given(people())
def test_every_right_names_exactly_where_it_comes_from(person: tuple[User, Holdings]) -> None:
    user, held = person
    for right, sources in sources_of(user, held).items():
        without = held.model_copy(
            update={
                "groups": tuple(group for group in held.groups if group.id not in sources),
                "role": held.role.model_copy(update={"permissions": ()})
                if held.role and "role" in sources
                else held.role,
            }
        )
        alone = user.model_copy(update={"grants": () if "own" in sources else user.grants})
        is_left = right in permissions_of(alone, without)
        assert is_left == ("role" in sources and held.role is None), "taking every source away takes the right away"


@given(people())
def test_the_sites_are_those_of_the_person_and_of_the_groups(person: tuple[User, Holdings]) -> None:
    user, held = person
    scope = scope_of(user, held, NOON)
    if user.role is Role.ADMIN:
        assert scope == EVERY_SITE
    else:
        assert scope == Scope(sites=frozenset(user.site_ids).union(*(group.site_ids for group in live(held))))


def test_a_role_that_is_not_to_be_had_gives_nothing() -> None:
    user = User(id="u", username="u", display_name="U", role=Role.ENGINEER, custom_role_id="gone",
                grants=(Permission.ALARMS_READ,))  # fmt: skip
    assert permissions_of(user, Holdings()) == {Permission.ALARMS_READ}


# --- things shared singly ----------------------------------------------------------------------------------------


def share(asset_id: str, **more: object) -> Share:
    return Share.model_validate(
        {"id": f"s-{asset_id}-{len(more)}", "kind": ShareKind.ASSET, "resource_id": asset_id, "site_id": "pune",
         "created_by": "ada", "user_id": "u", **more}
    )  # fmt: skip


OLGA = User(id="u", username="olga", display_name="Olga", role=Role.ENGINEER, site_ids=("graz",))


def test_a_share_shows_one_machine_until_it_ends_or_is_revoked() -> None:
    held = Holdings(shares=(share("p-1", until=NOON + 5), share("p-2", revoked_at=1), share("p-3", until=NOON)))
    assert scope_of(OLGA, held, NOON).shared == {SharedAsset(asset_id="p-1", site_id="pune")}
    assert held.changes_after(NOON) == NOON + 5
    later = scope_of(OLGA, held, Micros(NOON + 5))
    assert later == Scope(sites=frozenset({"graz"}))
    assert held.changes_after(Micros(NOON + 5)) is None


def test_of_two_shares_the_wider_one_counts_and_at_the_own_site_none_is_needed() -> None:
    both = Holdings(shares=(share("p-1"), share("p-1", access=ShareAccess.CHANGE), share("c-1", site_id="graz")))
    for held in (both, both.model_copy(update={"shares": both.shares[::-1]})):
        assert scope_of(OLGA, held, NOON).shared == {SharedAsset(asset_id="p-1", site_id="pune", may_change=True)}


def test_a_scope_shows_its_sites_and_what_is_shared_and_lets_change_less() -> None:
    scope = Scope(
        sites=frozenset({"graz"}),
        shared=frozenset(
            {
                SharedAsset(asset_id="read", site_id="pune"),
                SharedAsset(asset_id="change", site_id="pune", may_change=True),
            }
        ),
    )
    seen = {asset: (scope.shows("pune", asset), scope.may_change("pune", asset)) for asset in ("read", "change", "x")}
    assert seen == {"read": (True, False), "change": (True, True), "x": (False, False)}
    assert scope.shows("graz", "any")
    assert scope.may_change("graz", "any")
    assert not scope.covers("pune")
