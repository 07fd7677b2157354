"""What an admin has set, revision by revision: each holds everything that is set, and none is ever changed.

A setting is named by its path in the tree of settings, such as ``auth.idle_minutes``. What no revision names has the
value that the installation's file, its environment or the product gives it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

from pydantic import Field

from pdm_app.domain.record import Instant, Record, Text

Words = Annotated[str, Field(max_length=255)]
SettingValue = bool | int | Annotated[float, Field(allow_inf_nan=False)] | Words | tuple[Words, ...]
SettingKey = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]
RevisionNumber = Annotated[int, Field(ge=0, le=2**31 - 1, description="0 is before anything was set.")]


class SettingsHead(Record):
    """A revision without what it holds: who made it, when, and which settings differ from the one before."""

    number: RevisionNumber
    at: Instant
    actor_id: str = Field(max_length=36)
    actor: str = Field(max_length=120)
    reason: Text = ""
    changed: tuple[SettingKey, ...] = ()


class SettingsRevision(SettingsHead):
    """Everything that is set from this revision on, by key."""

    stored: dict[SettingKey, SettingValue] = Field(default_factory=dict)


NOTHING_SET = SettingsRevision(number=0, at=0, actor_id="system", actor="system")
"""The revision before the first one."""


class SettingsRevisions(Protocol):
    """Revisions of the settings. A scope of some sites sees none and adds none: they belong to the installation."""

    async def newest_number(self) -> int:
        """Return the number of the newest revision, 0 while there is none; one look at the end of a key."""
        ...

    async def newest(self) -> SettingsRevision:
        """Return the newest revision, `NOTHING_SET` while there is none."""
        ...

    async def get(self, number: int) -> SettingsRevision | None: ...

    async def page(self, before: int | None, limit: int) -> Sequence[SettingsHead]:
        """Return revisions with numbers below ``before``, or the newest for None, newest first."""
        ...

    async def add(self, revision: SettingsRevision) -> None:
        """Add the next revision.

        Raises:
            ConflictError: There is one of this number: somebody was first.
            NotFoundError: The scope does not cover every site.
        """
        ...


def changed_between(old: Mapping[str, SettingValue], new: Mapping[str, SettingValue]) -> tuple[str, ...]:
    """Return the keys whose stored values differ, set or not set included, in order of their names."""
    return tuple(sorted(key for key in old.keys() | new.keys() if not same(old.get(key), new.get(key))))


def same(one: SettingValue | None, other: SettingValue | None) -> bool:
    """Say whether two values are one; a flag is not a number, though Python has True equal 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
