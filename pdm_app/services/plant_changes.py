"""How every noun of the plant is listed, created, changed, deleted and restored: one set of rules for all.

* Whoever may not see a site finds nothing of it, and can put nothing into it: both answer as if it did not exist.
* All changes of one site go one after the other (`Plant.hold`), so that what was judged is still so when it is stored.
* A change names the revision it was made from, if it matters; a stale one is refused with who was first.
* What still hangs on a thing keeps it from being deleted, and the refusal names it.
* Each change is audited in its own transaction and in force when the call returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic

from pdm_app.domain.access import Actor
from pdm_app.domain.assets import Asset, Site
from pdm_app.domain.errors import ConflictError, NotFoundError, NotSupportedError, PermissionDeniedError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.plant import Listing, Mark, Page, R
from pdm_app.domain.ports import Clock, DriverRules
from pdm_app.domain.record import Facts, Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_noun import Noun
from pdm_app.services.plant_rules import (
    called,
    name_of,
    no_such,
    refuse_fixed,
    require_free,
    require_known,
    require_room,
    require_same_site,
    require_unheld,
    valid,
    when,
    who,
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What changing the plant takes beside the database: the time, the drivers' rules, and who must hear of it."""

    clock: Clock
    drivers: DriverRules
    in_force: InForce = field(default_factory=InForce)


