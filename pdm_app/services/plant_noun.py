"""What sets one noun of the plant apart from the others: its rights, its name, its place, what hangs on it."""

from dataclasses import dataclass
from typing import Any, Generic

from pdm_app.domain.access import Permission
from pdm_app.domain.plant import R
from pdm_app.domain.record import Facts


@dataclass(frozen=True, slots=True)
class Hold:
    """Records of another noun that name a thing in ``field`` and thereby keep it from being deleted."""

    kind: type[Any]
    field: str
    one: str
    many: str
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
