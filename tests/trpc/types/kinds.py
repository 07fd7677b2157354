"""A router with every kind of type that an annotation can have."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, Json, RootModel, computed_field, field_serializer
from typing_extensions import TypedDict

from pdm_app.trpc import MISSING, Encoded, Missing, Router, Tracked
from tests.trpc import reference
from tests.trpc.types import namesakes

T = TypeVar("T")


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    WORD = "word"
    NUMBER = 7


class Scalars(BaseModel):
    """Values that JSON has no word for travel as text. A comment may hold */ as well."""

    at: datetime
    day: date
    clock: time
    took: timedelta
    id: UUID
    price: Decimal
    image: bytes
    ratio: float
    whole: int
    sure: bool
    nothing: None
    anything: Any
    huge: Annotated[int, Field(ge=0, le=2**64 - 1)]


class Choices(BaseModel):
    colour: Colour
    level: Level
    mixed: Mixed
    word: Literal["a", "b", 1, True, None]
    either: int | str | None


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius_mm: float


class Rectangle(BaseModel):
    kind: Literal["rectangle"] = "rectangle"
    width_mm: float
    height_mm: float = 1.0


Shape = Annotated[Circle | Rectangle, Field(discriminator="kind")]


class Node(BaseModel):
    """A tree."""

    name: str
    children: list["Node"] = []


class Chicken(BaseModel):
    laid: "list[Egg]"


class Egg(BaseModel):
    by: Chicken | None


class Position(NamedTuple):
    """Where, and how sure."""

    x_mm: float
    y_mm: float
    label: str | None = None


class Collections(BaseModel):
    many: tuple[int, ...]
    pair: tuple[int, str]
    pairs: list[tuple[int, str | None]]
    unique: set[str]
    optional_members: list[int | None]
    by_name: dict[str, Node]
    by_number: dict[int, str]
    by_colour: dict[Colour, int]
    position: Position
    mode: dict[str, Any]


class Renamed(BaseModel):
    """Fields have other names on the wire, some of them no identifiers."""

    model_config = ConfigDict(populate_by_name=True)

    created_at: datetime = Field(alias="createdAt")
    content_type: str = Field("text/plain", alias="content-type", description="What the body is.")
    secret: str = Field("", exclude=True)

    @computed_field  # type: ignore[prop-decorator] # mypy does not take a decorated property.
    @property
    def is_text(self) -> bool:
        """Whether a person can read it."""
        return self.content_type.startswith("text/")

    @field_serializer("created_at")
    def _in_ms(self, created_at: datetime) -> int:
        return int(created_at.timestamp() * 1000)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    known: int


class Empty(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Names(RootModel[list[str]]):
    """A list with a name of its own."""


class Page(BaseModel, Generic[T]):
    rows: list[T]
    next: str | None = None


class Options(TypedDict, total=False):
    verbose: bool
    limit: Annotated[int, Field(le=100)]


@dataclass(frozen=True)
class Reading:
    value: float
    notes: list[str] = field(default_factory=list)


class Everything(BaseModel):
    scalars: Scalars
    choices: Choices
    shapes: list[Shape]
    tree: Node
    chicken: Chicken
    collections: Collections
    renamed: Renamed
    open: Open
    empty: Empty
    names: Names
    page: Page[Reading]
    options: Options
    encoded: Json[list[int]]


kinds = Router[None]()


@kinds.query()
async def everything(ctx: None, input: Everything) -> Everything:
    return input


@kinds.query()
async def defaults(
    ctx: None, *, limit: Annotated[int, Field(ge=1)] = 10, colour: Colour = Colour.RED, shape: Shape | None = None
) -> Reading:
    """Show that each may be left out, and so may all."""
    return Reading(limit)


@kinds.query("by-name")
async def by_name(ctx: None, input: Literal["a", "b"]) -> Page[Node] | Missing:
    return Page(rows=[]) if input == "a" else MISSING


@kinds.query()
async def pages(ctx: None, input: list[int] | None = None) -> Page[Page[int]]:
    return Page(rows=[])


@kinds.query()
async def opaque(ctx: None, input: Any) -> Any:
    return input


@kinds.subscription()
async def shapes(ctx: None, *, last_event_id: str | None = None) -> AsyncIterator[Tracked[Encoded[Shape]]]:
    yield Tracked("1", Encoded(b"{}"))


@kinds.query()
async def namesakes_of(
    ctx: None, input: namesakes.KindsNamesakesInput
) -> tuple[namesakes.Post, reference.Post, namesakes.Record, namesakes.AppRouter]:
    return (
        namesakes.Post(height_mm=1),
        reference.Post(id=1, title=""),
        namesakes.Record(held={}),
        namesakes.AppRouter(name=""),
    )


@kinds.mutation("namesakes")
async def namesakes_taken(ctx: None, *, force: bool) -> None:
    return None


root = Router[None](kinds=kinds)
