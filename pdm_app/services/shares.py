"""Showing single things to people, or groups, that need not belong to their site.

Somebody of the site shares; whoever it is shared with sees that one thing and what is part of it, and where it stands,
and nothing else of the site. The rights of the person stay what they are: sharing moves the borders of the sites only.
"""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from pdm_app.domain.access import EVERY_SITE, Actor, Permission, Role, Scope
from pdm_app.domain.assets import Asset, Site
from pdm_app.domain.errors import (
    ConflictError,
    FieldIssue,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
)
from pdm_app.domain.holdings import Group, Share, ShareAccess, ShareKind
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.record import Instant, Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.services.people import normal_username

SHARES_MAX = 200  # Of one thing, at a time.
RIGHTS = {ShareKind.ASSET: (Permission.ASSETS_SHARE, Permission.ASSETS_CONFIGURE)}
"""By kind: the right to share it, and the right without which nobody lets others change it."""

ShareState = Literal["active", "ended", "revoked"]


class ShareView(Record):
    """A share with the name of whom it is with."""

    share: Share
    with_name: str = Field(description="Username, or name of the group; empty for one that is gone.")
    state: ShareState


class SharedWithMe(Record):
    """A machine of another site that was shared with the caller."""

    asset: Asset
    site: Site
    may_change: bool
    until: Instant | None


