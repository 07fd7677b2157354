"""What one shift hands over to the next: how its lines went, what stands, and what people say of it, signed by both."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from pydantic import Field

from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.record import Finite, Id, Record, Revision, Text
from pdm_app.domain.samples import Micros

ALARMS_TOLD = 40
LINES_TOLD = 100
PAGE_MAX = 200


class HandoverLine(Record):
    """A line over the shift, as it stood when the shift was handed over."""

    line_id: Id
    name: str
    made: Finite
    good: Finite
    scrap: Finite
    oee: Finite | None
    target_oee: Finite | None
    stopped_s: Finite = Field(description="Stops of any kind but planned and minor ones.")
    waiting: int = Field(description="Stops that nobody has given a reason.")


class HandoverAlarm(Record):
    """An alarm that stood then."""

    asset_id: Id
    name: str
    priority: int
    raised_at: int
    is_acknowledged: bool


class HandoverDraft(Record):
    """A shift, filled in from what is known of it; ``until_at`` is up to when it is told."""

    site_id: Id
    name: str = Field(max_length=40, description="Of the shift.")
    crew: str = Field(default="", max_length=40)
    day: date
    begin_at: int
    end_at: int
    until_at: int
    lines: tuple[HandoverLine, ...] = Field(max_length=LINES_TOLD)
    alarms: tuple[HandoverAlarm, ...] = Field(max_length=ALARMS_TOLD)
    alarms_left_out: int = Field(default=0, ge=0, description="More alarms stood than are told.")


class Handover(HandoverDraft):
    """A shift that was handed over: what was signed then is never changed, and who takes it adds to it."""

    id: Id
    notes: Text = ""
    handed_by_id: Id
    handed_by: str = Field(max_length=120)
    handed_at: int
    taken_by_id: Id | None = None
    taken_by: str = Field(default="", max_length=120)
    taken_at: int | None = None
    remarks: Text = Field(default="", description="Of the one who takes it.")
    revision: Revision = 0


def handover_id(site_id: str, begin_at: int) -> str:
    """Return the id of a shift's handover: there is one of each."""
    return derived_id(Micros(begin_at), site_id, "handover")


class Handovers(Protocol):
    """Where they are kept; reads and writes only what the scope covers."""

    async def newest(self, site_id: str, limit: int) -> Sequence[Handover]: ...
    async def get(self, handover_id: str) -> Handover | None: ...
    async def put(self, handover: Handover) -> None: ...
