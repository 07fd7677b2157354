"""The rules that every noun of the plant is held to; each refuses with what is wrong and what to do."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from pdm_app.domain.assets import Area, Asset, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.plant import Mark, R
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import moment
from pdm_app.domain.signals import Signal
from pdm_app.services.plant_noun import Noun

NAMED_MAX = 3  # So many of what hangs on a thing are named; the rest is counted.


def valid(noun: Noun[R], given: Mapping[str, object]) -> R:
    """Return the record; an InvalidInputError names each field and its fault."""
    try:
        record: R = noun.kind.model_validate(given)
    except ValidationError as error:
        issues = [
            FieldIssue(".".join(str(part) for part in each["loc"]) or noun.name, each["msg"])
            for each in error.errors(include_url=False)
        ]
        said = "; ".join(f"{issue.field}: {issue.problem}" for issue in issues[:NAMED_MAX])
        raise InvalidInputError(f"This {noun.word} cannot be stored. {said}", issues) from None
    return record


def refuse_fixed(noun: Noun[R], changes: Mapping[str, object]) -> None:
    """Refuse fields that are none, or stay as they were said first."""
    issues = []
    for field in changes:
        if field not in noun.facts.model_fields:
            issues.append(FieldIssue(field, "cannot be changed", "leave it out"))
        elif field in noun.fixed:
            issues.append(FieldIssue(field, "stays as it was when it was created", "leave it out, or create another"))
    if issues:
        raise InvalidInputError(f"This {noun.word} cannot be changed so.", issues)


async def require_same_site(noun: Noun[R], work: Work, before: R, after: R) -> None:
    """Refuse to move a thing out of its site."""
    kind, field, word = noun.parent or (Site, "id", "site")
    if getattr(before, field) == getattr(after, field):
        return
    parent = await work.plant.get(kind, getattr(after, field))
    if parent is None:
        raise no_such(word, field, getattr(after, field))
    if parent.site_id != getattr(before, "site_id", None):
        raise InvalidInputError(
            f"The {called(noun, before)} stays in its site: {word} {parent.name!r} belongs to another one.",
            [FieldIssue(field, "belongs to another site", f"choose a {word} of the same site")],
        )


async def require_room(noun: Noun[R], work: Work, record: R, before: R | None = None) -> None:
    """Refuse one more where there are as many as there may be."""
    for bound in noun.bounds:
        where = {bound.field: getattr(record, bound.field)} if bound.field else {}
        if before is not None and all(getattr(before, field) == value for field, value in where.items()):
            continue
        if await work.plant.count(noun.kind, **where) >= bound.most:
            raise ConflictError(
                f"There are {bound.most} {bound.words} already, and no more can be added. Delete what is not used.",
                most=bound.most,
            )


async def require_free(noun: Noun[R], work: Work, record: R) -> None:
    """Refuse a name that another one has."""
    name = getattr(record, noun.name)
    where = {noun.name: name, **({noun.within: getattr(record, noun.within)} if noun.within else {})}
    for other in await work.plant.some(noun.kind, 2, **where):
        if other.id != record.id:
            raise ConflictError(
                f"Another {noun.word} here has the {noun.name} {name!r} already. Choose another {noun.name}.",
                **{"field": noun.name, noun.id_field: other.id},
            )


async def require_unheld(noun: Noun[R], work: Work, record: R) -> None:
    """Refuse to delete what something still hangs on, and name that."""
    held: dict[str, int] = {}
    words: list[str] = []
    advice: list[str] = []
    for hold in noun.holds:
        count = await work.plant.count(hold.kind, **{hold.field: record.id})
        if count:
            some = await work.plant.some(hold.kind, NAMED_MAX, **{hold.field: record.id})
            names = ", ".join(name_of(each) for each in some) + (" …" if count > NAMED_MAX else "")
            held[hold.many] = count
            words.append(f"{count} {hold.many if count > 1 else hold.one} ({names})")
            advice += [hold.advice] if hold.advice not in advice else []
    if held:
        raise ConflictError(
            f"The {called(noun, record)} cannot be deleted while it has {' and '.join(words)}. {' '.join(advice)}",
            **{noun.id_field: record.id, "held_by": held},
        )


NAMED_BY: Mapping[str, type[Any]] = {
    "site_id": Site,
    "area_id": Area,
    "line_id": Line,
    "asset_id": Asset,
    "connection_id": Connection,
    "signal_id": Signal,
}


async def require_known(work: Work, where: Mapping[str, str | int | None]) -> None:
    """Refuse to list what belongs to a thing that does not exist in scope; None stands for any."""
    for field, id in where.items():
        if id is not None and await work.plant.get(NAMED_BY[field], id) is None:
            raise no_such(field.removesuffix("_id"), field, id)


def structure_issue(field: str, structure: Mapping[str, Any], bytes_max: int) -> FieldIssue | None:
    """Say what keeps a free structure from being stored as JSON: its size, or a number beyond 64 bits."""
    try:
        size = len(orjson.dumps(structure))
    except TypeError:
        return FieldIssue(field, "holds a number or a depth that cannot be stored", "use numbers of at most 64 bits")
    return FieldIssue(field, f"has {size} bytes of JSON", f"use at most {bytes_max}") if size > bytes_max else None


async def referred(work: Work, kind: type[Any], id: str | int | None, site_id: str, word: str) -> Any:
    """Return what a record refers to by id, None for None.

    Raises:
        NotFoundError: It does not exist in the site: same text, wherever else it may be.
    """
    if id is None:
        return None
    found = await work.plant.get(kind, id)
    if found is None or found.site_id != site_id:
        raise no_such(word, f"{word.replace(' ', '_')}_id", id)
    return found


def called(noun: Noun[R], record: R) -> str:
    return f"{noun.word} {name_of(record)!r}"


def no_such(word: str, field: str, id: object) -> NotFoundError:
    return NotFoundError(f"There is no {word} {id!r}.", **{field: id})


def name_of(record: Any) -> str:
    return str(getattr(record, "code", record.name))


def who(mark: Mark) -> str:
    return mark.changed_by or "Somebody"


def when(mark: Mark) -> str:
    return f"on {moment(mark.changed_at):%Y-%m-%d at %H:%M:%S} UTC"
