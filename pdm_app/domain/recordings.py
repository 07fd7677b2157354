"""Recordings: files of samples that were taken elsewhere and can be replayed as if their machine were there."""

from typing import Annotated

from pydantic import Field

from pdm_app.domain.record import Record, Text

RecordingName = Annotated[
    str, Field(min_length=5, max_length=125, pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*\.[cC][sS][vV]$")
]
ReplaySpeed = Annotated[float, Field(ge=1, le=600, description="Times as fast as it was recorded.")]

REPLAYING_DRIVER = "csv_replay"


class RecordedColumn(Record):
    """One column beside the time. ``example`` is what its first row says."""

    name: str
    is_number: bool
    example: Annotated[str, Field(max_length=80)] = ""


class Recording(Record):
    """A file and what its beginning says. Times in microseconds UTC.

    Attributes:
        step_s: Usual time between two rows; None where fewer than two were seen.
        rows_seen: Rows that were looked at, at most the first thousand.
        refused: How many of them cannot be used, and ``refused_first`` where and why.
        problem: Why the whole file cannot be used; empty where it can.
    """

    name: str
    bytes: int
    columns: tuple[RecordedColumn, ...] = ()
    first_at: int | None = None
    last_at: int | None = None
    step_s: float | None = None
    rows_seen: int = 0
    refused: int = 0
    refused_first: Text = ""
    problem: Text = ""
