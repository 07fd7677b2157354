"""A table on its way into a file: columns with a kind and a unit, blocks of rows, and how a reader wants it written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo


class ColumnKind(StrEnum):
    """What a column holds, and as what a block brings it."""

    TIME = "time"
    """int64, microseconds UTC."""
    NUMBER = "number"
    """float64; NaN where there is none."""
    TEXT = "text"
    """A list of text or None."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``unit`` is the symbol that stands after its numbers, empty for plain ones."""

    name: str
    kind: ColumnKind
    unit: str = ""

    @property
    def title(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class TableStyle:
    """How a reader wants a table written.

    Attributes:
        zone: Times are written in it, with their offset where the format can say so.
        decimal: What stands before the fraction in text formats.
        separator: What stands between fields in text formats.
        facts: What the table is about, as words and values, for formats that have room for it.
    """

    zone: ZoneInfo
    decimal: str = "."
    separator: str = ","
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)


Block = Sequence[Any]
"""One array or list for each column, all of one length, as `ColumnKind` says."""


class TableWriter(Protocol):
    """Writes one file, block by block, in memory that does not grow with the table."""

    def write(self, block: Block) -> None: ...

    def close(self) -> None:
        """End the file; it is complete when this returns."""
        ...

    def abandon(self) -> None:
        """Give everything back without ending the file; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Renderer:
    """One format.

    Attributes:
        name: As people ask for it.
        extension: Of the file's name, without a dot.
        media_type: As HTTP says it.
        open: Begins a file that is not there yet.
        bytes_per_cell: About; of it the size is estimated.
    """

    name: str
    extension: str
    media_type: str
    open: Callable[[Path, Sequence[Column], TableStyle], TableWriter]
    bytes_per_cell: float
