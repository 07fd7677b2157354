"""The base of every record: one frozen model that is stored, sent and shown."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """A fact of the plant; immutable, with no field it does not name.

    Its validator is built at its first use: a start that needs a tenth of them does not wait for the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always", defer_build=True)


class Facts(Record):
    """What a person says of a thing of the plant; spaces around words are not meant."""

    model_config = ConfigDict(str_strip_whitespace=True)


Id = Annotated[str, Field(min_length=1, max_length=36, pattern=r"^[A-Za-z0-9_.-]+$")]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Code = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")]
SignalNumber = Annotated[int, Field(ge=1, le=2**32 - 1)]
Instant = Annotated[int, Field(ge=0, le=2**53, description="Microseconds UTC; up to 2255, what JavaScript counts.")]
CalendarDay = Annotated[
    date,
    Field(
        ge=date(1970, 1, 1), le=date(2255, 1, 1), description="Such as 2026-11-21.", json_schema_extra={"maxLength": 10}
    ),
]
"""A date on the calendar of a wall, in the years that instants can name."""
Text = Annotated[str, Field(max_length=2000)]
Revision = Annotated[int, Field(ge=0, le=2**53, description="Grows by one with each change of the record.")]
Position = Annotated[int, Field(ge=-1_000_000, le=1_000_000, description="Place among its neighbours.")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