class PlantService(Generic[R]):
    """Base of the services of the plant's nouns.

    Args:
        work: Where everything is stored.
        desk: None on a command line that only reads.
    """

    noun: ClassVar[Noun[Any]]

    def __init__(self, work: UnitOfWork, desk: Desk | None = None) -> None:
        self._work = work
        self._desk_or_none = desk

    @property
    def _desk(self) -> Desk:
        if self._desk_or_none is None:
            raise NotSupportedError("This process only reads the plant. Ask the one that serves.")
        return self._desk_or_none

    # --- reading --------------------------------------------------------------------------------------------------

    async def page(self, actor: Actor, listing: Listing, **where: str | int | None) -> Page[R]:
        """Return one page of what is in the actor's sites, by code or name.

        Args:
            actor: Who asks.
            listing: Which page; what was deleted is listed for those who may restore it.
            where: Fields that must have these values, such as ``line_id``; None stands for any.

        Raises:
            NotFoundError: What it is narrowed to does not exist or lies outside the actor's sites.
            InvalidInputError: The cursor is none.
        """
        actor.require(self.noun.configure if listing.deleted else self.noun.read)
        async with self._work(actor.scope) as work:
            asked = {name: value for name, value in where.items() if value is not None}
            await require_known(work, {"site_id": listing.site_id, **asked})
            found: Page[R] = await work.plant.page(self.noun.kind, listing, **asked)
            return found

    async def get(self, actor: Actor, id: str | int) -> R:
        """Return one.

        Raises:
            NotFoundError: It does not exist, was deleted, or lies outside the actor's sites.
        """
        actor.require(self.noun.read)
        async with self._work(actor.scope) as work:
            found: R | None = await work.plant.get(self.noun.kind, id)
        if found is None:
            raise self._missing(id)
        return found

    # --- changing -------------------------------------------------------------------------------------------------

    async def create(self, actor: Actor, facts: Facts) -> R:
        """Create one.

        Raises:
            NotFoundError: What it belongs or refers to does not exist or lies outside the actor's sites.
            ConflictError: Its name is taken; there are as many as there may be.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(self.noun.configure)
        desk = self._desk
        async with self._work(actor.scope) as work:
            record = await self.create_in(work, actor, facts)
            await work.commit()
        await self._put_in_force(desk.in_force, None, record)
        return record

    async def create_in(self, work: Work, actor: Actor, facts: Facts, reason: str = "") -> R:
        """Create one in a transaction that somebody else commits, and puts in force; raises as `create` does."""
        now = self._desk.clock.now()
        parent = await self._parent(work, facts.model_dump())
        given = {**facts.model_dump(), **await self._added(work, facts, parent, now), "revision": 1}
        record: R = await self._inferred(work, None, valid(self.noun, given))
        await self._judge(work, None, record)
        await require_room(self.noun, work, record)
        await require_free(self.noun, work, record)
        await work.plant.add(record, actor.name, now)
        await put_on_record(self.noun, work, actor, now, "created", None, record, reason)
        return record

    async def change(
        self,
        actor: Actor,
        id: str | int,
        changes: Mapping[str, object],
        revision: int | None = None,
        reason: str = "",
    ) -> R:
        """Change the fields named in ``changes`` and no others; None is a value like any other.

        Args:
            actor: Who changes it.
            id: Which one.
            changes: New values by field; where they are the old ones, nothing happens.
            revision: The revision the change was made from; None to change whatever is there.
            reason: Why, in the actor's words; kept in the audit trail.

        Raises:
            NotFoundError: It, or what it refers to, does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed or deleted it since; its new name is taken.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(self.noun.configure)
        desk = self._desk
        refuse_fixed(self.noun, changes)
        async with self._work(actor.scope) as work:
            before = await self._held(work, id, revision, to_change=True)
            after = await self.change_in(work, actor, before, changes, reason)
            if after == before:
                return before
            await work.commit()
        await self._put_in_force(desk.in_force, before, after)
        return after

    async def held(self, work: Work, id: str | int) -> R:
        """Return one as it is, its site held until the commit; raises as `change` does."""
        return await self._held(work, id, None, to_change=True)

    async def change_in(
        self,
        work: Work,
        actor: Actor,
        before: R,
        changes: Mapping[str, object],
        reason: str = "",
        done: str = "changed",
    ) -> R:
        """Change one in a transaction that somebody else commits, and puts in force; raises as `change` does.

        Returns:
            ``before`` itself where nothing differs: then nothing was written.
        """
        now = self._desk.clock.now()
        after: R = valid(self.noun, {**before.model_dump(), **changes})
        if after == before:
            return before
        after = await self._inferred(work, before, after)
        after = after.model_copy(update={"revision": before.revision + 1})
        await require_same_site(self.noun, work, before, after)
        await self._judge(work, before, after)
        await require_room(self.noun, work, after, before)
        await require_free(self.noun, work, after)
        if not await work.plant.change(after, actor.name, now):
            raise await self._stale(work, before, None)
        await put_on_record(self.noun, work, actor, now, done, before, after, reason)
        return after

    async def delete(self, actor: Actor, id: str | int, revision: int | None = None) -> R:
        """Delete one: it is gone from every list and can be restored; history, journal and audit keep it.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed or deleted it since, or something hangs on it; says who or what.
        """
        actor.require(self.noun.configure)
        desk, now = self._desk, self._desk.clock.now()
        async with self._work(actor.scope) as work:
            record = await self._held(work, id, revision)
            await require_unheld(self.noun, work, record)
            await self._let_go(work, record)
            await work.plant.delete(self.noun.kind, id, actor.name, now)
            await put_on_record(self.noun, work, actor, now, "deleted", record, None)
            await work.commit()
        await self._put_in_force(desk.in_force, record, None)
        return record

    async def restore(self, actor: Actor, id: str | int) -> R:
        """Bring back what was deleted, as it was.

        Raises:
            NotFoundError: It never existed or lies outside the actor's sites.
            ConflictError: It is there; its name was taken since, or what it belongs or refers to was deleted too.
        """
        actor.require(self.noun.configure)
        desk, now = self._desk, self._desk.clock.now()
        async with self._work(actor.scope) as work:
            mark = await self._mark(work, id)
            if not actor.scope.covers(mark.site_id):
                raise only_shown(self.noun.word)
            if self.noun.kind is not Site and await work.plant.hold(mark.site_id) is None:
                raise ConflictError(f"The site of this {self.noun.word} was deleted too. Restore that first.")
            deleted: R | None = await work.plant.get(self.noun.kind, id, deleted=True)
            if deleted is None:
                raise ConflictError(f"This {self.noun.word} is there; there is nothing to restore.", id=id)
            record: R = deleted.model_copy(update={"revision": deleted.revision + 1})
            try:
                await self._parent(work, record.model_dump())
                await require_room(self.noun, work, record)
                await require_free(self.noun, work, record)
                await work.plant.restore(self.noun.kind, id, actor.name, now)
                await self._restore_parts(work, actor, now, record, mark)
                await self._judge(work, None, record)  # It may refer to what came back with it.
            except NotFoundError as error:
                raise ConflictError(
                    f"The {called(self.noun, record)} cannot be restored alone. {error.message} It was deleted too: "
                    "restore that first.",
                    **error.facts,
                ) from None
            await put_on_record(self.noun, work, actor, now, "restored", None, record)
            await work.commit()
        await self._put_in_force(desk.in_force, None, record)
        return record

    # --- what a noun adds -----------------------------------------------------------------------------------------

    async def _added(
        self,
        work: Work,  # noqa: ARG002 - for nouns that have to look
        facts: Facts,  # noqa: ARG002
        parent: Any,
        now: Micros,
    ) -> dict[str, object]:
        """Return the fields that the product gives a new record: its id, and of its place what it inherits."""
        site_id = parent.id if isinstance(parent, Site) else getattr(parent, "site_id", None)
        return {"id": new_id(now)} if site_id is None else {"id": new_id(now), "site_id": site_id}

    async def _inferred(self, work: Work, before: R | None, after: R) -> R:  # noqa: ARG002 - for nouns that look
        """Return the record with what follows from what was said of it."""
        return after

    async def _let_go(self, work: Work, record: R) -> None:
        """Refuse to delete what is used in a way that no `Hold` can tell."""

    async def _judge(self, work: Work, before: R | None, after: R) -> None:
        """Refuse what is wrong with the record as it is to be stored; ``before`` is None for a new one."""

    async def _restore_parts(self, work: Work, actor: Actor, now: Micros, record: R, mark: Mark) -> None:
        """Bring back what was deleted with the record; ``mark`` says when that was."""

    async def _put_in_force(self, in_force: InForce, before: R | None, after: R | None) -> None:
        """Tell the running parts, after the commit; None stands for what was not, or is no more, there."""

    # --- rules ----------------------------------------------------------------------------------------------------

    async def _parent(self, work: Work, given: Mapping[str, Any]) -> Any:
        """Return what the record belongs to, held until the commit; None for a site."""
        if self.noun.parent is None:
            return None
        kind, field, word = self.noun.parent
        parent = await work.plant.get(kind, given[field])
        if parent is not None and await work.plant.hold(parent.id if kind is Site else parent.site_id) is not None:
            parent = await work.plant.get(kind, given[field])  # It may have been deleted while we waited.
        if parent is None:
            raise no_such(word, field, given[field])
        return parent

    async def _held(self, work: Work, id: str | int, revision: int | None, *, to_change: bool = False) -> R:
        """Return the record, its site held until the commit; ``to_change`` where a share for changing is enough.

        Raises:
            ConflictError: It is not of this revision any more.
            PermissionDeniedError: It stands in another site and is only shown to the actor.
        """
        mark = await self._mark(work, id)
        site = await work.plant.hold(mark.site_id, str(id) if to_change and self.noun.kind is Asset else None)
        record: R | None = await work.plant.get(self.noun.kind, id)
        if record is not None and site is None:
            raise only_shown(self.noun.word)
        if record is None:
            mark = await self._mark(work, id)
            raise ConflictError(
                f"{who(mark)} deleted this {self.noun.word} {when(mark)}. Restore it first.",
                **{self.noun.id_field: id, "changed_by": mark.changed_by, "changed_at": mark.changed_at},
            )
        if revision is not None and revision != record.revision:
            raise await self._stale(work, record, revision)
        return record

    async def _mark(self, work: Work, id: str | int) -> Mark:
        mark = await work.plant.mark(self.noun.kind, id)
        if mark is None:
            raise self._missing(id)
        return mark

    async def _stale(self, work: Work, record: R, revision: int | None) -> ConflictError:
        mark = await self._mark(work, record.id)
        return ConflictError(
            f"{who(mark)} changed the {called(self.noun, record)} {when(mark)}, after you had read it. Read it again "
            "and repeat your change.",
            **{
                self.noun.id_field: record.id,
                "changed_by": mark.changed_by,
                "changed_at": mark.changed_at,
                "revision": mark.revision,
                "yours": revision,
            },
        )

    def _missing(self, id: str | int) -> NotFoundError:
        return no_such(self.noun.word, self.noun.id_field, id)


def only_shown(word: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"This {word} stands in another site. It was shared with you to be seen, not to be changed so. "
        "Ask somebody of that site."
    )


async def put_on_record(
    noun: Noun[Any],
    work: Work,
    actor: Actor,
    now: Micros,
    done: str,
    before: Record | None,
    after: Record | None,
    reason: str = "",
) -> None:
    """Audit a change of a record; its revision says nothing there."""
    record: Any = after or before
    await audit(
        work,
        actor,
        now,
        f"{noun.actions}.{done}",
        subject=noun.word.replace(" ", "_"),
        subject_id=str(record.id),
        name=name_of(record),
        site_id=record.id if noun.kind is Site else record.site_id,
        before=None if before is None else before.model_dump(mode="json", exclude={"revision"}),
        after=None if after is None else after.model_dump(mode="json", exclude={"revision"}),
        reason=reason,
    )
