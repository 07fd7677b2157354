"""How every noun of the plant is listed, created, changed, deleted and restored: one set of rules for all.

* Whoever may not see a site finds nothing of it, and can put nothing into it: both answer as if it did not exist.
* All changes of one site go one after the other (`Plant.hold`), so that what was judged is still so when it is stored.
* A change names the revision it was made from, if it matters; a stale one is refused with who was first.
* What still hangs on a thing keeps it from being deleted, and the refusal names it.
* Each change is audited in its own transaction and in force when the call returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from pydantic import ValidationError

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.assets import Site
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, NotSupportedError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.plant import Listing, Mark, Page, R
from pdm_app.domain.ports import Clock, DriverRules
from pdm_app.domain.record import Facts, Record
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import Micros, moment
from pdm_app.services.auditing import audit
from pdm_app.services.in_force import InForce

NAMED_MAX = 3  # So many of what hangs on a thing are named; the rest is counted.


@dataclass(frozen=True, slots=True)
class Hold:
    """Records of another noun that name a thing in ``field`` and thereby keep it from being deleted."""

    kind: type[Any]
    field: str
    words: str
    advice: str = "Move or delete them first."


@dataclass(frozen=True, slots=True)
class Bound:
    """How many there may be with the same value of ``field``; of all in reach where it is empty."""

    field: str
    most: int
    words: str


@dataclass(frozen=True, slots=True)
class Noun(Generic[R]):
    """What sets one noun apart from the others.

    Attributes:
        kind: Its record.
        facts: What a person says of it.
        word: What it is called in a sentence; with underscores, in the names of fields.
        actions: First part of its audit actions, and its name in RPC.
        read, configure: The rights.
        name: The field that is unique among its neighbours.
        within: The field that names the neighbourhood; empty for the whole installation.
        parent: What it belongs to, and the field that says so; None for a site.
        fixed: Facts that stay as they were said first.
        holds: What keeps it from being deleted.
        bounds: How many there may be.
    """

    kind: type[R]
    facts: type[Facts]
    word: str
    actions: str
    read: Permission
    configure: Permission
    name: str
    within: str
    parent: tuple[type[Any], str, str] | None
    fixed: frozenset[str]
    holds: tuple[Hold, ...]
    bounds: tuple[Bound, ...]

    @property
    def id_field(self) -> str:
        return f"{self.word.rpartition(' ')[2]}_id"


@dataclass(frozen=True, slots=True)
class Desk:
    """What changing the plant takes beside the database: the time, the drivers' rules, and who must hear of it."""

    clock: Clock
    drivers: DriverRules
    in_force: InForce = InForce()


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
            NotFoundError: The site asked for does not exist or lies outside the actor's.
            InvalidInputError: The cursor is none.
        """
        actor.require(self.noun.configure if listing.deleted else self.noun.read)
        async with self._work(actor.scope) as work:
            if listing.site_id is not None and await work.plant.get(Site, listing.site_id) is None:
                raise _no("site", "site_id", listing.site_id)
            asked = {name: value for name, value in where.items() if value is not None}
            if self.noun.parent is not None and self.noun.parent[1] in asked:
                kind, field, word = self.noun.parent
                if await work.plant.get(kind, asked[field]) is None:
                    raise _no(word, field, asked[field])
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
        desk, now = self._desk, self._desk.clock.now()
        async with self._work(actor.scope) as work:
            parent = await self._parent(work, facts.model_dump())
            given = {**facts.model_dump(), **await self._added(work, facts, parent, now), "revision": 1}
            record: R = self._valid(given)
            await self._judge(work, None, record)
            await self._require_room(work, record)
            await self._require_free(work, record)
            await work.plant.add(record, actor.name, now)
            await self._audit(work, actor, now, "created", None, record)
            await work.commit()
        await self._put_in_force(desk.in_force, None, record)
        return record

    async def change(
        self, actor: Actor, id: str | int, changes: Mapping[str, object], revision: int | None = None
    ) -> R:
        """Change the fields named in ``changes`` and no others; None is a value like any other.

        Args:
            actor: Who changes it.
            id: Which one.
            changes: New values by field; where they are the old ones, nothing happens.
            revision: The revision the change was made from; None to change whatever is there.

        Raises:
            NotFoundError: It, or what it refers to, does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed or deleted it since; its new name is taken.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(self.noun.configure)
        desk, now = self._desk, self._desk.clock.now()
        self._refuse_fixed(changes)
        async with self._work(actor.scope) as work:
            before = await self._held(work, id, revision)
            after: R = self._valid({**before.model_dump(), **changes})
            if after == before:
                return before
            after = after.model_copy(update={"revision": before.revision + 1})
            if self.noun.parent is not None and self.noun.parent[1] in changes:
                await self._require_same_site(work, before, after)
            await self._judge(work, before, after)
            await self._require_room(work, after, before)
            await self._require_free(work, after)
            if not await work.plant.change(after, actor.name, now):
                raise await self._stale(work, before, None)
            await self._audit(work, actor, now, "changed", before, after)
            await work.commit()
        await self._put_in_force(desk.in_force, before, after)
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
            await self._require_unheld(work, record)
            await work.plant.delete(self.noun.kind, id, actor.name, now)
            await self._audit(work, actor, now, "deleted", record, None)
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
            if self.noun.kind is not Site and await work.plant.hold(mark.site_id) is None:
                raise ConflictError(f"The site of this {self.noun.word} was deleted too. Restore that first.")
            deleted: R | None = await work.plant.get(self.noun.kind, id, deleted=True)
            if deleted is None:
                raise ConflictError(f"This {self.noun.word} is there; there is nothing to restore.", id=id)
            record: R = deleted.model_copy(update={"revision": deleted.revision + 1})
            try:
                await self._parent(work, record.model_dump())
                await self._judge(work, None, record)
            except NotFoundError as error:
                raise ConflictError(
                    f"{self._called(record)} cannot be restored alone. {error.message} It was deleted too: restore that "
                    "first.",
                    **error.facts,
                ) from None
            await self._require_room(work, record)
            await self._require_free(work, record)
            await work.plant.restore(self.noun.kind, id, actor.name, now)
            await self._audit(work, actor, now, "restored", None, record)
            await work.commit()
        await self._put_in_force(desk.in_force, None, record)
        return record

    # --- what a noun adds -----------------------------------------------------------------------------------------

    async def _added(self, work: Work, facts: Facts, parent: Any, now: Micros) -> dict[str, object]:
        """Return the fields that the product gives a new record: its id, and of its place what it inherits."""
        site_id = parent.id if isinstance(parent, Site) else getattr(parent, "site_id", None)
        return {"id": new_id(now)} if site_id is None else {"id": new_id(now), "site_id": site_id}

    async def _judge(self, work: Work, before: R | None, after: R) -> None:
        """Refuse what is wrong with the record as it is to be stored; ``before`` is None for a new one."""

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
            raise _no(word, field, given[field])
        return parent

    async def _held(self, work: Work, id: str | int, revision: int | None) -> R:
        """Return the record, its site held until the commit.

        Raises:
            ConflictError: It is not of this revision any more.
        """
        mark = await self._mark(work, id)
        await work.plant.hold(mark.site_id)
        record: R | None = await work.plant.get(self.noun.kind, id)
        if record is None:
            mark = await self._mark(work, id)
            raise ConflictError(
                f"{_who(mark)} deleted this {self.noun.word} {_at(mark)}. Restore it first.",
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
            f"{_who(mark)} changed {self._called(record)} {_at(mark)}, after you had read it. Read it again and repeat "
            "your change.",
            **{
                self.noun.id_field: record.id,
                "changed_by": mark.changed_by,
                "changed_at": mark.changed_at,
                "revision": mark.revision,
                "yours": revision,
            },
        )

    async def _require_same_site(self, work: Work, before: R, after: R) -> None:
        assert self.noun.parent is not None
        kind, field, word = self.noun.parent
        parent = await work.plant.get(kind, getattr(after, field))
        if parent is None:
            raise _no(word, field, getattr(after, field))
        if parent.site_id != before.site_id:  # type: ignore[union-attr]
            raise InvalidInputError(
                f"{self._called(before)} stays in its site: {word} {parent.name!r} belongs to another one.",
                [FieldIssue(field, "belongs to another site", f"choose a {word} of the same site")],
            )

    async def _require_room(self, work: Work, record: R, before: R | None = None) -> None:
        for bound in self.noun.bounds:
            where = {bound.field: getattr(record, bound.field)} if bound.field else {}
            if before is not None and all(getattr(before, field) == value for field, value in where.items()):
                continue
            if await work.plant.count(self.noun.kind, **where) >= bound.most:
                raise ConflictError(
                    f"There are {bound.most} {bound.words} already, and no more can be added. Delete what is not used.",
                    most=bound.most,
                )

    async def _require_free(self, work: Work, record: R) -> None:
        noun = self.noun
        name = getattr(record, noun.name)
        where = {noun.name: name, **({noun.within: getattr(record, noun.within)} if noun.within else {})}
        for other in await work.plant.some(noun.kind, 2, **where):
            if other.id != record.id:
                raise ConflictError(
                    f"There is a {noun.word} with the {noun.name} {name!r} here already. Choose another {noun.name}.",
                    **{"field": noun.name, noun.id_field: other.id},
                )

    async def _require_unheld(self, work: Work, record: R) -> None:
        held: dict[str, int] = {}
        words: list[str] = []
        advice: list[str] = []
        for hold in self.noun.holds:
            count = await work.plant.count(hold.kind, **{hold.field: record.id})
            if count:
                some = await work.plant.some(hold.kind, NAMED_MAX, **{hold.field: record.id})
                names = ", ".join(_name_of(each) for each in some) + (" …" if count > NAMED_MAX else "")
                held[hold.words] = held.get(hold.words, 0) + count
                words.append(f"{count} {hold.words if count > 1 else hold.words.removesuffix('s')} ({names})")
                advice += [hold.advice] if hold.advice not in advice else []
        if held:
            raise ConflictError(
                f"{self._called(record)} cannot be deleted: {' and '.join(words)} still belong to it. {' '.join(advice)}",
                **{self.noun.id_field: record.id, "held_by": held},
            )

    def _refuse_fixed(self, changes: Mapping[str, object]) -> None:
        issues = []
        for field in changes:
            if field not in self.noun.facts.model_fields:
                issues.append(FieldIssue(field, f"is no field of a {self.noun.word} that can be changed", "leave it out"))
            elif field in self.noun.fixed:
                issues.append(FieldIssue(field, "stays as it was when it was created", "leave it out, or create another"))
        if issues:
            raise InvalidInputError(f"This {self.noun.word} cannot be changed so.", issues)

    def _valid(self, given: Mapping[str, object]) -> R:
        try:
            record: R = self.noun.kind.model_validate(given)
        except ValidationError as error:
            issues = [
                FieldIssue(".".join(str(part) for part in each["loc"]) or self.noun.name, each["msg"])
                for each in error.errors(include_url=False)
            ]
            said = "; ".join(f"{issue.field}: {issue.problem}" for issue in issues[:NAMED_MAX])
            raise InvalidInputError(f"This {self.noun.word} cannot be stored. {said}", issues) from None
        return record

    async def _audit(
        self, work: Work, actor: Actor, now: Micros, done: str, before: Record | None, after: Record | None
    ) -> None:
        record: Any = after or before
        await audit(
            work,
            actor,
            now,
            f"{self.noun.actions}.{done}",
            subject=self.noun.word.replace(" ", "_"),
            subject_id=str(record.id),
            name=_name_of(record),
            site_id=record.id if self.noun.kind is Site else record.site_id,
            before=None if before is None else before.model_dump(mode="json", exclude={"revision"}),
            after=None if after is None else after.model_dump(mode="json", exclude={"revision"}),
        )

    def _missing(self, id: str | int) -> NotFoundError:
        return _no(self.noun.word, self.noun.id_field, id)

    def _called(self, record: R) -> str:
        return f"{self.noun.word.capitalize()} {_name_of(record)!r}"


async def referred(work: Work, kind: type[Any], id: str | int | None, site_id: str, word: str) -> Any:
    """Return what a record refers to by id, None for None.

    Raises:
        NotFoundError: It does not exist in the site: same text, wherever else it may be.
    """
    if id is None:
        return None
    found = await work.plant.get(kind, id)
    if found is None or found.site_id != site_id:
        raise _no(word, f"{word.replace(' ', '_')}_id", id)
    return found


def _no(word: str, field: str, id: object) -> NotFoundError:
    return NotFoundError(f"There is no {word} {id!r}.", **{field: id})


def _name_of(record: Any) -> str:
    return str(getattr(record, "code", record.name))


def _who(mark: Mark) -> str:
    return mark.changed_by or "Somebody"


def _at(mark: Mark) -> str:
    return f"on {moment(mark.changed_at):%Y-%m-%d at %H:%M:%S} UTC"