class ShareService:
    """Makes, lists and ends shares; ``forget`` is told of everybody who sees more or less from now on."""

    def __init__(self, work: UnitOfWork, clock: Clock, forget: Callable[[str], None] = lambda _user_id: None) -> None:
        self._work = work
        self._clock = clock
        self._forget = forget

    async def of(self, actor: Actor, kind: ShareKind, resource_id: str) -> tuple[ShareView, ...]:
        """Return the shares of one thing, those in force first, then ended ones, the newest first.

        Raises:
            NotFoundError: The thing does not exist or stands outside the actor's sites.
        """
        actor.require(RIGHTS[kind][0])
        async with self._work(actor.scope) as work:
            await _resource(work, actor, kind, resource_id)
            shares = await work.shares.of(kind, resource_id)
        async with self._work(EVERY_SITE) as work:
            people = {user.id: user.username for user in await work.users.all()}
            groups = {group.id: group.name for group in await work.groups.all()}
        now = self._clock.now()
        views = [
            ShareView(
                share=share,
                with_name=people.get(share.user_id or "", "") or groups.get(share.group_id or "", ""),
                state=_state(share, now),
            )
            for share in shares
        ]
        return tuple(sorted(views, key=lambda view: view.state != "active"))

    async def create(
        self,
        actor: Actor,
        kind: ShareKind,
        resource_id: str,
        *,
        username: str | None = None,
        group: str | None = None,
        access: ShareAccess = ShareAccess.READ,
        until: int | None = None,
    ) -> Share:
        """Share one thing with a person or a group; whoever has a share of it gets this one instead.

        Raises:
            NotFoundError: The thing does not exist or stands outside the actor's sites.
            InvalidInputError: There is no such person or group, or the end has passed; names the field.
            PermissionDeniedError: It is shared for changing by somebody who may not change it.
            ConflictError: It is shared with too many already.
        """
        to_share, to_change = RIGHTS[kind]
        actor.require(to_share)
        if access is ShareAccess.CHANGE and to_change not in actor.permissions:
            raise PermissionDeniedError(
                f"{actor.name} cannot share for changing what {actor.name} may not change: {to_change} is missing. "
                "Share it for reading.",
                permission=str(to_change),
                role=str(actor.role),
            )
        now = self._clock.now()
        if until is not None and until <= now:
            fix = "choose a time to come, or none"
            raise InvalidInputError(
                f"The end of the share has passed; {fix}.", [FieldIssue("until", "has passed", fix)]
            )
        async with self._work(actor.scope) as work:
            asset = await _resource(work, actor, kind, resource_id)
        user_id, found = await self._grantee(username, group)
        async with self._work(actor.scope) as work:
            asset = await _resource(work, actor, kind, resource_id)
            group_id = found.id if found is not None else None
            standing = [share for share in await work.shares.of(kind, resource_id) if share.holds_at(now)]
            before = next((one for one in standing if (one.user_id, one.group_id) == (user_id, group_id)), None)
            if before is None and len(standing) >= SHARES_MAX:
                raise ConflictError(f"{asset.code} is shared with {SHARES_MAX} already. Revoke one that is not used.")
            share = Share(
                id=before.id if before else new_id(now),
                kind=kind,
                resource_id=resource_id,
                site_id=asset.site_id,
                user_id=user_id,
                group_id=group_id,
                access=access,
                until=until,
                created_at=int(now),
                created_by=actor.name,
            )
            await work.shares.put(share)
            await _record(work, actor, now, "shares.created", asset, before, share)
            await work.commit()
        self._tell(user_id, found)
        return share

    async def revoke(self, actor: Actor, share_id: str) -> Share:
        """End a share at once; one that was revoked before stays as it is.

        Raises:
            NotFoundError: It does not exist, or its thing stands outside the actor's sites.
        """
        actor.require(RIGHTS[ShareKind.ASSET][0])
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await work.shares.get(share_id)
            if before is None:
                raise NotFoundError(f"There is no share {share_id!r}.", share_id=share_id)
            if before.revoked_at is not None:
                return before
            asset = await work.plant.get(Asset, before.resource_id)
            share = before.model_copy(update={"revoked_at": int(now), "revoked_by": actor.name[:120]})
            await work.shares.put(share)
            await _record(work, actor, now, "shares.revoked", asset, before, share)
            await work.commit()
        async with self._work(EVERY_SITE) as work:
            group = await work.groups.get(share.group_id) if share.group_id is not None else None
        self._tell(share.user_id, group)
        return share

    async def mine(self, actor: Actor) -> tuple[SharedWithMe, ...]:
        """Return the machines of other sites that are shared with the actor, by code."""
        actor.require(Permission.ASSETS_READ)
        if not actor.scope.shared:
            return ()
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            assets = [asset for asset in await work.assets.all() if not actor.scope.covers(asset.site_id)]
        async with self._work(Scope(sites=frozenset(asset.site_id for asset in assets))) as work:
            sites = {site.id: site for site in await work.sites.all()}
        async with self._work(EVERY_SITE) as work:
            group_ids = [group.id for group in await work.groups.of_user(actor.id)]
            shares = [share for share in await work.shares.reaching(actor.id, group_ids) if share.holds_at(now)]
        entrusted = actor.scope.entrusted
        return tuple(
            SharedWithMe(
                asset=asset,
                site=sites[asset.site_id],
                may_change=asset.id in entrusted,
                until=_end([share for share in shares if share.resource_id == asset.id]),
            )
            for asset in sorted(assets, key=lambda asset: asset.code)
        )

    async def _grantee(self, username: str | None, group: str | None) -> tuple[str | None, Group | None]:
        if (username is None) == (group is None):
            fix = "send username or group"
            raise InvalidInputError(
                f"A thing is shared with one person or one group; {fix}.", [FieldIssue("username", "is unclear", fix)]
            )
        async with self._work(EVERY_SITE) as work:
            if group is not None:
                wanted = group.strip().casefold()
                for found in await work.groups.all():
                    if found.deleted_at is None and found.name.casefold() == wanted:
                        return None, found
                fix = "write its name as an admin made it"
                raise InvalidInputError(
                    f"There is no group {group!r}; {fix}.", [FieldIssue("group", "names no group", fix)]
                )
            user = await work.users.by_username(normal_username(username or ""))
        if user is None or user.deleted_at is not None or not user.is_active or user.role is Role.SERVICE:
            fix = "write the name with which they sign in"
            raise InvalidInputError(
                f"There is nobody called {username!r}; {fix}.", [FieldIssue("username", "names nobody", fix)]
            )
        return user.id, None

    def _tell(self, user_id: str | None, group: Group | None) -> None:
        for each in [user_id] if user_id is not None else group.member_ids if group is not None else ():
            self._forget(each)


async def _resource(work: Work, actor: Actor, kind: ShareKind, resource_id: str) -> Asset:
    """Return what is shared; something shared with the actor is not theirs to share on."""
    asset = await work.plant.get(Asset, resource_id)
    if asset is None or not actor.scope.covers(asset.site_id):
        raise NotFoundError(f"There is no {kind} {resource_id!r}.", resource_id=resource_id)
    return asset


def _state(share: Share, now: Micros) -> ShareState:
    if share.revoked_at is not None:
        return "revoked"
    return "active" if share.holds_at(now) else "ended"


def _end(shares: list[Share]) -> int | None:
    """Return when the last of some shares ends; None for never."""
    ends = [share.until for share in shares]
    return None if None in ends or not ends else max(end for end in ends if end is not None)


async def _record(
    work: Work, actor: Actor, at: Micros, action: str, asset: Asset | None, before: Share | None, after: Share
) -> None:
    await audit(
        work,
        actor,
        at,
        action,
        subject=str(after.kind),
        subject_id=after.resource_id,
        name=asset.code if asset is not None else after.resource_id,
        site_id=after.site_id,
        before=before,
        after=after,
    )
