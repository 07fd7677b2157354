"""What changing any record of a site has in common: it is whole, of the revision that was read, and audited."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from pydantic import ValidationError

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import Micros
from pdm_app.services.auditing import audit

NAMED_MAX = 5


class SiteRecord(Protocol):
    """A record that belongs to a site and remembers who changed it last."""

    @property
    def id(self) -> str: ...
    @property
    def site_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> int: ...
    @property
    def changed_by(self) -> str: ...


R = TypeVar("R", bound=Record)


def whole(kind: type[R], word: str, given: Mapping[str, object]) -> R:
    """Return the record.

    Raises:
        InvalidInputError: Names each field and its fault.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        issues = [
            FieldIssue(".".join(str(part) for part in each["loc"]) or "name", each["msg"])
            for each in error.errors(include_url=False)
        ]
        said = "; ".join(f"{issue.field}: {issue.problem}" for issue in issues[:NAMED_MAX])
        raise InvalidInputError(f"This {word} cannot be stored. {said}", issues) from None


def changed(before: R, word: str, changes: Mapping[str, object], by: str, at: Micros) -> R:
    """Return a record with other values; itself where they are the old ones.

    Raises:
        InvalidInputError: Names each field and its fault.
    """
    after = whole(type(before), word, {**before.model_dump(), **changes})
    if after == before:
        return before
    revision = int(getattr(before, "revision", 0)) + 1
    return after.model_copy(update={"revision": revision, "changed_at": int(at), "changed_by": by})


def require_revision(record: SiteRecord, word: str, revision: int | None) -> None:
    """Refuse to change what somebody else has changed since it was read.

    Raises:
        ConflictError: It is not of this revision any more.
    """
    if revision is not None and revision != record.revision:
        raise ConflictError(
            f"{record.changed_by or 'Somebody'} changed the {word} {record.name!r} after you had read it. Read it "
            "again and repeat your change.",
            id=record.id,
            revision=record.revision,
        )


async def require_site(work: Work, actor: Actor, site_id: str, asset_id: str | None = None) -> None:
    """Refuse what belongs to a site, or a machine, that is not there or out of reach.

    Raises:
        NotFoundError: Says which.
    """
    if not actor.scope.covers(site_id) or site_id not in {site.id for site in await work.sites.all()}:
        raise NotFoundError(f"There is no site {site_id!r}.", site_id=site_id)
    if asset_id is not None:
        asset = await work.assets.get(asset_id)
        if asset is None or asset.site_id != site_id:
            raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)


async def put_on_record(
    work: Work, actor: Actor, at: Micros, action: str, word: str, before: Record | None, after: Record | None
) -> None:
    """Have the audit trail keep a change of a `SiteRecord`; ``action`` is such as ``batches.started``."""
    record = after or before
    if record is None:
        raise ValueError("a change has a side before or after it")
    named = record.model_dump(include={"id", "name", "site_id"})
    await audit(
        work, actor, at, action, subject=word, subject_id=named["id"], name=named["name"], site_id=named["site_id"],
        before=before, after=after,
    )  # fmt: skip


async def in_force(reload: Callable[[], Awaitable[None]], word: str) -> None:
    """Put a stored change in force.

    Raises:
        UnavailableError: It is stored, and not in force yet; says what to do.
    """
    try:
        await reload()
    except UnavailableError as error:
        raise UnavailableError(
            f"The {word} is stored, but not in force yet: {error.message} Change any {word} again, or restart, once "
            "the database answers."
        ) from error
