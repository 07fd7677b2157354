"""Views of the trend workspace: kept, copied, shown to a site or a group, and one of them seen first.

A view is an address under a name and holds no value of any signal, so whoever is signed in may keep some. Showing one
to others needs the right to share.
"""

from typing import Any

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.domain.views import VIEWS_MAX, Audience, Circle, View
from pdm_app.services.auditing import audit

COPIES_MAX = 100  # Of one name, before somebody has to think of another.
NAME_MAX = 120


class ViewService:
    """Keeps views; only their owner changes them, whoever finds one may copy it."""

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def all(self, actor: Actor) -> tuple[View, ...]:
        """Return the actor's own views and those shown to the actor's sites and groups, by name."""
        group_ids = await self._groups(actor)
        async with self._work(actor.scope) as work:
            return tuple(await work.views.found_by(actor.id, group_ids))

    async def audience(self, actor: Actor) -> Audience:
        """Return the sites and groups that the actor may show a view to."""
        if Permission.ASSETS_SHARE not in actor.permissions:
            return Audience()
        async with self._work(actor.scope) as work:
            sites = tuple(Circle(id=site.id, name=site.name) for site in await work.sites.all())
        async with self._work(EVERY_SITE) as work:
            groups = tuple(Circle(id=group.id, name=group.name) for group in await work.groups.of_user(actor.id))
        return Audience(sites=sites, groups=groups)

    async def create(self, actor: Actor, name: str, address: str, *, is_default: bool = False) -> View:
        """Keep a view that nobody else finds.

        Raises:
            ConflictError: The actor has one of this name, or too many.
        """
        now = self._clock.now()
        view = View(
            id=new_id(now), owner_id=actor.id, owner=actor.name, name=name, address=address, is_default=is_default,
            created_at=int(now), changed_at=int(now),
        )  # fmt: skip
        return await self._add(actor, view, now)

    async def copy(self, actor: Actor, view_id: str, name: str | None = None) -> View:
        """Keep a view that the actor finds as an own one, shown to nobody else.

        Raises:
            NotFoundError: The actor finds no such view.
            ConflictError: The actor has one of this name, or too many.
        """
        now = self._clock.now()
        group_ids = await self._groups(actor)
        async with self._work(actor.scope) as work:
            views = await work.views.found_by(actor.id, group_ids)
        found = next((view for view in views if view.id == view_id), None)
        if found is None:
            raise NotFoundError(f"There is no view {view_id!r}.", view_id=view_id)
        taken = {view.name for view in views if view.owner_id == actor.id}
        mine = {
            "id": new_id(now), "owner_id": actor.id, "owner": actor.name, "name": name or _free(found.name, taken),
            "site_id": None, "group_id": None, "is_default": False, "revision": 1,
            "created_at": int(now), "changed_at": int(now),
        }  # fmt: skip
        return await self._add(actor, found.model_copy(update=mine), now)

    async def change(self, actor: Actor, view_id: str, wanted: dict[str, Any], revision: int | None = None) -> View:
        """Change the fields given of an own view: name, address, is_default.

        Raises:
            NotFoundError: The actor has no such view, or it is deleted.
            ConflictError: It was changed since, or the actor has another one of this name.
        """
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _own(work, actor, view_id)
            _check_is_there(before)
            if revision is not None and revision != before.revision:
                raise ConflictError(
                    f"The view {before.name!r} was changed since. Read it again and repeat your change.",
                    view_id=view_id,
                    revision=before.revision,
                )
            return await _store(work, actor, now, "views.changed", before, _changed(before, now, wanted))

    async def show(self, actor: Actor, view_id: str, site_id: str | None = None, group_id: str | None = None) -> View:
        """Show an own view to everybody of a site, or of a group, or with neither to nobody any more.

        Raises:
            NotFoundError: The actor has no such view, or is not in the site or group.
            PermissionDeniedError: The actor may not share.
        """
        actor.require(Permission.ASSETS_SHARE)
        group_ids = await self._groups(actor)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            if site_id is not None and site_id not in {site.id for site in await work.sites.all()}:
                raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)
            if group_id is not None and group_id not in group_ids:
                raise NotFoundError(f"There is no group {group_id!r} of yours.", group_id=group_id)
            before = await _own(work, actor, view_id)
            _check_is_there(before)
            wanted = {"site_id": site_id, "group_id": group_id}
            return await _store(work, actor, now, "views.shown", before, _changed(before, now, wanted))

    async def delete(self, actor: Actor, view_id: str) -> View:
        """Delete an own view; it can be restored.

        Raises:
            NotFoundError: The actor has no such view.
        """
        return await self._mark(actor, view_id, "views.deleted", deleted=True)

    async def restore(self, actor: Actor, view_id: str) -> View:
        """Bring an own view back.

        Raises:
            NotFoundError: The actor has no such view.
            ConflictError: Another one has its name by now, or there are too many.
        """
        return await self._mark(actor, view_id, "views.restored", deleted=False)

    async def _mark(self, actor: Actor, view_id: str, action: str, *, deleted: bool) -> View:
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _own(work, actor, view_id)
            if (before.deleted_at is not None) == deleted:
                return before
            if not deleted:
                await _leave_room(work, actor)
            wanted = {"deleted_at": int(now) if deleted else None, "is_default": False}
            return await _store(work, actor, now, action, before, _changed(before, now, wanted))

    async def _add(self, actor: Actor, view: View, now: Micros) -> View:
        async with self._work(actor.scope) as work:
            await _leave_room(work, actor)
            return await _store(work, actor, now, "views.created", None, view)

    async def _groups(self, actor: Actor) -> tuple[str, ...]:
        async with self._work(EVERY_SITE) as work:
            return tuple(group.id for group in await work.groups.of_user(actor.id))


def _changed(before: View, now: Micros, wanted: dict[str, Any]) -> View:
    fields = {**before.model_dump(), **wanted, "revision": before.revision + 1, "changed_at": int(now)}
    return View.model_validate(fields)


async def _own(work: Work, actor: Actor, view_id: str) -> View:
    view = await work.views.own(view_id, actor.id)
    if view is None:
        raise NotFoundError(
            f"You have no view {view_id!r}. Copy the one that is shown to you and change your copy.", view_id=view_id
        )
    return view


def _check_is_there(view: View) -> None:
    if view.deleted_at is not None:
        raise NotFoundError(f"The view {view.name!r} is deleted. Restore it first.", view_id=view.id)


async def _leave_room(work: Work, actor: Actor) -> None:
    own = [view for view in await work.views.found_by(actor.id, ()) if view.owner_id == actor.id]
    if len(own) >= VIEWS_MAX:
        raise ConflictError(f"{actor.name} keeps {VIEWS_MAX} views already. Delete one that is not used.")


async def _store(work: Work, actor: Actor, now: Micros, action: str, before: View | None, after: View) -> View:
    await work.views.put(after)
    await audit(
        work, actor, now, action, subject="view", subject_id=after.id, name=after.name, before=before, after=after
    )
    await work.commit()
    return after


def _free(name: str, taken: set[str]) -> str:
    """Return the name, or the name with a number behind it, that nobody of these has."""
    if name not in taken:
        return name
    for number in range(2, COPIES_MAX):
        ending = f" ({number})"
        candidate = name[: NAME_MAX - len(ending)] + ending
        if candidate not in taken:
            return candidate
    raise ConflictError(f"There are {COPIES_MAX} views called {name!r} already. Give the copy a name.")
