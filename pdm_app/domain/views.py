"""Views of the trend workspace that people keep: what is shown and how, under a name, for oneself or for others."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.record import Id, Instant, Name, Record, Revision

VIEWS_MAX = 200
"""Views that one person keeps."""
ADDRESS_MAX = 8_000
"""Characters; browsers and proxies take addresses of this length."""

ViewAddress = Annotated[
    str,
    Field(
        min_length=1,
        max_length=ADDRESS_MAX,
        pattern=r"^[A-Za-z0-9%=&._~+*()!',:;-]+$",
        description="The part of the workspace's address behind the question mark.",
    ),
]


class View(Record):
    """A view. It names signals and holds none of their values: whoever opens it sees of them what is theirs to see."""

    id: Id
    owner_id: Id
    owner: Name
    name: Name
    address: ViewAddress
    site_id: Id | None = Field(default=None, description="Everybody who belongs to this site finds it, too.")
    group_id: Id | None = Field(default=None, description="Everybody in this group finds it, too.")
    is_default: bool = Field(default=False, description="What the owner sees first.")
    revision: Revision = 1
    created_at: Instant = 0
    changed_at: Instant = 0
    deleted_at: Instant | None = None


class Circle(Record):
    """A site or a group that a view may be shown to."""

    id: Id
    name: Name


class Audience(Record):
    """Whom somebody may show views to; nobody without the right to share."""

    sites: tuple[Circle, ...] = ()
    groups: tuple[Circle, ...] = ()


class Views(Protocol):
    """Views of one person and those that others show to the sites of the scope or to some groups."""

    async def found_by(self, person_id: str, group_ids: Sequence[str]) -> Sequence[View]:
        """Return what somebody finds, by name; deleted ones are not there."""
        ...

    async def own(self, view_id: str, person_id: str) -> View | None:
        """Return somebody's own view, also a deleted one."""
        ...

    async def put(self, view: View) -> None:
        """Store a view; one that is a default ends the one before.

        Raises:
            ConflictError: Its owner has another one, not deleted, of this name.
        """
        ...
