"""Models whose names are taken already: by another module's models, by TypeScript, by the generated file."""

from pydantic import BaseModel


class Post(BaseModel):
    """A post that carries a machine, not a text."""

    height_mm: int


class Record(BaseModel):
    """A name that TypeScript needs for dictionaries."""

    held: dict[str, int]


class AppRouter(BaseModel):
    """A name that the generated file needs."""

    name: str


class KindsNamesakesInput(BaseModel):
    """A name that the input of a procedure would have."""

    taken: bool
