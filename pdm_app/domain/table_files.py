"""Tables in files, read row by row whatever wrote them: what opening one says, and what its rows are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from pdm_app.domain.record import Record

COLUMNS_MAX = 2_000
CELL_MAX = 2_000
"""Characters of one cell that are read; what is longer is no value."""


class TableFormat(Record):
    """How text is cut into cells; the other formats say so themselves."""

    separator: Literal["auto", ",", ";", "\t", "|"] = "auto"
    sheet: str = Field(default="", max_length=80, description="Of a workbook; empty for its first one.")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row. ``line`` is where a person finds it, counted from 1 with the heading.

    Attributes:
        cells: As text, in the order of the columns; typed cells as ISO 8601 with offset, or the shortest number that
            reads back the same. Empty where there is nothing.
        problem: Why the row cannot be used; empty where it can.
    """

    line: int
    cells: Sequence[str]
    problem: str = ""


class TableFile(Protocol):
    """An open table; iterate it once, close it afterwards. Everything blocks and is called in a thread."""

    @property
    def columns(self) -> Sequence[str]:
        """The heading."""
        ...

    @property
    def separator(self) -> str:
        """What stands between cells of text; empty in other formats."""
        ...

    @property
    def sheets(self) -> Sequence[str]:
        """Names of all sheets of a workbook; empty for other formats."""
        ...

    @property
    def rows_about(self) -> int:
        """How many rows there are, as well as can be told without reading them."""
        ...

    def __iter__(self) -> Iterator[TableRow]: ...
    def close(self) -> None: ...


class OpenTable(Protocol):
    """Opens a file whose format is known."""

    def __call__(self, path: Path, format: str, how: TableFormat) -> TableFile:
        """Open it and read its heading.

        Raises:
            UnusableFileError: It is no such table.
        """
        ...
