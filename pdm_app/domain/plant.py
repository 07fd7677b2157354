"""What all nouns of the plant have in common: they are listed by pages, and remember who changed them last.

The nouns are site, area, line, asset, device, connection, signal and alarm rule. Deleting one hides it and gives its
name free; nothing that refers to it, such as history, journal or audit, loses it, and it can be restored.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Generic, Protocol, TypeVar

from pydantic import Field

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.record import Id, Record
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal

PAGE_MAX = 1_000

R = TypeVar("R", Site, Area, Line, Asset, Device, Connection, Signal, AlarmRule)
Item = TypeVar("Item")

Cursor = Annotated[str, Field(max_length=40, description="next_cursor of the page before.")]
PageSize = Annotated[int, Field(ge=1, le=PAGE_MAX)]
Words = Annotated[str, Field(max_length=120, description="Part of the code or name, in any case.")]


class Mark(Record):
    """Who changed a record last, and when, in microseconds UTC; ``changed_by`` is empty where nobody has."""

    site_id: str
    revision: int
    changed_at: int
    changed_by: str
    deleted_at: int | None


class Listing(Record):
    """Which page is asked for: by name, or by code where the noun has one."""

    site_id: Id | None = None
    text: Words = ""
    deleted: bool = Field(default=False, description="What was deleted and may be restored, instead of what is there.")
    cursor: Cursor | None = None
    limit: PageSize = 100


class Page(Record, Generic[Item]):
    """One page of a list; without a ``next_cursor`` it is the last one."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


class Plant(Protocol):
    """Where every noun of the plant is kept, in one transaction; reads and writes only what its scope covers."""

    async def hold(self, site_id: str, asset_id: str | None = None) -> Site | None:
        """Let nobody else change this site's plant until the transaction ends; before everything that is judged.

        Returns None where the site does not exist in scope. For a machine of another site that is entrusted to the
        scope, ``asset_id`` names it.
        """
        ...

    async def get(self, kind: type[R], id: str | int, *, deleted: bool = False) -> R | None:
        """Return one record; ``deleted`` finds it also, and only, if it was deleted."""
        ...

    async def mark(self, kind: type[R], id: str | int) -> Mark | None:
        """Return who changed a record last, also of one that was deleted."""
        ...

    async def marks(self, kind: type[R]) -> Mapping[str | int, Mark]:
        """Return by id who changed each record last, deleted ones too."""
        ...

    async def page(self, kind: type[R], listing: Listing, **where: str | int | None) -> Page[R]:
        """Return one page, by code or name.

        Raises:
            InvalidInputError: The cursor is none.
        """
        ...

    async def some(self, kind: type[R], limit: int, **where: str | int | None) -> Sequence[R]:
        """Return records whose fields have these values, by id; with ``deleted_at``, those deleted at that time."""
        ...

    async def count(self, kind: type[R], **where: str | int | None) -> int:
        """Count those whose fields have these values."""
        ...

    async def add(self, record: R, by: str, at: Micros) -> None:
        """Store a new record.

        Raises:
            NotFoundError: Its site is not in scope.
            ConflictError: Another one has its id or unique name.
        """
        ...

    async def change(self, record: R, by: str, at: Micros) -> bool:
        """Replace a record of the revision before; False if it was changed or deleted since.

        Raises:
            ConflictError: Another one has its unique name.
        """
        ...

    async def delete(self, kind: type[R], id: str | int, by: str, at: Micros) -> None: ...
    async def restore(self, kind: type[R], id: str | int, by: str, at: Micros) -> None:
        """Bring back what was deleted.

        Raises:
            ConflictError: Another one has its unique name by now.
        """
        ...

    async def new_signal_number(self) -> int:
        """Return a number that no signal has or ever had."""
        ...
