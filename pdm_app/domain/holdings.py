"""What a person holds beside the own account: a role made here, groups, and single things shared with them.

Effective rights are those of the role, of the groups and of the person, less what was denied to the person: a denial
wins over everything. Effective sites are those of the person and of the groups.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Permission, Role, Scope, SharedAsset, User, role_rights
from pdm_app.domain.record import Id, Instant, Name, Record, Revision
from pdm_app.domain.samples import Micros

MEMBERS_MAX = 2_000
BASE_ROLES = (Role.VIEWER, Role.OPERATOR, Role.TECHNICIAN, Role.ENGINEER, Role.MANAGER)
"""Roles that others are copied from: an admin's comes with every site, a program's with no page."""

Description = Annotated[str, Field(max_length=500)]


class CustomRole(Record):
    """A role copied from a built-in one with rights of its own; in all else its people are as those of the original."""

    id: Id
    name: Name
    based_on: Role
    permissions: tuple[Permission, ...]
    revision: Revision = 1
    created_at: Instant = 0
    deleted_at: Instant | None = None


class Group(Record):
    """People who belong together: whoever is a member has its sites and its rights."""

    id: Id
    name: Name
    description: Description = ""
    site_ids: tuple[Id, ...] = ()
    permissions: tuple[Permission, ...] = ()
    member_ids: Annotated[tuple[Id, ...], Field(max_length=MEMBERS_MAX)] = ()
    revision: Revision = 1
    created_at: Instant = 0
    deleted_at: Instant | None = Field(default=None, description="It gives nothing any more, and can be restored.")


class ShareAccess(StrEnum):
    """What somebody may do with what is shared; the rights for it are still needed."""

    READ = "read"
    CHANGE = "change"


class ShareKind(StrEnum):
    """What can be shared singly."""

    ASSET = "asset"


class Share(Record):
    """One thing shown to a person or a group that need not belong to its site."""

    id: Id
    kind: ShareKind
    resource_id: Id
    site_id: Id = Field(description="Site of the thing; who shares belongs to it.")
    user_id: Id | None = None
    group_id: Id | None = None
    access: ShareAccess = ShareAccess.READ
    until: Instant | None = Field(default=None, description="It ends by itself; None for until it is revoked.")
    created_at: Instant = 0
    created_by: Name
    revoked_at: Instant | None = None
    revoked_by: str = Field(default="", max_length=120)

    def holds_at(self, now: Micros) -> bool:
        """Whether it is in force."""
        return self.revoked_at is None and (self.until is None or now < self.until)


class Holdings(Record):
    """Everything beside the own account that decides what one person may do and see."""

    role: CustomRole | None = None
    groups: tuple[Group, ...] = ()
    shares: tuple[Share, ...] = ()

    def changes_after(self, now: Micros) -> Micros | None:
        """Return when the next share ends by itself; None if none will."""
        ends = [share.until for share in self.shares if share.until is not None and share.holds_at(now)]
        return Micros(min(ends)) if ends else None


NOTHING_MORE = Holdings()


def rights_of_role(user: User, holdings: Holdings) -> frozenset[Permission]:
    """Return the rights that come with a person's role; none where the role made here is not to be had."""
    if user.custom_role_id is None or holdings.role is None:
        return role_rights(user)
    return frozenset(holdings.role.permissions)


def sources_of(user: User, holdings: Holdings) -> Mapping[Permission, tuple[str, ...]]:
    """Return where each right comes from: ``role``, ``own`` or the id of a group; denied ones come from nowhere."""
    found: dict[Permission, list[str]] = {}
    given: list[tuple[str, Sequence[Permission] | frozenset[Permission]]] = [("role", rights_of_role(user, holdings))]
    given += [(group.id, group.permissions) for group in holdings.groups if group.deleted_at is None]
    given.append(("own", user.grants))
    for source, rights in given:
        for right in rights:
            found.setdefault(right, []).append(source)
    return {right: tuple(found[right]) for right in Permission if right in found and right not in user.denials}


def permissions_of(user: User, holdings: Holdings) -> frozenset[Permission]:
    """Return the effective rights of a person."""
    return frozenset(sources_of(user, holdings))


def scope_of(user: User, holdings: Holdings, now: Micros) -> Scope:
    """Return what a person may see at a moment: sites, and single machines beside them."""
    if user.role is Role.ADMIN:
        return EVERY_SITE
    groups = [group for group in holdings.groups if group.deleted_at is None]
    sites = frozenset(user.site_ids).union(*(group.site_ids for group in groups))
    shared: dict[str, SharedAsset] = {}
    for share in holdings.shares:
        if share.holds_at(now) and share.site_id not in sites:
            may_change = share.access is ShareAccess.CHANGE
            known = shared.get(share.resource_id)
            if known is None or may_change:
                shared[share.resource_id] = SharedAsset(
                    asset_id=share.resource_id, site_id=share.site_id, may_change=may_change
                )
    return Scope(sites=sites, shared=frozenset(shared.values()))


class Groups(Protocol):
    """Groups of people. A scope of some sites sees and changes none: a group may reach over all sites."""

    async def all(self) -> Sequence[Group]:
        """Return all, deleted ones too, by name."""
        ...

    async def get(self, group_id: str) -> Group | None: ...
    async def put(self, group: Group) -> None:
        """Store a group.

        Raises:
            ConflictError: Another one, not deleted, has this name.
        """
        ...

    async def of_user(self, user_id: str) -> Sequence[Group]:
        """Return the groups, not deleted, that somebody is a member of."""
        ...

    async def forget_user(self, user_id: str) -> None:
        """End somebody's memberships."""
        ...


class Roles(Protocol):
    """Roles made here. A scope of some sites sees and changes none."""

    async def all(self) -> Sequence[CustomRole]:
        """Return those that were not deleted, by name."""
        ...

    async def get(self, role_id: str) -> CustomRole | None: ...
    async def put(self, role: CustomRole) -> None:
        """Store a role.

        Raises:
            ConflictError: Another one, not deleted, has this name.
        """
        ...


class Shares(Protocol):
    """What is shared singly. A scope of some sites sees and changes the shares of what stands in them."""

    async def of(self, kind: ShareKind, resource_id: str) -> Sequence[Share]:
        """Return the shares of one thing, ended ones too, the newest first."""
        ...

    async def get(self, share_id: str) -> Share | None: ...
    async def put(self, share: Share) -> None:
        """Store a share.

        Raises:
            NotFoundError: Its site is not in scope.
        """
        ...

    async def reaching(self, user_id: str, group_ids: Sequence[str]) -> Sequence[Share]:
        """Return the shares with somebody, or with one of these groups, that were not revoked."""
        ...

    async def revoke_of_user(self, user_id: str, by: str, at: Micros) -> None: ...
